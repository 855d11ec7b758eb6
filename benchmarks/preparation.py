"""How fast folders of JPEGs are prepared, and how much of it is the JPEG decoder's time.

    python benchmarks/preparation.py [FOLDER ...]

Times each folder, and folders of generated pictures, on all cores: Pillow's decoding alone (the limit), the loop that
is usually written (decode, crop, Pillow's bilinear resize), and facevae's preparation from its start to records on the
disk. Then the stages of one picture on one core. The tables go to benchmarks/preparation.md.
"""

import argparse
import concurrent.futures
import contextlib
import dataclasses
import functools
import io
import os
import pathlib
import statistics
import sys
import tempfile
import time

import numpy as np
from measuring import machine, usable_cores, write_jpegs, write_section
from PIL import Image
from tqdm import tqdm

from facevae.command_line.text_table import markdown
from facevae.data import images, prepare
from facevae.data.decoding import KEEP_MEMORY

TABLE = pathlib.Path(__file__).with_suffix(".md")
TITLE = "# Preparation of JPEGs\n\nMade by `python benchmarks/preparation.py`.\n"
GENERATED = ((89, 109, 64, 8000), (178, 218, 64, 4000), (178, 218, 128, 4000), (1024, 1024, 128, 500))


# -----------------------------------------------------------------------------------------------------------------
# Folders
# -----------------------------------------------------------------------------------------------------------------


@dataclasses.dataclass(frozen=True)
class Case:
    """A folder of JPEGs and the size that it is prepared at.

    Attributes:
        kind: `photographs` or `generated`.
        folder: with the JPEGs directly in it.
        size: side of the prepared images, pixels.
    """

    kind: str
    folder: pathlib.Path
    size: int

    @functools.cached_property
    def paths(self) -> list[str]:
        return sorted(str(path) for path in self.folder.iterdir() if path.suffix == ".jpg")

    @functools.cached_property
    def title(self) -> str:
        with Image.open(self.paths[0]) as first:
            return f"{self.kind}, {first.width}×{first.height} to {self.size}×{self.size}"


def generated_cases(scratch: pathlib.Path, most: int | None) -> list[Case]:
    """Writes the folders of generated pictures, each with at most `most`."""
    cases = []
    for width, height, size, count in GENERATED:
        folder = write_jpegs(scratch / f"{width}x{height}to{size}", min(count, most or count), width, height)
        cases.append(Case("generated", folder, size))
    return cases


# -----------------------------------------------------------------------------------------------------------------
# What is done with each picture
# -----------------------------------------------------------------------------------------------------------------


def decode(path: str, size: int) -> None:
    """Decoding, and nothing else."""
    with Image.open(path) as image:
        image.load()


def usual(path: str, size: int) -> np.ndarray:
    """The loop of most PyTorch data sets."""
    image = Image.open(path).convert("RGB")
    side = min(image.size)
    left, top = (image.width - side) // 2, (image.height - side) // 2
    box = (left, top, left + side, top + side)
    return np.asarray(image.resize((size, size), Image.Resampling.BILINEAR, box=box))


def each(work, paths: list[str], size: int) -> None:
    for path in paths:
        work(path, size)


# -----------------------------------------------------------------------------------------------------------------
# Measuring
# -----------------------------------------------------------------------------------------------------------------


def rates(paths: list[str], size: int, rounds: int) -> tuple[dict[str, float], dict[str, float]]:
    """Pictures a second, and microseconds of processor time for one, of each way; medians over rounds in turns."""
    parts = [paths[start : start + 50] for start in range(0, len(paths), 50)]

    def in_processes(work) -> None:
        with concurrent.futures.ProcessPoolExecutor(usable_cores()) as pool:
            list(pool.map(each, [work] * len(parts), parts, [size] * len(parts)))

    def preparation() -> None:
        with tempfile.TemporaryDirectory() as cache, contextlib.redirect_stdout(sys.stderr):
            prepare(os.path.dirname(paths[0]), image_size=size, cache_dir=cache)

    ways = {
        "decode": lambda: in_processes(decode),
        "usual": lambda: in_processes(usual),
        "facevae": preparation,
    }
    speeds: dict[str, list[float]] = {name: [] for name in ways}
    times: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(rounds):
        for name, run in ways.items():
            begin, used = time.perf_counter(), processor_seconds()
            run()
            speeds[name].append(len(paths) / (time.perf_counter() - begin))
            times[name].append(1e6 * (processor_seconds() - used) / len(paths))
    middle = statistics.median
    return {n: middle(v) for n, v in speeds.items()}, {n: middle(v) for n, v in times.items()}


def processor_seconds() -> float:
    """Processor time of this process and of those that it has waited for."""
    used = os.times()
    return used.user + used.system + used.children_user + used.children_system


