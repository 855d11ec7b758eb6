"""Two runs side by side: the same test faces and seed, reconstructions, new faces and figures."""

import pathlib

import numpy as np

from facevae.command_line.text_table import markdown
from facevae.errors import UserError, printable
from facevae.evaluation.metrics import psnr
from facevae.exploration.explored_run import SIDE, Exploration, check_count
from facevae.exploration.file_names import options_in_name
from facevae.figures import labelled_grid
from facevae.model import VAE
from facevae.model.batches import in_batches
from facevae.run.opened_run import OpenedRun

COLUMNS = 8
MEASURED_FACES = 500  # of the test split, for the figures
LABEL_LENGTH = 22  # characters


def compare(
    explored: Exploration,
    other: str,
    count: int | None = None,
    temperature: float | None = None,
    seed: int = 0,
) -> None:
    """The same test faces reconstructed by two runs, and new faces of both, with their errors.

    Args:
        explored: the first run, whose test faces are shown.
        other: folder of the second run.
        count: faces in a row; None for 8, or all where there are fewer.
        temperature: of the new faces of both; None for each run's own.
        seed: of the faces and of the new ones.

    Raises:
        UserError: the other folder holds no trained run, or its pictures have another size.
    """
    second = OpenedRun(other)
    test = explored.dataset.test
    models = [explored.model, second.model]
    sizes = [model.image_size for model in models]
    if sizes[0] != sizes[1]:
        raise UserError(
            f"compare: expected two runs of one image size, received {sizes[0]} and {sizes[1]}. "
            "Compare runs that were trained with the same --image-size."
        )
    shown = min(COLUMNS, len(test)) if count is None else count
    check_count(shown, len(test), "faces in the test split")
    faces = test.images(np.sort(np.random.default_rng(seed).choice(len(test), shown, replace=False)))
    names = _names(explored.opened, second)
    measured = test.images(np.arange(min(MEASURED_FACES, len(test))))
    rows, table = {"test faces": faces / np.float32(255.0)}, []
    for name, model in zip(names, models, strict=True):
        rows[f"{name}\nreconstructed"] = np.asarray(model.decode_all(model.encode_all(faces)[0]))
        error = float(np.mean(_errors(model, measured)))
        table.append([name, f"{error:.5f}", f"{float(psnr(np.array(error))):.1f}"])
    for name, opened, model, line in zip(names, (explored.opened, second), models, table, strict=True):
        drawn_at = opened.viewing_temperature if temperature is None else temperature
        drawn = model.sample(2 * shown, seed, temperature=drawn_at)
        rows |= {f"{name}\nnew faces": drawn[:shown], f"{name}\nmore": drawn[shown:]}
        line.append(f"{drawn_at:g}")
    print(markdown(("run", "mean squared error", "PSNR in dB", "temperature"), table))
    note = f"Errors on {len(measured):,} test faces of {names[0]}. " + "; ".join(
        f"{name}: mean squared error {error}, PSNR {ratio} dB, new faces at temperature {drawn_at}"
        for name, error, ratio, drawn_at in table
    )
    if warning := _other_faces(explored.opened, second):
        print(warning)
        note += f". {warning.rstrip('.')}"
    picture = labelled_grid(
        np.concatenate(list(rows.values())), shown, "Two runs", list(rows), note=f"{note}.", side=SIDE
    )
    made_by = options_in_name(count=(count, None), temperature=(temperature, None), seed=(seed, 0))
    explored.show("compare", picture, f"_{pathlib.Path(other).resolve().name}{made_by}")


def _errors(model: VAE, images: np.ndarray) -> np.ndarray:
    """The mean squared error of each image's reconstruction, pixels in [0, 1]: `float64[images]`."""

    def errors(batch: np.ndarray) -> np.ndarray:
        original = batch.astype(np.float64) / 255.0
        return np.mean((np.asarray(model(batch), np.float64) - original) ** 2, axis=(1, 2, 3))

    return in_batches(errors, images, progress="Reconstructing test faces")[0]


def _names(first: OpenedRun, second: OpenedRun) -> list[str]:
    """The runs' folders, short enough for labels and told apart."""
    names = [printable(run.run.path.resolve().name)[:LABEL_LENGTH] for run in (first, second)]
    return names if names[0] != names[1] else [f"1 {names[0]}", f"2 {names[1]}"]


def _other_faces(first: OpenedRun, second: OpenedRun) -> str | None:
    """A sentence where the second run may have been trained on the first one's test faces."""
    content = [run.data_description.get("content") for run in (first, second)]
    if content[0] is not None and content[0] == content[1]:
        return None
    return "The runs were not trained on the same faces: the second may have seen these."
