"""What training together costs: two workers on this machine against one, at the same global batch.

    python benchmarks/multi_worker.py [--image-size 64] [--batch-size 64] [--steps 40] [--repeats 3]

Three trainings of the same network take turns: one process on one core, one process on two cores, and two workers
with a core each, over the loopback. Printed are medians over all repeats: time of a step, faces a second, the
processor's time of all workers for a step (which other programs on the machine disturb little), the time that the
workers' sums take alone (gradients, moving statistics, loss, logs), and how many prepared
faces a worker reads a second from memory when it does nothing else.

How much faster the second core makes it, and how much of that two workers lose, says what a step's communication
costs; loopback is no network, and both workers share the memory's bandwidth.
"""

import argparse
import json
import os
import socket
import statistics
import subprocess
import sys
import time

from facevae.text_table import markdown

FACES = 8192
KINDS = {"one worker, one core": (1, 1), "one worker, two cores": (1, 2), "two workers, a core each": (2, 1)}


def measure(arguments: argparse.Namespace) -> None:
    """One worker's part; prints a line of JSON."""
    cores = {int(core) for core in os.environ["BENCHMARK_CORES"].split(",")}
    os.sched_setaffinity(0, cores)

    import keras
    import numpy as np
    import tensorflow as tf

    tf.config.threading.set_intra_op_parallelism_threads(len(cores))
    from facevae import config, data, training
    from facevae.model import replicas
    from facevae.training.many_workers import choose_workers, find_cluster

    workers = choose_workers("auto", find_cluster())
    size, batch = arguments.image_size, arguments.batch_size
    model = training.build_model(
        config.from_preset("demo", image_size=size, batch_size=batch, epochs=1),
        training.Runtime("processor", "float32", False, workers),
    )
    images = np.random.default_rng(0).integers(0, 255, (FACES, size, size, 3), np.uint8)
    records = data.Records(images, None, [""] * len(images), np.arange(len(images)))
    ends, busy = [], []

    def note(batch, logs):
        ends.append(time.monotonic())
        busy.append(time.process_time())

    model.fit(
        workers.distribute(lambda share: data.training_batches(records, batch, 0, share=share)),
        steps_per_epoch=arguments.steps,
        shuffle=False,
        verbose=0,
        callbacks=[keras.callbacks.LambdaCallback(on_train_batch_end=note)],
    )
    sizes = [variable.shape for variable in model.trainable_variables]
    statistics_sizes = [
        weight.shape for net in (model.encoder, model.decoder) for weight in net.non_trainable_weights
    ]

    @tf.function
    def only_sums():
        """What a step adds up over the workers, and nothing else."""

        def add():
            batch_sums = replicas.total([tf.ones([]), tf.ones([]), tf.ones([model.latent_dim])])
            gradients = replicas.total([tf.ones(shape) for shape in sizes])
            averages = replicas.total([tf.ones(shape) for shape in statistics_sizes])
            return tf.add_n([tf.reduce_sum(x) for x in [*batch_sums, *gradients, *averages]])

        total = workers.strategy.run(add)
        logs = [workers.strategy.reduce("MEAN", tf.ones([1]), axis=0) for _ in range(5)]
        return total, logs

    seconds = [0.0]
    if workers.replicas > 1:
        only_sums()
        seconds = []
        for _ in range(arguments.steps):
            begin = time.monotonic()
            only_sums()[0].numpy()
            seconds.append(time.monotonic() - begin)
    batches = data.training_batches(records, batch, 0)
    for _ in batches.take(10):
        pass
    begin = time.monotonic()
    for _ in batches.take(FACES // batch):
        pass
    reading = FACES // batch * batch / (time.monotonic() - begin)
    steps = np.diff(ends)[5:]  # the first ones compile and fill the input's buffers
    parameters = sum(int(np.prod(shape)) for shape in sizes)
    processor = (busy[-1] - busy[5]) / (len(busy) - 6)
    result = {
        "step": list(steps),
        "processor": [processor],
        "sums": seconds,
        "reading": [reading],
        "parameters": parameters,
    }
    print(json.dumps(result), flush=True)


def run(kind: str, arguments: argparse.Namespace) -> list[dict]:
    """What each worker of one training measures."""
    count, cores = KINDS[kind]
    ports = []
    for _ in range(count):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            ports.append(free.getsockname()[1])
    processes = []
    try:
        for index in range(count):
            own = range(index, index + 1) if count > 1 else range(cores)
            task = {"type": "worker", "index": index}
            addresses = [f"127.0.0.1:{port}" for port in ports]
            environment = {
                **os.environ,
                "BENCHMARK_CORES": ",".join(map(str, own)),
                "TF_CONFIG": json.dumps({"cluster": {"worker": addresses}, "task": task}),
            }
            command = [sys.executable, *sys.argv]
            pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
            processes.append(subprocess.Popen(command, env=environment, text=True, **pipes))
        outputs = [process.communicate(timeout=600) for process in processes]
    finally:
        for process in processes:
            process.kill()
    if any(process.returncode for process in processes):
        raise SystemExit("\n".join(err for _, err in outputs))
    return [json.loads(out.splitlines()[-1]) for out, _ in outputs]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--image-size", type=int, default=64)
    parser.add_argument("--batch-size", type=int, default=64, help="over all workers")
    parser.add_argument("--steps", type=int, default=40)
    parser.add_argument("--repeats", type=int, default=3)
    arguments = parser.parse_args()
    if "BENCHMARK_CORES" in os.environ:
        measure(arguments)
        return
    found = {kind: [] for kind in KINDS}
    for repeat in range(arguments.repeats):
        for kind in KINDS:
            found[kind] += run(kind, arguments)
            print(f"repeat {repeat + 1}: {kind}", file=sys.stderr)
    parameters = found["one worker, one core"][0]["parameters"]
    print(f"{parameters:,} parameters: {4 * parameters / 1e6:.1f} MB of float32 gradients a step\n")
    rows, medians = [], {}
    for kind, results in found.items():
        step, processor, sums, reading = (
            statistics.median([value for result in results for value in result[name]])
            for name in ("step", "processor", "sums", "reading")
        )
        processor *= KINDS[kind][0]
        medians[kind] = step
        rate = arguments.batch_size / step
        times = (f"{1000 * seconds:.1f}" for seconds in (processor, sums))
        rows.append((kind, f"{1000 * step:.1f}", f"{rate:.0f}", *times, f"{reading:,.0f}"))
    header = ("training", "step, ms", "faces a second", "processor, ms", "sums alone, ms")
    print(markdown((*header, "reading alone, faces a second"), rows))
    one, two, workers = medians.values()
    print(
        f"\nAgainst one core: two cores {one / two:.2f} times as fast, two workers {one / workers:.2f} times;"
    )
    print(
        f"efficiency of two workers {one / workers / 2:.0%}, against two cores in one process {two / workers:.0%}."
    )


if __name__ == "__main__":
    main()
