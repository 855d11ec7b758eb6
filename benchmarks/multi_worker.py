"""What training together costs: two workers on this machine against one, at the same global batch.

    python benchmarks/multi_worker.py [--image-size 64] [--batch-size 64] [--steps 40] [--repeats 3]

Three trainings of the same network take turns: one process on one core, one process on two cores, and two workers
with a core each, over the loopback. Prints medians over all repeats: time of a step, faces a second, processor time of
all workers for a step (which other programs on the machine hardly change), the time of the sums over the workers alone
(gradients, moving statistics, loss, logs), and how many prepared faces a worker reads a second from memory when it does
nothing else. Needs Linux.

Compare what the second core gains in one process with what it gains as a second worker: the difference is the cost of
communication. A loopback is no network, and both workers share the memory's bandwidth.
"""

import argparse
import functools
import json
import os
import socket
import statistics
import subprocess
import sys

from measuring import HERE

from facevae.command_line.text_table import markdown

KINDS = {"one worker, one core": (1, 1), "one worker, two cores": (1, 2), "two workers, a core each": (2, 1)}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--image-size", type=int, default=64)
    parser.add_argument("--batch-size", type=int, default=64, help="over all workers")
    parser.add_argument("--steps", type=int, default=40, help="at least 8")
    parser.add_argument("--repeats", type=int, default=3)
    flags = parser.parse_args()
    results = {kind: [] for kind in KINDS}
    for repeat in range(flags.repeats):
        for kind in KINDS:
            results[kind] += run(kind, flags)
            print(f"repeat {repeat + 1}: {kind}", file=sys.stderr)
    report(results, flags.batch_size)


def run(kind: str, flags: argparse.Namespace) -> list[dict]:
    """What each worker of one training measures."""
    count, cores = KINDS[kind]
    addresses = [f"127.0.0.1:{port}" for port in free_ports(count)]
    command = [sys.executable, str(HERE / "worker_side.py")]
    for name in ("image_size", "batch_size", "steps"):
        command += [f"--{name.replace('_', '-')}", str(getattr(flags, name))]
    processes = []
    try:
        for index in range(count):
            cluster = {"cluster": {"worker": addresses}, "task": {"type": "worker", "index": index}}
            processes.append(
                subprocess.Popen(
                    command,
                    env={**os.environ, "TF_CONFIG": json.dumps(cluster)},
                    # Before the worker starts: libraries make a thread for each core at import.
                    preexec_fn=functools.partial(
                        os.sched_setaffinity, 0, range(index * cores, (index + 1) * cores)
                    ),
                    stdout=subprocess.PIPE,
                    stderr=subprocess.PIPE,
                    text=True,
                )
            )
        outputs = [process.communicate(timeout=600) for process in processes]
    finally:
        for process in processes:
            process.kill()
    if any(process.returncode for process in processes):
        raise SystemExit("\n".join(err for _, err in outputs))
    return [json.loads(out.splitlines()[-1]) for out, _ in outputs]


def free_ports(count: int) -> list[int]:
    """Ports of the loopback that nothing listens on."""
    ports = []
    for _ in range(count):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            ports.append(free.getsockname()[1])
    return ports


def report(results: dict[str, list[dict]], batch_size: int) -> None:
    """Prints a table, and how the three trainings compare."""
    parameters = results["one worker, one core"][0]["parameters"]
    print(f"{parameters:,} parameters: {4 * parameters / 1e6:.1f} MB of float32 gradients a step\n")
    rows, steps = [], []
    for kind, measured in results.items():
        step, processor, sums, reading = (
            statistics.median([value for result in measured for value in result[name]])
            for name in ("step", "processor", "sums", "reading")
        )
        steps.append(step)
        milliseconds = (f"{1000 * seconds:.1f}" for seconds in (KINDS[kind][0] * processor, sums))
        rows.append(
            (kind, f"{1000 * step:.1f}", f"{batch_size / step:.0f}", *milliseconds, f"{reading:,.0f}")
        )
    header = ("training", "step, ms", "faces a second", "processor time a step, ms", "sums alone, ms")
    print(markdown((*header, "reading alone, faces a second"), rows))
    one, two, workers = steps
    print(
        f"\nAgainst one core: two cores {one / two:.2f} times as fast, two workers {one / workers:.2f} times. "
        f"Efficiency of two workers: {one / workers / 2:.0%}; against two cores in one process: {two / workers:.0%}."
    )


if __name__ == "__main__":
    main()
