"""A photograph of one's own, framed as the training pictures are: a face elsewhere is one the model never saw."""

import dataclasses
import math

import numpy as np
from PIL import Image

from facevae.data.images import resize
from facevae.errors import UserError


@dataclasses.dataclass(frozen=True)
class Frame:
    """Where the face is in a picture, in pixels from its top left corner, x to the right and y down.

    Attributes:
        eyes: ((x, y), (x, y)) of the centres of the eyes, the one on the left of the picture first.
        box: (left, top, width, height) of the face from hairline to chin and from ear to ear.
    """

    eyes: tuple[tuple[float, float], tuple[float, float]]
    box: tuple[float, float, float, float]

    def cropped(self, left: float, top: float, scale: float) -> "Frame":
        """The frame after cutting off so many pixels on the left and on top, then scaling."""
        (left_x, left_y), (right_x, right_y) = self.eyes
        eyes = (
            ((left_x - left) * scale, (left_y - top) * scale),
            ((right_x - left) * scale, (right_y - top) * scale),
        )
        box_left, box_top, width, height = self.box
        return Frame(
            eyes, ((box_left - left) * scale, (box_top - top) * scale, width * scale, height * scale)
        )


# CelebA's aligned pictures, measured on them and on their mean.
CELEBA_SIZE = (178, 218)
CELEBA = Frame(eyes=((69.5, 111.0), (107.5, 111.0)), box=(47.0, 64.0, 84.0, 120.0))
# A synthetic face that looks straight ahead, in a picture with sides of 1 (facevae/synthetic_faces/anatomy.py).
SYNTHETIC = Frame(eyes=((0.3975, 0.5), (0.6025, 0.5)), box=(0.2575, 0.315, 0.485, 0.5625))


def training_frame(
    data: str, crop: str | int, image_size: int, picture_size: tuple[int, int] = CELEBA_SIZE
) -> Frame:
    """Where the face is in a run's training pictures.

    Args:
        data: the run's data: `synthetic_faces`, or CelebA from wherever. Pictures of another origin are taken to be
            framed as CelebA's are.
        crop: `square` or the side of the centred crop in pixels.
        image_size: side of the training pictures.
        picture_size: width and height of the source's pictures before the crop; copies of CelebA come in several.
    """
    if data == "synthetic_faces":
        # Drawn in the size that is asked for, then cropped.
        side = image_size if crop == "square" else int(crop)
        start = (image_size - side) // 2
        return SYNTHETIC.cropped(0.0, 0.0, image_size).cropped(start, start, image_size / side)
    width, height = picture_size
    side = min(width, height) if crop == "square" else int(crop)
    source = CELEBA.cropped(0.0, 0.0, width / CELEBA_SIZE[0])
    return source.cropped((width - side) // 2, (height - side) // 2, image_size / side)


def align_by_eyes(picture: np.ndarray, eyes: tuple, frame: Frame, image_size: int) -> np.ndarray:
    """Turns, scales and moves a photograph so that its eyes come to lie where the training pictures have them.

    Args:
        picture: `uint8[height, width, 3]`.
        eyes: ((x, y), (x, y)) of the eyes' centres in its pixels, in either order.
        frame: of the training pictures.
        image_size: side of the result.

    Returns:
        `uint8[image_size, image_size, 3]`; beyond the photograph's edges its border is repeated.

    Raises:
        UserError: the eyes lie outside the picture, or on one spot.
    """
    _check_inside(picture, eyes, "--eyes")
    left, right = (complex(*eye) for eye in sorted(eyes))
    if abs(right - left) < 2.0:
        raise UserError(
            f"--eyes: expected two eyes at least 2 pixels apart, received {_said(eyes)}. "
            "Give the middle of each eye as left,top,left,top, in pixels of the picture."
        )
    target_left, target_right = (complex(*eye) for eye in frame.eyes)
    turn = (right - left) / (target_right - target_left)
    return _sample(picture, turn, left - turn * target_left, image_size)


def align_by_box(picture: np.ndarray, box: tuple, frame: Frame, image_size: int) -> np.ndarray:
    """Scales and moves a photograph so that the box around its face comes to lie where the training pictures have it.

    Args:
        picture: `uint8[height, width, 3]`.
        box: (left, top, width, height) around the face, from hairline to chin and from ear to ear, in its pixels.
        frame: of the training pictures.
        image_size: side of the result.

    Returns:
        `uint8[image_size, image_size, 3]`; beyond the photograph's edges its border is repeated.

    Raises:
        UserError: the box's middle lies outside the picture, or it is no box.
    """
    left, top, width, height = box
    if min(width, height) < 4.0:
        raise UserError(
            f"--box: expected left,top,width,height with sides of at least 4 pixels, received {_said([box])}. "
            "Give the box from hairline to chin, in pixels of the picture."
        )
    middle = (left + width / 2, top + height / 2)
    _check_inside(picture, [middle], "--box")
    target_left, target_top, target_width, target_height = frame.box
    scale = math.sqrt(width * height / (target_width * target_height))
    target = complex(target_left + target_width / 2, target_top + target_height / 2)
    return _sample(picture, complex(scale), complex(*middle) - scale * target, image_size)


def _sample(picture: np.ndarray, turn: complex, offset: complex, image_size: int) -> np.ndarray:
    """The pixels at `turn · (x + iy) + offset` of the picture for each point of the result.

    With points as complex numbers a multiplication is a rotation and a scaling.
    """
    # Large photographs are averaged down first, and the rest by sampling finer than the result and averaging it.
    reduction = max(1, int(abs(turn) / 2))
    if reduction > 1:
        picture = np.asarray(Image.fromarray(picture).reduce(reduction))
        turn, offset = turn / reduction, offset / reduction
    finer = math.ceil(abs(turn))
    centres = (np.arange(image_size * finer) + 0.5) / finer
    points = turn * (centres[None, :] + 1j * centres[:, None]) + offset - (0.5 + 0.5j)
    x, y = (
        np.clip(axis, 0.0, side - 1.0)
        for axis, side in ((points.real, picture.shape[1]), (points.imag, picture.shape[0]))
    )
    column, row = np.floor(x).astype(int), np.floor(y).astype(int)
    next_column, next_row = (
        np.minimum(column + 1, picture.shape[1] - 1),
        np.minimum(row + 1, picture.shape[0] - 1),
    )
    across, down = (x - column)[..., None], (y - row)[..., None]
    upper = (1.0 - across) * picture[row, column] + across * picture[row, next_column]
    lower = (1.0 - across) * picture[next_row, column] + across * picture[next_row, next_column]
    blended = (1.0 - down) * upper + down * lower
    return np.ascontiguousarray(resize(np.round(blended).astype(np.uint8), image_size))


def _check_inside(picture, points, flag):
    height, width = picture.shape[:2]
    if not all(0 <= x <= width and 0 <= y <= height for x, y in points):
        raise UserError(
            f"{flag}: expected positions inside the picture of {width}x{height} pixels, received {_said(points)}. "
            "Count from its upper left corner, as it looks upright."
        )


def _said(points):
    return ",".join(f"{value:g}" for point in points for value in point)
