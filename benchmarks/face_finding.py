"""How surely faces are found in photographs, how near their eyes, and what alignment by them costs a model.

    FACEVAE_REAL_FACES=path/to/celeba python benchmarks/face_finding.py [RUN]
    FACEVAE_REAL_FACES=path/to/celeba python benchmarks/face_finding.py --speed

Aligned faces of a CelebA folder are turned by up to 25 degrees, scaled, lit and pasted at random into textures of
1200x900 pixels, in memory. Each is found and aligned again and compared with the original in the same light. With RUN,
a run trained on the folder, both are reconstructed. With --speed, such photographs are written as JPEGs instead, and
prepared for a training from the beginning, as they are and with their faces aligned. The tables go to
benchmarks/face_finding.md.
"""

import argparse
import contextlib
import dataclasses
import os
import pathlib
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator

import numpy as np
from face_composites import Composite, composite, texture
from measuring import machine, usable_cores, write_section
from PIL import Image
from tqdm import tqdm

import facevae
from facevae.command_line.text_table import markdown
from facevae.data import alignment, prepare
from facevae.data.images import resize
from facevae.face_finding import FaceFinder
from facevae.model import VAE

TABLE = pathlib.Path(__file__).with_suffix(".md")
TITLE = "# Faces found in photographs\n\nMade by `python benchmarks/face_finding.py`.\n"
SIZE, SHOWN = (1200, 900), 64  # pixels of a photograph, and of an aligned face
KINDS = {"large": 120.0, "medium": 60.0, "small": 24.0}  # pixels between the eyes
BACKGROUNDS = 8


@dataclasses.dataclass
class Measured:
    """Of the faces of one size.

    Attributes:
        count: of photographs.
        extra: how many more faces were found than there are.
        eye_errors: of each face found, the mean distance of its eyes from their places, pixels of the aligned image.
        pixel_errors: root mean square difference from the original crop, grey levels, of the aligned face and of one
            aligned by the eyes' known places, as CelebA's own alignment would.
        crops: pairs of the face aligned by the known places and by those found, uint8[64, 64, 3].
        seconds: of processor time, of each search.
    """

    count: int = 0
    extra: int = 0
    eye_errors: list[float] = dataclasses.field(default_factory=list)
    pixel_errors: list[tuple[float, ...]] = dataclasses.field(default_factory=list)
    crops: list[tuple[np.ndarray, np.ndarray]] = dataclasses.field(default_factory=list)
    seconds: list[float] = dataclasses.field(default_factory=list)

    def add(self, finder: FaceFinder, made: Composite) -> None:
        """Searches one photograph."""
        begun = time.process_time()
        found = finder.find(made.pixels)
        self.seconds.append(time.process_time() - begun)
        self.count += 1
        width = made.lit.shape[1]
        frame = alignment.training_frame("", "square", SHOWN)
        unit = width / alignment.CELEBA_SIZE[0]
        eyes = (
            np.array([complex(*eye) for eye in alignment.CELEBA.seen_eyes]) * unit * made.turn + made.origin
        )
        distance = abs(eyes[1] - eyes[0])
        right = [face for face in found if abs(face.points[:2].mean() - eyes.mean()) < distance]
        self.extra += len(found) - min(len(right), 1)
        if not right:
            return
        self.eye_errors.append(
            float(np.abs(right[0].points[:2] - eyes).mean() / distance * frame.seen_distance)
        )
        aligned = alignment.align_found(made.pixels, right[0].eyes, frame, SHOWN)
        places = [(float(eye.real), float(eye.imag)) for eye in eyes]
        known = alignment.align_found(made.pixels, (places[0], places[1]), frame, SHOWN)
        original = original_crop(made.lit).astype(float)
        self.pixel_errors.append(
            tuple(float(np.sqrt(np.mean((each - original) ** 2))) for each in (aligned, known))
        )
        self.crops.append((known, aligned))


def original_crop(face: np.ndarray) -> np.ndarray:
    """An aligned face in CelebA's crop, uint8[64, 64, 3]."""
    width = face.shape[1]
    top = (face.shape[0] - width) // 2
    return resize(np.ascontiguousarray(face[top : top + width]), SHOWN)


def measure(folder: pathlib.Path, count: int, seed: int = 0) -> dict[str, Measured]:
    """Searches `count` photographs of each kind, made of the folder's last pictures, on which runs were not trained."""
    finder = FaceFinder()
    results = {kind: Measured() for kind in KINDS}
    for kind, made in photographs(folder, count, seed):
        results[kind].add(finder, made)
    return results


def photographs(folder: pathlib.Path, count: int, seed: int = 0) -> Iterator[tuple[str, Composite]]:
    """Photographs of each kind in turns, made of the folder's last pictures."""
    random = np.random.default_rng(seed)
    backgrounds = [texture(random, SIZE) for _ in range(BACKGROUNDS)]
    paths = sorted((folder / "img_align_celeba").glob("*.jpg"))[-count:]
    for number, path in enumerate(tqdm(paths, unit=" faces")):
        face = np.asarray(Image.open(path).convert("RGB"))
        seen = np.ptp(np.array(alignment.CELEBA.seen_eyes)[:, 0]) * face.shape[1] / alignment.CELEBA_SIZE[0]
        for kind, apart in KINDS.items():
            background = backgrounds[number % BACKGROUNDS]
            yield kind, composite(face, random, apart / seen, SIZE, background=background)


