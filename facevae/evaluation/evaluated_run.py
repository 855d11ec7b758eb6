"""A run on whose test split figures are measured."""

import dataclasses

from facevae.data import FaceDataset
from facevae.errors import UserError
from facevae.model import VAE
from facevae.opened_run import OpenedRun

FEWEST_FACES = 8  # of a split, for distances between sets to mean anything


@dataclasses.dataclass(frozen=True)
class EvaluatedRun:
    """An opened run, and how it is evaluated.

    Attributes:
        opened: the run.
        count: samples, and test faces that sets of pictures are held against.
        seed: of the samples, the noise and the patches.
        notes: what a reader of the figures has to know.
    """

    opened: OpenedRun
    count: int
    seed: int
    notes: tuple[str, ...]

    @property
    def model(self) -> VAE:
        """The run's model."""
        return self.opened.model

    @property
    def dataset(self) -> FaceDataset:
        """The faces that it was trained on."""
        return self.opened.dataset

    @property
    def pixel_values(self) -> int:
        """D, the values of a picture."""
        return self.model.image_size**2 * 3

    @property
    def samples_from(self) -> str:
        """What the model's own samples are drawn from."""
        return self.model.sample_from if self.model.density is not None else "prior"


def open_evaluation(opened: OpenedRun, samples: int = 10_000, seed: int = 0) -> EvaluatedRun:
    """Loads the model and the faces of a run, and checks that there are enough test faces.

    Args:
        opened: the run.
        samples: at most so many; never more than the test split has faces.
        seed: of every random draw.

    Raises:
        UserError: no model there, no data, or too few test faces.
    """
    _ = opened.model  # a run without one says so before its faces are prepared
    dataset = opened.dataset
    if len(dataset.test) < FEWEST_FACES:
        raise UserError(
            f"test split: expected at least {FEWEST_FACES} faces, {dataset.name} has {len(dataset.test)}. "
            "Give more pictures by --data."
        )
    notes = []
    trained_on = opened.data_description.get("faces")
    now = dataset.counts
    if trained_on not in (None, now):
        notes.append(
            f"The run was trained on other data (faces then {trained_on}, now {now}): "
            "the test split may hold faces that it was trained on."
        )
    count = min(samples, len(dataset.test))
    if count < samples:
        notes.append(f"{count:,} samples instead of {samples:,}: as many as there are test faces.")
    return EvaluatedRun(opened, count, seed, tuple(notes))
