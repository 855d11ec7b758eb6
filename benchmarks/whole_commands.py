"""How long whole commands take, beside a plain import of TensorFlow: python benchmarks/whole_commands.py RUN

Times evaluate.py (of 1,000 samples; the first time, which trains the feature classifier, and again), explore.py and
export.py on a finished run, in a cache of their own in which its faces are prepared before. Everything is written to a
temporary folder. The table goes to benchmarks/whole_commands.md. With `--check`, nothing is written: the command fails
where a ratio has grown beyond what the table says, times `MOST`. The ratios are of processor time, which other work on
the machine and its speed change least.
"""

import argparse
import os
import pathlib
import subprocess
import sys
import tempfile
import time

from measuring import HERE, machine, write_section
from tqdm import tqdm

from facevae.command_line.text_table import markdown

TABLE = pathlib.Path(__file__).with_suffix(".md")
TITLE = "# Whole commands\n\nMade by `python benchmarks/whole_commands.py RUN`.\n"
MOST = 1.5  # times the table's ratio
PREPARE = "import sys; from facevae.run.opened_run import OpenedRun; OpenedRun(sys.argv[1]).dataset"
COLUMN = 3  # of the table, where the ratios are


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False
    )
    parser.add_argument("run", type=pathlib.Path, help="folder of a finished run")
    parser.add_argument(
        "--heading", default="synthetic faces, 64×64", help="of the section (default: %(default)s)"
    )
    parser.add_argument("--check", action="store_true", help="compare with the table instead of writing it")
    flags = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        times = measured(flags.run.resolve(), pathlib.Path(scratch))
    base = times.pop("import tensorflow")
    if flags.check:
        check({name: used / base[1] for name, (_, used) in times.items()}, recorded(TABLE, flags.heading))
        return
    rows = [("`import tensorflow`", f"{base[0]:.1f}", f"{base[1]:.1f}", "1.0")]
    rows += [
        (f"`{n}`", f"{waited:.1f}", f"{used:.1f}", f"{used / base[1]:.1f}")
        for n, (waited, used) in times.items()
    ]
    text = f"{machine()}. Each command once; the last column is the one that is compared.\n\n"
    text += markdown(("", "seconds", "seconds of processor time", "times that of the import"), rows)
    write_section(TABLE, TITLE, flags.heading, text)


def measured(run: pathlib.Path, scratch: pathlib.Path) -> dict[str, tuple[float, float]]:
    """Elapsed and processor seconds of each command by its name in the table."""
    pictures = ("--output-dir", str(scratch / "pictures"))
    evaluation = ("evaluate.py", str(run), "--samples", "1000", "--output", str(scratch / "evaluation.json"))
    commands = {
        "evaluate.py, the first time": evaluation,
        "evaluate.py": evaluation,
        "explore.py generate": ("explore.py", str(run), "generate", *pictures),
        "explore.py latents": ("explore.py", str(run), "latents", *pictures),
        "export.py": ("export.py", str(run), "--output-dir", str(scratch / "export")),
    }
    environment = {**os.environ, "FACEVAE_CACHE": str(scratch / "cache"), "PYTHONPATH": str(HERE.parent)}
    imported = (sys.executable, "-c", "import tensorflow")
    seconds(imported, environment)  # from here on its files are in memory
    seconds((sys.executable, "-c", PREPARE, str(run)), environment)
    times = {"import tensorflow": seconds(imported, environment)}
    for name, command in tqdm(commands.items(), unit="command", leave=False):
        times[name] = seconds(script(command), environment)
        print(name, *(f"{value:.1f}" for value in times[name]), flush=True)
    return times


def script(command: tuple[str, ...]) -> tuple[str, ...]:
    """The command line of one of the four scripts."""
    return (sys.executable, str(HERE.parent / command[0]), *command[1:])


def seconds(command: tuple[str, ...], environment: dict[str, str]) -> tuple[float, float]:
    """Elapsed and processor seconds of a command, which must succeed."""
    begin, before = time.perf_counter(), os.times()
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    waited, after = time.perf_counter() - begin, os.times()
    if done.returncode:
        raise SystemExit(f"{' '.join(command)} failed:\n{done.stderr[-2000:]}")
    return waited, after.children_user + after.children_system - before.children_user - before.children_system


def recorded(table: pathlib.Path, heading: str) -> dict[str, float]:
    """The ratios of a section of the table, by the command's name."""
    sections = table.read_text(encoding="utf-8").split("\n## ")
    section = next((part for part in sections if part.startswith(f"{heading}\n")), None)
    if section is None:
        raise SystemExit(
            f"{table}: expected the section {heading!r}, which is missing. Measure without --check."
        )
    rows = [[cell.strip() for cell in line.strip("| ").split("|")] for line in section.splitlines()]
    return {
        row[0].strip("`"): float(row[COLUMN]) for row in rows if len(row) > COLUMN and row[0].startswith("`")
    }


def check(ratios: dict[str, float], expected: dict[str, float]) -> None:
    """Prints each ratio beside the table's, and fails where one is missing there or has grown beyond `MOST` times."""
    grown = []
    for name, ratio in ratios.items():
        known = expected.get(name)
        print(f"{name}: {ratio:.1f} times the import, {known} in the table")
        if known is None or not ratio <= MOST * known:
            grown.append(name)
    if grown:
        raise SystemExit(
            f"{', '.join(grown)}: expected at most {MOST} times the ratio of {TABLE.name}. Find what became slower, or "
            "measure the table again."
        )


if __name__ == "__main__":
    main()
