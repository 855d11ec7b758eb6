"""How fast folders of JPEGs are prepared, beside what the decoder library needs for them alone.

    python benchmarks/preparation.py [FOLDER ...]

Each folder, and folders of generated pictures, on all cores: Pillow's decoding and nothing else (the limit), the loop
that is usually written (decode, crop, Pillow's bilinear resize), and facevae's preparation from its start to records on
the disk. Then where the time of one picture goes, on one core. The table goes to benchmarks/preparation.md.
"""

import argparse
import concurrent.futures
import contextlib
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

from facevae.data import images, prepare
from facevae.data.decoding import KEEP_MEMORY
from facevae.text_table import markdown

TABLE = pathlib.Path(__file__).with_suffix(".md")
TITLE = "# Preparation of JPEGs\n\nMade by `python benchmarks/preparation.py`.\n"
GENERATED = ((89, 109, 64, 8000), (178, 218, 64, 4000), (178, 218, 128, 4000), (1024, 1024, 128, 500))


# -----------------------------------------------------------------------------------------------------------------
# What processes do with a picture
# -----------------------------------------------------------------------------------------------------------------


def decode(path: str, size: int) -> None:
    """Decoding, and nothing else."""
    with Image.open(path) as image:
        image.load()


def usual(path: str, size: int) -> np.ndarray:
    """As data sets for PyTorch are usually written."""
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
    """Pictures a second, and microseconds of processor time for one, of each way; medians of rounds in turns."""
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
    """Of this process and of those that it has waited for."""
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
    """How far faces are, in grey levels, from those decoded in full when JPEGs of 192×192 are decoded at 1/2.

    Returns:
        Rows: pixels left for each new one, the result's side, mean difference, 99.9 % of differences are below.
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
    parser.add_argument("--size", type=int, default=64, help="that the folders are prepared at (default: 64)")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--most", type=int, help="pictures of each generated folder (default: 500 to 8,000)")
    flags = parser.parse_args()

    speed, stages, errors = [], [], []
    with tempfile.TemporaryDirectory() as scratch:
        cases = [(folder, flags.size, "photographs") for folder in flags.folders]
        for width, height, size, count in GENERATED:
            folder = pathlib.Path(scratch) / f"{width}x{height}to{size}"
            write_jpegs(folder, min(count, flags.most or count), width, height)
            cases.append((folder, size, "generated"))
        for folder, size, kind in tqdm(cases, unit="folder"):
            paths = sorted(str(path) for path in folder.iterdir() if path.suffix == ".jpg")
            with Image.open(paths[0]) as first:
                name = f"{kind}, {first.width}×{first.height} to {size}×{size}"
            (rate, used), stage = rates(paths, size, flags.rounds), profile(paths, size)
            columns = (f"{number:,.0f}" for number in (*rate.values(), *used.values()))
            speed.append((name, f"{len(paths):,}", *columns))
            if not errors:
                errors, errors_of = fraction_errors(paths), name
            stages.append((name, *(f"{microseconds:.0f}" for microseconds in stage.values())))
    header = ("pictures", "count", "decoding alone, a second", "usual loop, a second", "facevae, a second")
    header += ("decoding alone, µs", "usual loop, µs", "facevae, µs")
    text = (
        f"{machine()}. Pictures a second on all cores, and microseconds of processor time for one picture, which a "
        f"busy machine changes less; the start of facevae's processes and the writing of its records are counted. "
        f"Medians of {flags.rounds} rounds in turns.\n\n{markdown(header, speed)}"
    )
    write_section(TABLE, TITLE, "Speed", text)
    header = ("pictures", "open", "decode", "to an array", "crop and average", "all as prepared")
    text = f"Microseconds for one picture on one core, medians.\n\n{markdown(header, stages)}"
    write_section(TABLE, TITLE, "Where the time goes", text)
    header = ("pixels left for a new one, each side", "result", "mean difference", "99.9 % are within")
    text = (
        f"Grey levels between faces of which one was decoded in full and one at 1/2; {errors_of}, encoded again at "
        f"192×192 in quality 95. facevae decodes at a fraction when two whole pixels or five shared ones are left.\n\n"
        f"{markdown(header, errors)}"
    )
    write_section(TABLE, TITLE, "Decoding at a fraction", text)


if __name__ == "__main__":
    # As the decoding processes have it; only a new process takes it.
    if not set(KEEP_MEMORY) <= set(os.environ):
        os.execve(sys.executable, [sys.executable, *sys.argv], {**os.environ, **KEEP_MEMORY})
    main()
