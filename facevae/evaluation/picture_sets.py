"""Sets of pictures that are read in parts: faces of a split, and what a model decodes."""

import dataclasses
import os
import pathlib
from collections.abc import Callable, Iterator
from typing import Protocol

import numpy as np
from PIL import Image
from tqdm import tqdm

from facevae.errors import UserError
from facevae.figures import as_bytes
from facevae.model import VAE

BATCH = 256


class _Records(Protocol):
    def images(self, indices: np.ndarray) -> np.ndarray: ...


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
        starts = range(0, self.count, BATCH)
        words = f"{what} {self.name.replace('_', ' ')}"
        for start in tqdm(starts, desc=words, unit="batch", delay=2, leave=False):
            yield start, self.read(slice(start, start + BATCH))


def draw(faces: int, count: int, seed: int) -> np.ndarray:
    """`int64[count]` of 0 to faces − 1 in random order, none twice."""
    return np.random.default_rng(seed).choice(faces, count, replace=False)


def faces_of(name: str, records: _Records, indices: np.ndarray) -> PictureSet:
    """Some faces of a split."""
    return PictureSet(name, len(indices), lambda part: records.images(indices[part]))


def decoded(name: str, model: VAE, latents: np.ndarray) -> PictureSet:
    """What the model decodes from latents `float32[count, latent_dim]`, in 8 bits as a PNG would hold it."""
    return PictureSet(name, len(latents), lambda part: as_bytes(decode(model, latents[part])))


def decode(model: VAE, latents: np.ndarray) -> np.ndarray:
    """Pictures `float32[batch, size, size, 3]` of latents `float32[batch, latent_dim]`.

    Raises:
        UserError: they are not finite.
    """
    pictures = model.decode(latents).numpy()
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
