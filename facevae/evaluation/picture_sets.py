"""Sets of pictures that are read in parts: faces of a split, and what a model decodes."""

import dataclasses
import os
import pathlib
from collections.abc import Callable, Iterator

import numpy as np
from PIL import Image

from facevae.data.records import Records
from facevae.errors import UserError
from facevae.figures import as_bytes
from facevae.model import VAE
from facevae.model.batches import batch_slices


@dataclasses.dataclass(frozen=True)
class PictureSet:
    """Pictures of one kind.

    Attributes:
        name: what they are, as in `prior` or `validation_faces`.
        count: how many.
        read: a function from a slice to those pictures, `uint8[n, size, size, 3]`.
    """

    name: str
    count: int
    read: Callable[[slice], np.ndarray]

    def batches(self, what: str) -> Iterator[tuple[int, np.ndarray]]:
        """The number of the first picture of each batch, and the batch; with a progress bar."""
        for part in batch_slices(self.count, progress=f"{what} {self.name.replace('_', ' ')}"):
            yield part.start, self.read(part)


def choose_indices(available: int, count: int, seed: int) -> np.ndarray:
    """`int64[count]` of 0 to `available` − 1 in random order, none twice."""
    return np.random.default_rng(seed).choice(available, count, replace=False)


def faces_of(name: str, records: Records, indices: np.ndarray) -> PictureSet:
    """Some faces of a split."""
    return PictureSet(name, len(indices), lambda part: records.images(indices[part]))


def decoded(name: str, model: VAE, latents: np.ndarray) -> PictureSet:
    """What the model decodes from latents `float32[count, latent_dim]`, in 8 bits as a PNG would hold it."""
    return PictureSet(name, len(latents), lambda part: as_bytes(decode(model, latents[part])))


def decode(model: VAE, latents: np.ndarray) -> np.ndarray:
    """`model.decode_all` for figures that are computed from its pictures, `float32[count, size, size, 3]`.

    Raises:
        UserError: they are not finite.
    """
    pictures = model.decode_all(latents)
    if not np.isfinite(pictures).all():
        raise UserError(
            "the model draws pictures that are not finite. "
            "Train again with a lower --learning-rate, or with --precision float32."
        )
    return pictures


def write_png(sets: list[PictureSet], folder: str | os.PathLike[str]) -> None:
    """Writes each set as `<folder>/<its name>/000000.png` and on.

    Raises:
        UserError: a folder that holds files already, or cannot be written.
    """
    places = [pathlib.Path(folder) / pictures.name for pictures in sets]
    try:
        for place in places:
            place.mkdir(parents=True, exist_ok=True)
            if any(place.iterdir()):
                raise UserError(f"pictures: {str(place)!r} holds files already. Give another folder.")
        for place, pictures in zip(places, sets, strict=True):
            for start, images in pictures.batches("Writing"):
                for number, image in enumerate(images, start):
                    Image.fromarray(image).save(place / f"{number:06d}.png")
    except OSError as error:
        raise UserError(
            f"pictures: {str(folder)!r} cannot be written ({error.strerror}). Give another folder."
        ) from error
