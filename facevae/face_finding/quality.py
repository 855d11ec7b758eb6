"""The rule by which faces are left out of training: uncertain, tiny, blurred and sideways ones."""

import numpy as np
from PIL import Image

from facevae.face_finding.blazeface import LEFT_EYE, NOSE, RIGHT_EYE
from facevae.face_finding.finder import SURE, Face

MOST_ENLARGED = 2.0  # times, from the photograph to the training image
# Of the contrast in the middle of a training image, the share in details that half its size cannot show. Of 250 faces
# of CelebA at 64x64 and 120 photographs at 128x128 the lowest were 0.11 and 0.05; blurred by a Gaussian of 2 pixels,
# 0.025 and 0.018 in the median.
LEAST_DETAIL = 0.03


def reason_against(face: Face, aligned: np.ndarray, eye_distance: float) -> str | None:
    """Why a face is not good enough to learn from; None if it is.

    Args:
        face: as it was found.
        aligned: uint8[size, size, 3], the training image made of it.
        eye_distance: between the eyes in the training image, pixels.

    Returns:
        `uncertain`: a lower score than nearly all faces have. `tiny`: fewer than half the pixels on a side that the
        training image has. `sideways`: the tip of the nose lies outside the eyes. `blurred`: hardly
        any detail is lost by halving the training image.
    """
    left, right = face.points[[LEFT_EYE, RIGHT_EYE]]
    if face.score < SURE:
        return "uncertain"
    if MOST_ENLARGED * abs(right - left) < eye_distance:
        return "tiny"
    if not 0.0 <= ((face.points[NOSE] - left) / (right - left)).real <= 1.0:
        return "sideways"
    if detail(aligned) < LEAST_DETAIL:
        return "blurred"
    return None


def detail(aligned: np.ndarray) -> float:
    """The share of a face's contrast that an image of half the size cannot show; 0 of an even area."""
    image = Image.fromarray(aligned).convert("L")
    size = image.width
    halved = image.reduce(2).resize(image.size, Image.Resampling.BICUBIC)
    middle = slice(size // 4, size - size // 4)
    whole, coarse = (np.asarray(picture, np.float32)[middle, middle] for picture in (image, halved))
    contrast = float(whole.std())
    return float((whole - coarse).std()) / contrast if contrast > 0.0 else 0.0
