"""What the benchmarks share: programs run and timed in turns, a description of the machine, and tables in files."""

import datetime
import io
import json
import os
import pathlib
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from PIL import Image
from tqdm import tqdm

from facevae.synthetic_faces import render, sample_faces

HERE = pathlib.Path(__file__).resolve().parent


# -----------------------------------------------------------------------------------------------------------------
# Programs that are compared
# -----------------------------------------------------------------------------------------------------------------


def run_side(command: Sequence[str | os.PathLike]) -> dict[str, Any]:
    """Runs a program whose last line of output is JSON.

    Returns:
        The fields of that line, and `seconds`, from the program's start to its end.
    """
    path = os.pathsep.join([str(HERE.parent), *filter(None, [os.environ.get("PYTHONPATH")])])
    begin = time.perf_counter()
    process = subprocess.run(
        [os.fspath(part) for part in command],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": path, "TF_CPP_MIN_LOG_LEVEL": "3"},
    )
    seconds = time.perf_counter() - begin
    if process.returncode:
        raise SystemExit(f"{' '.join(process.args)} failed:\n{process.stderr[-2000:]}")
    return {**json.loads(process.stdout.strip().splitlines()[-1]), "seconds": seconds}


def own_side(*arguments: object) -> list[str]:
    """The command of `own_side.py`."""
    return [sys.executable, str(HERE / "own_side.py"), *map(str, arguments)]


def in_turns(sides: dict[str, Sequence[str]], rounds: int) -> dict[str, list[dict[str, Any]]]:
    """Runs every program once in each round, so that other work on the machine slows all of them alike."""
    results: dict[str, list[dict[str, Any]]] = {name: [] for name in sides}
    with tqdm(total=rounds * len(sides), unit="run", leave=False) as progress:
        for _ in range(rounds):
            for name, command in sides.items():
                progress.set_postfix_str(name)
                results[name].append(run_side(command))
                progress.update()
    return results


def median(results: Iterable[dict[str, Any]], key: str) -> float:
    """The median of one field."""
    return statistics.median(result[key] for result in results)


def ratio(ours: Sequence[dict[str, Any]], theirs: Sequence[dict[str, Any]]) -> float:
    """How many times as fast ours is: the median over the rounds of the ratio of images a second."""
    pairs = zip(ours, theirs, strict=True)
    return statistics.median(our["images_per_second"] / their["images_per_second"] for our, their in pairs)


def add_peers(parser) -> None:
    """Adds flags for programs of others (peers) that train the same network.

    They take `--mode step|folder --size --batch [--steps] [--folder]` and print one line of JSON with
    `images_per_second`.
    """
    for name, what in (("keras", "Keras"), ("torch", "PyTorch")):
        parser.add_argument(f"--{name}-peer", metavar="SCRIPT", help=f"a {what} program to compare with")
        help = f"the interpreter that runs it (default: {sys.executable})"
        parser.add_argument(f"--{name}-python", metavar="PYTHON", default=sys.executable, help=help)


def peers(flags, *arguments: object) -> dict[str, list[str]]:
    """The commands of the peers that the flags name, by their titles."""
    commands = {}
    for name, title in (("keras", "Keras peer"), ("torch", "PyTorch peer")):
        script = getattr(flags, f"{name}_peer")
        if script:
            commands[title] = [getattr(flags, f"{name}_python"), script, *map(str, arguments)]
    return commands


def shapes(text: str) -> tuple[int, int]:
    """The argument type of SIZExBATCH."""
    size, batch = map(int, text.lower().split("x"))
    return size, batch


# -----------------------------------------------------------------------------------------------------------------
# Sections of the files with tables
# -----------------------------------------------------------------------------------------------------------------


def machine() -> str:
    """Date, processor, cores and load."""
    busy = f", load average {os.getloadavg()[0]:.1f} at the end" if hasattr(os, "getloadavg") else ""
    return f"{datetime.date.today()}, {processor()}, {usable_cores()} cores{busy}"


def usable_cores() -> int:
    """How many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def processor() -> str:
    """The model name of the processor."""
    try:
        lines = pathlib.Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        lines = []
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def write_section(path: pathlib.Path, title: str, heading: str, text: str) -> None:
    """Prints one section, and writes it into a file in place of the one with the same heading.

    Args:
        path: the file; it is made if missing.
        title: the text above all sections.
        heading: of the section, without `##`.
        text: of the section.
    """
    section = f"## {heading}\n\n{text.strip()}\n"
    old = path.read_text(encoding="utf-8") if path.exists() else title
    parts = [part for part in old.split("\n## ")[1:] if not part.startswith(heading + "\n")]
    kept = [f"## {part.strip()}\n" for part in parts]
    path.write_text("\n".join([title, *sorted([*kept, section])]), encoding="utf-8")
    print(section)


# -----------------------------------------------------------------------------------------------------------------
# Pictures
# -----------------------------------------------------------------------------------------------------------------


def write_jpegs(folder: pathlib.Path, count: int, width: int, height: int) -> pathlib.Path:
    """Fills a new folder with JPEGs of 64 synthetic faces, repeated, with noise as of a camera."""
    faces = render(sample_faces(64, seed=0), 256)
    noise = np.random.default_rng(0)
    contents = []
    for face in faces:
        picture = np.asarray(Image.fromarray(face).resize((width, height), Image.Resampling.BICUBIC))
        noisy = np.clip(picture + noise.normal(0, 4, picture.shape), 0, 255).astype(np.uint8)
        encoded = io.BytesIO()
        Image.fromarray(noisy).save(encoded, "JPEG", quality=90)
        contents.append(encoded.getvalue())
    folder.mkdir(parents=True)
    for number in tqdm(range(count), desc="Writing JPEGs", unit=" files", leave=False, delay=2):
        (folder / f"{number + 1:06d}.jpg").write_bytes(contents[number % len(contents)])
    return folder
