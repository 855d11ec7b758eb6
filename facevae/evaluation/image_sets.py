"""Sets of images that are read in batches: faces of a split, and what a model decodes."""

import contextlib
import dataclasses
import os
import pathlib
from collections.abc import Callable, Iterator

import numpy as np
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from facevae.data.faces import Records
from facevae.data.not_faces import SOFTWARE
from facevae.errors import UserError
from facevae.figures import as_bytes
from facevae.files import whole_folder
from facevae.model import VAE
from facevae.model.batches import batch_slices
from facevae.run.output_folder import refuse_in_use


@dataclasses.dataclass(frozen=True)
class ImageSet:
    """Images of one kind.

    Attributes:
        name: the kind, as in `prior` or `validation_faces`.
        count: number of images.
        read: a function from a slice to those images, `uint8[n, size, size, 3]`.
    """

    name: str
    count: int
    read: Callable[[slice], np.ndarray]

    def batches(self, action: str) -> Iterator[tuple[int, np.ndarray]]:
        """The index of the first image of each batch, and the batch.

        Args:
            action: what the progress bar says is done with the images.
        """
        for part in batch_slices(self.count, progress=f"{action} {self.name.replace('_', ' ')}"):
            yield part.start, self.read(part)


def choose_indices(available: int, count: int, seed: int) -> np.ndarray:
    """`int64[count]` from 0 to `available` − 1 in random order, without repetition."""
    return np.random.default_rng(seed).choice(available, count, replace=False)


def faces_of(name: str, records: Records, indices: np.ndarray) -> ImageSet:
    """The faces of a split at `int64[count]` indices."""
    return ImageSet(name, len(indices), lambda part: records.images(indices[part]))


def decoded_images(name: str, model: VAE, latents: np.ndarray) -> ImageSet:
    """What the model decodes from latents `float32[count, latent_dim]`, rounded to 8 bits as in a PNG file."""
    return ImageSet(name, len(latents), lambda part: as_bytes(decode_finite(model, latents[part])))


def decode_finite(model: VAE, latents: np.ndarray) -> np.ndarray:
    """`model.decode_all`, with a check that all values are finite.

    Args:
        model: whose decoder is used.
        latents: `float32[count, latent_dim]`.

    Returns:
        `float32[count, size, size, 3]`.

    Raises:
        UserError: a value that is not finite.
    """
    images = model.decode_all(latents)
    if not np.isfinite(images).all():
        raise UserError(
            "decoder: expected finite pixels, received some that are not finite. "
            "Train again with a lower --learning-rate, or with --precision float32."
        )
    return images


def write_png(sets: list[ImageSet], folder: str | os.PathLike[str]) -> None:
    """Writes each set as `<folder>/<its name>/000000.png`, `000001.png` and so on.

    The pictures say that facevae wrote them, so that they are no faces to be learned where they lie among photographs.

    Raises:
        UserError: a folder that holds files already, or cannot be written.
    """
    marked = PngInfo()
    marked.add_text("Software", SOFTWARE)
    folders = [pathlib.Path(folder) / images.name for images in sets]
    refuse_in_use("pictures", folder, empty=tuple(images.name for images in sets))
    try:
        for path in folders:
            path.mkdir(parents=True, exist_ok=True)
        with contextlib.ExitStack() as whole:  # all sets or none
            asides = [whole.enter_context(whole_folder(path)) for path in folders]
            for aside, images in zip(asides, sets, strict=True):
                for start, batch in images.batches("Writing"):
                    for number, image in enumerate(batch, start):
                        Image.fromarray(image).save(aside / f"{number:06d}.png", pnginfo=marked)
    except OSError as error:
        raise UserError(
            f"pictures: {str(folder)!r} cannot be written ({error.strerror}). Give another folder."
        ) from error
