"""A trained run, and how it is evaluated on its test split."""

import dataclasses

from facevae.data import FaceDataset
from facevae.errors import UserError, printable
from facevae.model import VAE
from facevae.run.opened_run import OpenedRun

FEWEST_FACES = 8  # of a split; distances between smaller sets are meaningless


@dataclasses.dataclass(frozen=True)
class EvaluatedRun:
    """An opened run, and how it is evaluated.

    Attributes:
        opened: the run.
        count: number of samples, and of the test faces that sets of images are compared with.
        seed: of the samples, the noise and the patches.
        notes: remarks that belong beside the results, printed below the table.
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
        """The data set of the run, with its test split."""
        return self.opened.dataset

    @property
    def pixel_values(self) -> int:
        """D, the number of values of an image: height × width × 3."""
        return self.model.image_size**2 * 3

    @property
    def samples_from(self) -> str:
        """What `VAE.sample` draws from: `density` once one is fitted and chosen, otherwise `prior`."""
        return self.model.sample_from if self.model.density is not None else "prior"


def open_evaluation(opened: OpenedRun, samples: int = 10_000, seed: int = 0) -> EvaluatedRun:
    """Loads the model and the faces of a run, and checks that there are enough test faces.

    Args:
        opened: the run.
        samples: number of samples; reduced to the number of test faces where that is smaller.
        seed: of every random draw.

    Raises:
        UserError: the run has no trained model, its data is missing, or there are too few test faces.
    """
    _ = opened.model  # loaded first: if it is missing, this fails before the faces are prepared
    dataset = opened.dataset
    if len(dataset.test) < FEWEST_FACES:
        raise UserError(
            f"test split: expected at least {FEWEST_FACES} faces, {dataset.name} has {len(dataset.test)}. "
            "Use --data to name a folder with more pictures."
        )
    note = opened.config.note
    notes = [f"of the run: {printable(note)}"] if note else []
    if opened.which == "sharpened":
        notes.append(
            "Faces are drawn by the sharpened decoder; the likelihood is that of the model before, "
            f"{opened.config.finished_model}."
        )
    if changes := opened.begun_on.changes(dataset):
        notes.append(
            f"The run was trained on other data ({'; '.join(changes)})"
            + (
                "."
                if opened.begun_on.identities
                else ": the test split may contain faces that it was trained on."
            )
        )
    count = min(samples, len(dataset.test))
    if count < samples:
        notes.append(
            f"{count:,} samples instead of {samples:,}: there are no more test faces to compare them with."
        )
    return EvaluatedRun(opened, count, seed, tuple(notes))
