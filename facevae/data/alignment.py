"""Aligns a photograph so that its face is where it is in the training images: the model saw faces nowhere else."""

import dataclasses
import math

import numpy as np
from PIL import Image

from facevae.data.images import resize
from facevae.errors import UserError

Eyes = tuple[tuple[float, float], tuple[float, float]]


@dataclasses.dataclass(frozen=True)
class Frame:
    """Where the face is in an image, in pixels from its top left corner, x to the right and y down.

    Attributes:
        eyes: ((x, y), (x, y)) of the centres of the eyes, the one on the left of the image first.
        box: (left, top, width, height) of the face from hairline to chin and from ear to ear.
        seen_eyes: as `eyes`, where `facevae.face_finding` sees them: a little lower and further apart.
    """

    eyes: Eyes
    box: tuple[float, float, float, float]
    seen_eyes: Eyes

    def cropped(self, left: float, top: float, scale: float) -> "Frame":
        """The frame after cutting off so many pixels on the left and on top, then scaling."""
        eyes, seen_eyes = (
            (((x1 - left) * scale, (y1 - top) * scale), ((x2 - left) * scale, (y2 - top) * scale))
            for (x1, y1), (x2, y2) in (self.eyes, self.seen_eyes)
        )
        box_left, box_top, width, height = self.box
        box = ((box_left - left) * scale, (box_top - top) * scale, width * scale, height * scale)
        return Frame(eyes, box, seen_eyes)

    @property
    def seen_distance(self) -> float:
        """Between the eyes as the detector sees them, pixels."""
        return math.dist(*self.seen_eyes)


# Measured on CelebA's aligned pictures and on their mean image.
CELEBA_SIZE = (178, 218)
CELEBA = Frame(
    eyes=((69.5, 111.0), (107.5, 111.0)),
    box=(47.0, 64.0, 84.0, 120.0),
    seen_eyes=((69.1, 113.0), (108.8, 113.0)),  # benchmarks/face_finding.md
)
# A synthetic face that looks straight ahead, in an image with sides of 1 (facevae/synthetic_faces/anatomy.py).
SYNTHETIC = Frame(
    eyes=((0.3975, 0.5), (0.6025, 0.5)),
    box=(0.2575, 0.315, 0.485, 0.5625),
    seen_eyes=((0.391, 0.5), (0.609, 0.5)),
)


