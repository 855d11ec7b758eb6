"""One worker's part of multi_worker.py, in a process of its own; prints one line of JSON.

It uses the cores that multi_worker.py starts it on, and finds the other workers by `TF_CONFIG`.
"""

import argparse
import json
import os
import time

import numpy as np

from facevae.command_line.quiet import without_native_notes
from facevae.configuration.choosing import from_preset

with without_native_notes():
    import keras
    import tensorflow as tf

    from facevae import data, training
    from facevae.model import VAE, replicas
    from facevae.training.many_workers import Workers, choose_workers, find_cluster

FACES = 8192
WARM_UP = 5  # steps, which compile and fill the input's buffers


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for name in ("image-size", "batch-size", "steps"):
        parser.add_argument(f"--{name}", type=int, required=True)
    flags = parser.parse_args()
    tf.config.threading.set_intra_op_parallelism_threads(len(os.sched_getaffinity(0)))
    workers = choose_workers("auto", find_cluster())
    config = from_preset("demo", image_size=flags.image_size, batch_size=flags.batch_size, epochs=1)
    model = training.build_model(config, training.Runtime("processor", "float32", False, workers))
    faces = noise(flags.image_size)
    measured = {
        **time_steps(model, faces, workers, flags),
        "sums": time_sums(model, workers, flags.steps),
        "reading": [reading_rate(faces, flags.batch_size)],
        "parameters": sum(int(np.prod(variable.shape)) for variable in model.trainable_variables),
    }
    print(json.dumps(measured), flush=True)


def noise(size: int) -> data.Records:
    """Random images in place of prepared faces."""
    images = np.random.default_rng(0).integers(0, 255, (FACES, size, size, 3), np.uint8)
    return data.Records(images, None, [""] * FACES, np.arange(FACES))


def time_steps(
    model: VAE, faces: data.Records, workers: Workers, flags: argparse.Namespace
) -> dict[str, list[float]]:
    """Seconds of each training step, and this process' mean processor time for a step."""
    ends, used = [], []

    def note(batch, logs):
        ends.append(time.monotonic())
        used.append(time.process_time())

    model.fit(
        workers.distribute(lambda share: data.training_batches(faces, flags.batch_size, 0, share=share)),
        steps_per_epoch=flags.steps,
        shuffle=False,
        verbose=0,
        callbacks=[keras.callbacks.LambdaCallback(on_train_batch_end=note)],
    )
    processor = (used[-1] - used[WARM_UP]) / (len(used) - 1 - WARM_UP)
    return {"step": list(np.diff(ends)[WARM_UP:]), "processor": [processor]}


def time_sums(model: VAE, workers: Workers, steps: int) -> list[float]:
    """Seconds that a step's sums over the workers take by themselves; 0 for one worker."""
    if workers.replicas == 1:
        return [0.0]
    gradients = [variable.shape for variable in model.trainable_variables]
    statistics = [
        weight.shape for net in (model.encoder, model.decoder) for weight in net.non_trainable_weights
    ]

    def add():
        sums = replicas.total([tf.ones([]), tf.ones([]), tf.ones([model.latent_dim])])
        sums += replicas.total([tf.ones(shape) for shape in gradients])
        sums += replicas.total([tf.ones(shape) for shape in statistics])
        return tf.add_n([tf.reduce_sum(x) for x in sums])

    @tf.function
    def only_sums():
        total = workers.strategy.run(add)
        logs = [workers.strategy.reduce("MEAN", tf.ones([1]), axis=0) for _ in range(5)]
        return total, logs

    only_sums()
    seconds = []
    for _ in range(steps):
        begin = time.monotonic()
        only_sums()[0].numpy()
        seconds.append(time.monotonic() - begin)
    return seconds


def reading_rate(faces: data.Records, batch_size: int) -> float:
    """Faces a second that one process reads from memory, without training."""
    batches = data.training_batches(faces, batch_size, 0)
    for _ in batches.take(10):
        pass
    steps = FACES // batch_size
    begin = time.monotonic()
    for _ in batches.take(steps):
        pass
    return steps * batch_size / (time.monotonic() - begin)


if __name__ == "__main__":
    main()