def preparation_rates(folder: pathlib.Path, count: int, rounds: int) -> dict[str, list[float]]:
    """Photographs a second, from the start of a preparation to its records on the disk, of each round, in turns."""
    rates: dict[str, list[float]] = {"off": [], "on": []}
    with tempfile.TemporaryDirectory() as scratch:
        pictures = pathlib.Path(scratch) / "photographs"
        pictures.mkdir()
        for number, (_, made) in enumerate(photographs(folder, -(-count // len(KINDS)))):
            Image.fromarray(made.pixels).save(pictures / f"{number:06d}.jpg", quality=90)
        made_count = len(list(pictures.iterdir()))
        for _ in range(rounds):
            for align, measured in rates.items():
                with tempfile.TemporaryDirectory() as cache, contextlib.redirect_stdout(sys.stderr):
                    begun = time.perf_counter()
                    prepare(str(pictures), image_size=SHOWN, cache_dir=cache, align=align)
                    measured.append(made_count / (time.perf_counter() - begun))
    return rates


def write_speed(folder: pathlib.Path, count: int, rounds: int, table: pathlib.Path) -> None:
    """Measures and writes how fast photographs are prepared."""
    titles = {"off": "as they are (`--align off`)", "on": "faces found and aligned (`--align on`)"}
    rows = [
        (titles[align], f"{statistics.median(measured):.0f}", f"{min(measured):.0f} to {max(measured):.0f}")
        for align, measured in preparation_rates(folder, count, rounds).items()
    ]
    text = (
        f"Photographs a second, from a preparation's start to its records of {SHOWN}×{SHOWN} on the disk, decoding "
        f"and the start of its processes included: {count} JPEGs of {SIZE[0]}×{SIZE[1]}, a third with a face of each "
        f"size, on {usable_cores()} cores. Medians of {rounds} rounds in turns. {machine()}\n\n"
    )
    write_section(table, TITLE, "Speed", text + markdown(("photographs", "a second", "rounds"), rows))


def reconstruction_errors(model: VAE, crops: list[tuple[np.ndarray, np.ndarray]]) -> tuple[float, float]:
    """Mean squared errors of a model's reconstructions of faces aligned by known eyes, and by those found."""
    errors = []
    for faces in zip(*crops, strict=True):
        images = np.stack(faces)
        decoded = np.asarray(model.decode_all(model.encode_all(images)[0]))
        errors.append(float(np.mean((decoded - images / 255.0) ** 2)))
    return errors[0], errors[1]


def rows(results: dict[str, Measured], model: VAE | None) -> list[tuple[str, ...]]:
    """The table."""
    header = (
        "faces",
        "eyes apart",
        "found",
        "others",
        "eye error: median",
        "95 %",
        "crop's error",
        "processor ms",
    )
    table = [header + (("reconstruction error, own alignment", "found", "ratio") if model else ())]
    for kind, measured in results.items():
        row = [
            kind,
            f"{KINDS[kind]:.0f} px",
            f"{len(measured.eye_errors) / measured.count:.1%}",
            str(measured.extra),
        ]
        row += [f"{np.quantile(measured.eye_errors, share):.2f}" for share in (0.5, 0.95)]
        row += [
            " / ".join(f"{error:.1f}" for error in np.median(measured.pixel_errors, axis=0)),
            f"{1000 * np.median(measured.seconds):.0f}",
        ]
        if model:
            original, aligned = reconstruction_errors(model, measured.crops)
            row += [f"{original:.5f}", f"{aligned:.5f}", f"{aligned / original:.2f}"]
        table.append(tuple(row))
    return table


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "run", nargs="?", help="a run trained on the folder at 64x64, to reconstruct the faces"
    )
    parser.add_argument("--count", type=int, default=320, help="photographs of each size (default: 320)")
    parser.add_argument(
        "--speed", action="store_true", help="measure how fast photographs are prepared instead"
    )
    parser.add_argument("--rounds", type=int, default=5, help="of --speed (default: 5)")
    parser.add_argument("--table", type=pathlib.Path, default=TABLE)
    flags = parser.parse_args()
    folder = os.environ.get("FACEVAE_REAL_FACES")
    if not folder:
        raise SystemExit("face_finding: set FACEVAE_REAL_FACES to a folder with CelebA's aligned pictures.")
    if flags.speed:
        write_speed(pathlib.Path(folder), len(KINDS) * flags.count, flags.rounds, flags.table)
        return
    results = measure(pathlib.Path(folder), flags.count)
    header, *cells = rows(results, facevae.load(flags.run) if flags.run else None)
    text = (
        f"{flags.count} faces of each size in photographs of {SIZE[0]}×{SIZE[1]} pixels, turned by up to 25 degrees. "
        f"Errors of eyes in pixels of the aligned image of {SHOWN}×{SHOWN}, from where CelebA's alignment has them. "
        "Crop's error: root mean square difference from the original in the same light, in grey levels of 255, median; "
        "after the slash, aligned by the known eyes, which leaves what resampling and the faded border cost. "
        f"Others: found where there is no face. {machine()}\n\n" + markdown(header, cells)
    )
    write_section(flags.table, TITLE, "Composites of CelebA's faces", text)


if __name__ == "__main__":
    main()