def training_frame(
    data: str, crop: str | int, image_size: int, picture_size: tuple[int, int] = CELEBA_SIZE
) -> Frame:
    """Where the face is in the training images of a run.

    Args:
        data: the run's data: `synthetic_faces`, or CelebA from any source. Other pictures are assumed to be framed as
            CelebA's are.
        crop: `square` or the side of the centred crop in pixels.
        image_size: side of the training images in pixels.
        picture_size: width and height of the source's pictures before the crop; copies of CelebA come in several.
    """
    if data == "synthetic_faces":
        # Drawn at the requested size, then cropped.
        side = image_size if crop == "square" else int(crop)
        start = (image_size - side) // 2
        return SYNTHETIC.cropped(0.0, 0.0, image_size).cropped(start, start, image_size / side)
    width, height = picture_size
    side = min(width, height) if crop == "square" else int(crop)
    source = CELEBA.cropped(0.0, 0.0, width / CELEBA_SIZE[0])
    return source.cropped((width - side) // 2, (height - side) // 2, image_size / side)


def align_by_eyes(photograph: np.ndarray, eyes: tuple, frame: Frame, image_size: int) -> np.ndarray:
    """Rotates, scales and shifts a photograph so that its eyes are where they are in the training images.

    Args:
        photograph: `uint8[height, width, 3]`.
        eyes: ((x, y), (x, y)) of the eyes' centres in its pixels, in either order.
        frame: of the training images, see `training_frame`.
        image_size: side of the result in pixels.

    Returns:
        `uint8[image_size, image_size, 3]`; beyond the photograph's edges its border is repeated.

    Raises:
        UserError: the eyes are outside the photograph, or less than 2 pixels apart.
    """
    _check_inside(photograph, eyes, "--eyes")
    left, right = sorted(eyes)
    if math.dist(left, right) < 2.0:
        raise UserError(
            f"--eyes: expected two eyes at least 2 pixels apart, received {_listed(eyes)}. "
            "Give the centre of each eye as left,top,left,top, in pixels of the photograph."
        )
    return _moved(photograph, (left, right), frame.eyes, image_size)


def align_found(photograph: np.ndarray, eyes: Eyes, frame: Frame, image_size: int) -> np.ndarray:
    """As `align_by_eyes`, with the eyes that `facevae.face_finding` has found, which may be outside the photograph.

    Args:
        photograph: `uint8[height, width, 3]`.
        eyes: of the face that was found (`Face.eyes`), the one on the left of the upright face first.
        frame: of the training images.
        image_size: side of the result in pixels.
    """
    return _moved(photograph, eyes, frame.seen_eyes, image_size)


def _moved(photograph: np.ndarray, eyes: Eyes, targets: Eyes, image_size: int) -> np.ndarray:
    left, right = (complex(*eye) for eye in eyes)
    target_left, target_right = (complex(*eye) for eye in targets)
    turn = (right - left) / (target_right - target_left)
    return _sample(photograph, turn, left - turn * target_left, image_size)


def align_by_box(photograph: np.ndarray, box: tuple, frame: Frame, image_size: int) -> np.ndarray:
    """Scales and shifts a photograph so that the box around its face is where it is in the training images.

    Args:
        photograph: `uint8[height, width, 3]`.
        box: (left, top, width, height) around the face, from hairline to chin and from ear to ear, in its pixels.
        frame: of the training images, see `training_frame`.
        image_size: side of the result in pixels.

    Returns:
        `uint8[image_size, image_size, 3]`; beyond the photograph's edges its border is repeated.

    Raises:
        UserError: the middle of the box is outside the photograph, or a side is less than 4 pixels.
    """
    left, top, width, height = box
    if min(width, height) < 4.0:
        raise UserError(
            f"--box: expected left,top,width,height with sides of at least 4 pixels, received {_listed([box])}. "
            "Give the box from hairline to chin, in pixels of the photograph."
        )
    middle = (left + width / 2, top + height / 2)
    _check_inside(photograph, [middle], "--box")
    target_left, target_top, target_width, target_height = frame.box
    scale = math.sqrt(width * height / (target_width * target_height))
    target = complex(target_left + target_width / 2, target_top + target_height / 2)
    return _sample(photograph, complex(scale), complex(*middle) - scale * target, image_size)


def _sample(photograph: np.ndarray, turn: complex, offset: complex, image_size: int) -> np.ndarray:
    """The pixels of the photograph at `turn · (x + iy) + offset` for each point (x, y) of the result.

    Points are complex numbers, so that a multiplication rotates and scales.
    """
    # Large photographs are first reduced by whole factors; the rest is sampled on a finer grid and averaged.
    reduction = max(1, int(abs(turn) / 2))
    if reduction > 1:
        photograph = np.asarray(Image.fromarray(photograph).reduce(reduction))
        turn, offset = turn / reduction, offset / reduction
    finer = math.ceil(abs(turn))
    centres = (np.arange(image_size * finer) + 0.5) / finer
    points = turn * (centres[None, :] + 1j * centres[:, None]) + offset - (0.5 + 0.5j)
    x, y = (
        np.clip(axis, 0.0, side - 1.0)
        for axis, side in ((points.real, photograph.shape[1]), (points.imag, photograph.shape[0]))
    )
    column, row = np.floor(x).astype(int), np.floor(y).astype(int)
    next_column, next_row = (
        np.minimum(column + 1, photograph.shape[1] - 1),
        np.minimum(row + 1, photograph.shape[0] - 1),
    )
    across, down = (x - column)[..., None], (y - row)[..., None]
    upper = (1.0 - across) * photograph[row, column] + across * photograph[row, next_column]
    lower = (1.0 - across) * photograph[next_row, column] + across * photograph[next_row, next_column]
    blended = (1.0 - down) * upper + down * lower
    return np.ascontiguousarray(resize(np.round(blended).astype(np.uint8), image_size))


def _check_inside(photograph, points, flag):
    height, width = photograph.shape[:2]
    if not all(0 <= x <= width and 0 <= y <= height for x, y in points):
        raise UserError(
            f"{flag}: expected positions inside the photograph of {width}x{height} pixels, received {_listed(points)}. "
            "Count from the top left corner of the upright photograph."
        )


def _listed(points):
    return ",".join(f"{value:g}" for point in points for value in point)
