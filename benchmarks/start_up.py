"""How long the entry scripts take to answer, and training to its first step: python benchmarks/start_up.py

`--help` and a mistake in a flag answer without TensorFlow. The first step is that of `train.py` on synthetic faces that
are prepared already. The table goes to benchmarks/start_up.md.
"""

import argparse
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

from measuring import HERE, machine, table, write_section
from tqdm import tqdm

TABLE = pathlib.Path(__file__).with_suffix(".md")
TITLE = "# Start-up\n\nMade by `python benchmarks/start_up.py`.\n"
MISTAKES = {
    "train.py": ("--learning-rate", "fast"),
    "evaluate.py": ("no/such/run",),
    "explore.py": ("no/such/run", "generate"),
    "export.py": ("no/such/run",),
}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=5, help="of each command (default: 5)")
    flags = parser.parse_args()
    commands = {f"{script} --help": (script, "--help") for script in MISTAKES}
    commands |= {f"{script} {' '.join(rest)}": (script, *rest) for script, rest in MISTAKES.items()}
    commands["train.py --data no/such/folder"] = ("train.py", "--data", "no/such/folder")
    seconds: dict[str, list[tuple[float, float]]] = {name: [] for name in commands}
    first_step = "train.py, command to first step"
    seconds[first_step] = []
    with tempfile.TemporaryDirectory() as scratch:
        training = ("train.py", "--epochs", "1", "--steps-per-epoch", "2", "--density-components", "0")
        training += ("--sample-from", "prior", "--run-dir")
        until((*training, f"{scratch}/first"), scratch, "step 1,")  # prepares the faces
        for number in tqdm(range(flags.rounds), unit="round", leave=False):
            for name, command in commands.items():
                seconds[name].append(until(command, scratch))
            seconds[first_step].append(until((*training, f"{scratch}/{number}"), scratch, "step 1,"))
    rows = []
    for name, answers in seconds.items():
        waited, used = zip(*answers, strict=True)
        rows.append((f"`{name}`", f"{statistics.median(waited):.2f}", f"{statistics.median(used):.2f}"))
    text = (
        f"{machine()}. Medians of {flags.rounds} rounds; processor time, of all cores together, is what a busy machine "
        f"changes less.\n\n{table(('', 'seconds', 'seconds of processor time'), rows)}"
    )
    write_section(TABLE, TITLE, "Until there is an answer", text)


def until(command: tuple[str, ...], cwd: str, said: str | None = None) -> tuple[float, float]:
    """Seconds, and those of processor time, until a script ends, or until it says something and is stopped."""
    script, *rest = command
    begin, used = time.perf_counter(), os.times()
    process = subprocess.Popen(
        [sys.executable, str(HERE.parent / script), *rest],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        cwd=cwd,
        env={**os.environ, "PYTHONPATH": str(HERE.parent), "COLUMNS": "120"},
    )
    with process:
        heard = b""
        while part := os.read(process.stdout.fileno(), 65536):
            heard += part
            if said and said.encode() in heard:
                seconds = time.perf_counter() - begin
                process.kill()
                break
        else:
            seconds = time.perf_counter() - begin
            if said:
                told = heard.decode(errors="replace")[-2000:]
                raise SystemExit(f"{' '.join(command)} did not say {said!r}:\n{told}")
    after = os.times()
    return seconds, after.children_user + after.children_system - used.children_user - used.children_system


if __name__ == "__main__":
    main()