def profile(paths: list[str], size: int) -> dict[str, float]:
    """Microseconds of each stage for one picture on one core, medians over pictures."""
    stages: dict[str, list[float]] = {"open": [], "decode": [], "array": [], "resize": [], "all": []}
    for path in [*paths[:20], *paths[:400]]:
        ticks = [time.perf_counter()]
        with Image.open(path, formats=images.FORMATS) as image:
            reduction = images.reduce_while_decoding(image, "square", size)
            ticks.append(time.perf_counter())
            image.load()
            ticks.append(time.perf_counter())
            pixels = np.asarray(images.upright_rgb(image))
            ticks.append(time.perf_counter())
            images.crop_and_resize(pixels, reduction, "square", size)
            ticks.append(time.perf_counter())
        begin = time.perf_counter()
        images.read_face(path, "square", size)
        for name, seconds in zip(stages, [*np.diff(ticks), time.perf_counter() - begin], strict=True):
            stages[name].append(1e6 * seconds)
    return {name: statistics.median(values[20:]) for name, values in stages.items()}


def fraction_errors(paths: list[str]) -> list[tuple]:
    """Grey levels between faces of JPEGs of 192×192 decoded in full and at 1/2.

    Returns:
        Rows: source pixels for each new one, the result's side, mean difference, 99.9 % quantile of the differences.
    """
    rows = []
    contents = []
    for path in paths[:100]:
        with Image.open(path) as image:
            square = images.crop_and_resize(np.asarray(image.convert("RGB")), 1, "square", 192)
        encoded = io.BytesIO()
        Image.fromarray(square).save(encoded, "JPEG", quality=95)
        contents.append(encoded.getvalue())
    for size in (96, 64, 48, 32, 19, 16):
        differences = []
        for content in contents:
            faces = []
            for reduction in (1, 2):
                with Image.open(io.BytesIO(content)) as image:
                    image.draft(None, (192 // reduction, 192 // reduction))
                    faces.append(images.crop_and_resize(np.asarray(image), reduction, "square", size))
            differences.append(np.abs(faces[0].astype(int) - faces[1]))
        left = 192 / 2 / size
        rows.append(
            (f"{left:.2f}", size, f"{np.mean(differences):.2f}", f"{np.quantile(differences, 0.999):.0f}")
        )
    return rows


# -----------------------------------------------------------------------------------------------------------------
# Tables
# -----------------------------------------------------------------------------------------------------------------


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folders", nargs="*", type=pathlib.Path, help="with JPEGs directly in them")
    parser.add_argument(
        "--size", type=int, default=64, help="of the faces prepared from the folders (default: 64)"
    )
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--most", type=int, help="pictures in each generated folder, at most")
    flags = parser.parse_args()

    with tempfile.TemporaryDirectory() as scratch:
        cases = [Case("photographs", folder, flags.size) for folder in flags.folders]
        cases += generated_cases(pathlib.Path(scratch), flags.most)
        write_speed(cases, flags.rounds)
        write_stages(cases)
        write_fraction_errors(cases[0])


def write_speed(cases: list[Case], rounds: int) -> None:
    rows = []
    for case in tqdm(cases, unit="folder"):
        speeds, times = rates(case.paths, case.size, rounds)
        columns = (f"{number:,.0f}" for number in (*speeds.values(), *times.values()))
        rows.append((case.title, f"{len(case.paths):,}", *columns))
    header = ("pictures", "count", "decoding alone, a second", "usual loop, a second", "facevae, a second")
    header += ("decoding alone, µs", "usual loop, µs", "facevae, µs")
    text = (
        "Pictures a second on all cores, and microseconds of processor time for one picture, which other work on the "
        "machine changes less. The start of facevae's processes and the writing of its records are included. "
        f"Medians of {rounds} rounds in turns."
    )
    write_section(TABLE, TITLE, "Speed", f"{machine()}. {text}\n\n{markdown(header, rows)}")


def write_stages(cases: list[Case]) -> None:
    rows = []
    for case in cases:
        microseconds = profile(case.paths, case.size).values()
        rows.append((case.title, *(f"{number:.0f}" for number in microseconds)))
    header = ("pictures", "open", "decode", "to an array", "crop and average", "all as prepared")
    text = f"Microseconds for one picture on one core, medians.\n\n{markdown(header, rows)}"
    write_section(TABLE, TITLE, "Where the time goes", text)


def write_fraction_errors(case: Case) -> None:
    header = ("source pixels for each new one, each side", "result", "mean difference", "99.9 % are within")
    text = (
        f"Grey levels between faces decoded in full and at 1/2; {case.title}, encoded again at 192×192 in quality 95. "
        "facevae decodes at a fraction when two whole source pixels or five shared ones are left for each new one."
    )
    rows = fraction_errors(case.paths)
    write_section(TABLE, TITLE, "Decoding at a fraction", f"{text}\n\n{markdown(header, rows)}")


if __name__ == "__main__":
    # The environment of the decoding processes, which is read when a process starts.
    if not set(KEEP_MEMORY) <= set(os.environ):
        os.execve(sys.executable, [sys.executable, *sys.argv], {**os.environ, **KEEP_MEMORY})
    main()
