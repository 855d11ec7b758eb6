"""How long the commands take to answer, and training to its first step: python benchmarks/start_up.py

`--help` and wrong flags are answered without TensorFlow. The first step is that of `train.py` on synthetic faces that
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
from typing import IO

from measuring import HERE, machine, write_section
from tqdm import tqdm

from facevae.command_line.text_table import markdown

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
    parser.add_argument(
        "--sections", nargs="+", choices=("answers", "training"), default=["answers", "training"]
    )
    flags = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        if "answers" in flags.sections:
            commands = [(script, "--help") for script in MISTAKES] + [
                (s, *rest) for s, rest in MISTAKES.items()
            ]
            commands.append(("train.py", "--data", "no/such/folder"))
            report(
                "Until a script answers", {command: [command] * flags.rounds for command in commands}, scratch
            )
        if "training" in flags.sections:
            command = ("train.py", "--epochs", "1", "--steps-per-epoch", "2", "--density-components", "0")
            command += ("--sample-from", "prior", "--run-dir")
            until((*command, f"{scratch}/first"), scratch, "step 1,")  # prepares the faces
            runs = [(*command, f"{scratch}/{number}") for number in range(flags.rounds)]
            report("Until the first step", {("train.py",): runs}, scratch, "step 1,")


def report(heading: str, runs: dict[tuple[str, ...], list], scratch: str, said: str | None = None) -> None:
    """Times some commands in turns and writes a section with their medians."""
    answers = {name: [] for name in runs}
    for turn in tqdm(list(zip(*runs.values(), strict=True)), unit="round", leave=False):
        for name, command in zip(runs, turn, strict=True):
            answers[name].append(until(command, scratch, said))
    rows = []
    for name, times in answers.items():
        waited, used = (f"{statistics.median(seconds):.2f}" for seconds in zip(*times, strict=True))
        rows.append((f"`{' '.join(name)}`", waited, used))
    text = f"{machine()}. Medians of {len(times)} rounds in turns; "
    text += "other work on the machine changes processor time less.\n\n"
    text += markdown(("", "seconds", "seconds of processor time"), rows)
    write_section(TABLE, TITLE, heading, text)


def until(command: tuple[str, ...], cwd: str, said: str | None = None) -> tuple[float, float]:
    """Elapsed and processor seconds until a script ends, or until it prints some words and is then killed.

    It prints to a terminal of its own: progress bars are for terminals only.
    """
    script, *rest = command
    ours, theirs = os.openpty()
    begin, used = time.perf_counter(), os.times()
    process = subprocess.Popen(
        [sys.executable, str(HERE.parent / script), *rest],
        stdout=theirs,
        stderr=theirs,
        cwd=cwd,
        env={**os.environ, "PYTHONPATH": str(HERE.parent), "COLUMNS": "120"},
    )
    os.close(theirs)
    with process, open(ours, "rb", buffering=0) as terminal:
        heard = b""
        while part := _read(terminal):
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


def _read(terminal: IO[bytes]) -> bytes:
    """What a terminal shows next; nothing once its process has ended."""
    try:
        return terminal.read(65536)
    except OSError:
        return b""


if __name__ == "__main__":
    main()
