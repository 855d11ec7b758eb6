"""Photographs for `explore.py`: read, their faces found, and one framed as the training images are."""

import dataclasses
import math
import os
import pathlib

import numpy as np

from facevae import figures
from facevae.data import alignment
from facevae.data.images import BadPictureError, read_face, read_upright
from facevae.errors import UserError
from facevae.face_finding import Face, shared_finder


@dataclasses.dataclass(frozen=True)
class Photograph:
    """A photograph and the face that was taken from it.

    Attributes:
        pixels: `uint8[height, width, 3]`, upright.
        framed: `uint8[size, size, 3]`, the face as the training images show faces.
        note: how it was framed.
        found: all faces that were found, the largest first; () where none was sought.
        taken: which of them was taken, from 0; None for another part of the photograph.
    """

    pixels: np.ndarray
    framed: np.ndarray
    note: str
    found: tuple[Face, ...] = ()
    taken: int | None = None

    @property
    def numbered(self) -> np.ndarray:
        """A small copy with a number at each face."""
        return figures.numbered_faces(
            self.pixels, [(face.centre.real, face.centre.imag, face.width) for face in self.found]
        )


def read_photograph(
    path: str | os.PathLike[str],
    crop: str | int,
    frame: alignment.Frame,
    size: int,
    eyes: tuple | None = None,
    box: tuple | None = None,
    number: int | None = None,
) -> Photograph:
    """Reads a photograph and frames one of its faces; without positions the face is found.

    A picture of the size of CelebA's aligned ones is only cropped, unless a face of it is asked for.

    Args:
        path: the picture file.
        crop: of the training images.
        frame: where the face is in them.
        size: their side in pixels.
        eyes: centres of the eyes, ((x, y), (x, y)) in pixels.
        box: the box around the face, (left, top, width, height) in pixels.
        number: of the face to take, from 1, the largest; None for the largest.

    Raises:
        UserError: not a picture, or positions outside it.
    """
    if not pathlib.Path(path).is_file():
        raise UserError(
            f"{str(path)!r}: expected a picture file or the number of a face of the test split, but there is no "
            "such file. Correct its name, or give a number, e.g. 0."
        )
    try:
        pixels = read_upright(os.fspath(path), math.inf)
        if pixels.shape[1::-1] == alignment.CELEBA_SIZE and not (eyes or box or number):
            cropped = read_face(os.fspath(path), crop, size)
            return Photograph(pixels, cropped, "cropped as one of CelebA's aligned pictures")
    except BadPictureError as error:
        raise UserError(
            f"{str(path)!r}: expected a picture with a face: {error}. "
            "Give another picture, or save this one again as JPEG or PNG."
        ) from None
    if eyes:
        return Photograph(pixels, alignment.align_by_eyes(pixels, eyes, frame, size), "aligned by its eyes")
    if box:
        framed = alignment.align_by_box(pixels, box, frame, size)
        return Photograph(pixels, framed, "aligned by the box around its face")
    found = tuple(shared_finder().find(pixels))
    if not found:
        if number is not None:
            raise UserError(
                f"--face: expected a photograph with a face, found none in {str(path)!r}. "
                "Give the eyes by --eyes X,Y,X,Y, or another photograph."
            )
        square = read_face(os.fspath(path), "square", size)
        return Photograph(
            pixels, square, "no face found; centre crop, not aligned (--eyes or --box aligns it)"
        )
    taken = min((number or 1) - 1, len(found) - 1)
    framed = alignment.align_found(pixels, found[taken].eyes, frame, size)
    which = "the face" if len(found) == 1 else f"face {taken + 1} of the {len(found)}"
    return Photograph(pixels, framed, f"{which} that was found in it, aligned", found, taken)
