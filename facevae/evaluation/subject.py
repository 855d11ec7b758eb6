"""A run to be judged, and on what."""

import dataclasses
import os

from facevae.data import FaceDataset, prepare
from facevae.errors import UserError
from facevae.loading import load
from facevae.model import VAE
from facevae.run_folder import RunFolder

FEWEST_FACES = 8  # of a split, for distances between sets to mean anything


@dataclasses.dataclass(frozen=True)
class Subject:
    """A run to be judged, and on what.

    Attributes:
        run: its folder.
        which: its model, `best` or `last`.
        model: the model.
        dataset: the faces that it was trained on.
        count: samples, and test faces that sets of pictures are held against.
        seed: of the samples, the noise and the patches.
        notes: what a reader of the figures has to know.
    """

    run: RunFolder
    which: str
    model: VAE
    dataset: FaceDataset
    count: int
    seed: int
    notes: tuple[str, ...]

    @property
    def pixel_values(self) -> int:
        """D, the values of a picture."""
        return self.model.image_size**2 * 3

    @property
    def samples_from(self) -> str:
        """What the model's own samples are drawn from."""
        return self.model.sample_from if self.model.density is not None else "prior"


def open_subject(
    run_dir: str | os.PathLike[str],
    which: str | None = None,
    samples: int = 10_000,
    seed: int = 0,
    data: str | None = None,
    cache_dir: str | None = None,
) -> Subject:
    """The model of a run and its data.

    Args:
        run_dir: the run folder.
        which: `best` or `last`; None for the finished one.
        samples: at most so many; never more than the test split has faces.
        seed: of every random draw.
        data: where the faces lie now; None for where they lay when the run was trained.
        cache_dir: of the prepared faces.

    Raises:
        UserError: no run or model there, no data, or too few test faces.
    """
    run = RunFolder.open(run_dir)
    config = run.load_config()
    which = which or config.finished_model
    model = load(run_dir, which)
    dataset = prepare(data or config.data, config.data_dir, config.crop, config.image_size, cache_dir)
    if len(dataset.test) < FEWEST_FACES:
        raise UserError(
            f"test split: expected at least {FEWEST_FACES} faces, {dataset.name} has {len(dataset.test)}. "
            "Give more pictures by --data."
        )
    notes = []
    trained_on = run.load_data_description().get("faces")
    now = dataset.counts
    if trained_on not in (None, now):
        notes.append(
            f"The run was trained on other data (faces then {trained_on}, now {now}): "
            "the test split may hold faces that it was trained on."
        )
    count = min(samples, len(dataset.test))
    if count < samples:
        notes.append(f"{count:,} samples instead of {samples:,}: as many as there are test faces.")
    return Subject(run, which, model, dataset, count, seed, tuple(notes))
