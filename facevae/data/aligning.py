"""Faces of unaligned photographs for training: found, aligned as CelebA's pictures are, and good enough.

`auto` looks at some pictures of a folder to decide whether its faces have to be found.
"""

import dataclasses
import math
from collections.abc import Sequence
from typing import Literal

import numpy as np

from facevae.data import alignment
from facevae.data.folder import FolderSource
from facevae.data.images import BadPictureError, centred_square, read_upright
from facevae.data.sources import Source
from facevae.face_finding import shared_finder
from facevae.face_finding.quality import reason_against

Taken = Literal["each", "largest"]
NO_FACE = "no face was found in it"
LEFT_OUT = {
    reason: f"no good face in it (the largest is {reason})"
    for reason in ("uncertain", "tiny", "blurred", "sideways")
}
_SAMPLED = 48  # pictures that decide
_LONGEST = 1600  # pixels; of a longer JPEG a half, a quarter or an eighth is decoded
_FEWEST_WITH_FACES = 0.2  # of the sample, or the detector does not understand these pictures
# Of the crop's side: distance from an eye to its usual place, of nine in ten aligned pictures.
_MOST_SPREAD = 0.08
_LEAST_DISTANCE = 0.15  # of the crop's side between the eyes, or most of the picture is no face


@dataclasses.dataclass(frozen=True)
class Found:
    """What was found in one photograph.

    Attributes:
        faces: uint8[faces, size, size, 3], at least one, the largest first.
        left_out: how many more were found and are not good enough.
    """

    faces: np.ndarray
    left_out: int


def read_faces(encoded: str | bytes, crop: str | int, size: int, taken: Taken) -> Found:
    """Finds and aligns the faces of a photograph.

    Args:
        encoded: path of a picture file, or its content.
        crop: of CelebA's 178x218 pixels, in whose place the faces are put: `square` or a side.
        size: side of the results in pixels.
        taken: each face, or the largest good one only.

    Raises:
        BadPictureError: the file is unreadable, or holds no face that is good enough.
        UserError: the detector is not installed.
    """
    frame = alignment.training_frame("", crop, size)
    photograph = read_upright(encoded, _LONGEST)
    found = shared_finder().find(photograph)
    if not found:
        raise BadPictureError(NO_FACE)
    faces: list[np.ndarray] = []
    reasons: list[str] = []
    for face in found:
        aligned = alignment.align_found(photograph, face.eyes, frame, size)
        reason = reason_against(face, aligned, frame.seen_distance)
        if reason is not None:
            reasons.append(reason)
        elif taken == "each" or not faces:
            faces.append(aligned)
    if not faces:
        raise BadPictureError(LEFT_OUT[reasons[0]])
    return Found(np.stack(faces), len(reasons))


def decide(source: Source, crop: str | int) -> tuple[bool, str]:
    """Whether the faces of a source have to be found and aligned, and why, as one line says.

    Only folders are looked at: other sources are data sets of faces.
    """
    if not isinstance(source, FolderSource):
        return False, ""
    paths = [example.encoded for example in source.examples()]
    sample = [paths[index] for index in np.linspace(0, len(paths) - 1, min(_SAMPLED, len(paths))).astype(int)]
    eyes = [place for path in sample if (place := _eyes_in_crop(path, crop)) is not None]
    seen = f"{len(eyes)} of {len(sample)} sampled pictures have a face"
    if len(eyes) < max(1.0, _FEWEST_WITH_FACES * len(sample)):
        return False, f"Pictures are taken as they are: {seen}. --align on finds faces all the same."
    if are_aligned(eyes):
        return (
            False,
            f"Pictures are taken as they are: {seen}, their eyes in one place. --align on aligns them.",
        )
    reason = f"{seen}, their eyes in many places. --align off takes the pictures as they are."
    return True, f"Faces are found and aligned: {reason}"


def are_aligned(eyes: Sequence[np.ndarray]) -> bool:
    """Whether eyes lie in one place, far enough apart; each complex[2], in fractions of the crop's side."""
    places = np.stack(eyes)
    usual = np.median(places.real, axis=0) + 1j * np.median(places.imag, axis=0)
    spread = float(np.quantile(np.abs(places - usual).max(axis=1), 0.9))
    return spread <= _MOST_SPREAD and abs(usual[1] - usual[0]) >= _LEAST_DISTANCE


def _eyes_in_crop(encoded: str | bytes, crop: str | int) -> np.ndarray | None:
    """The eyes of a picture's largest face in its crop, in fractions of the crop's side; None without a face."""
    try:
        photograph = read_upright(encoded, math.inf)
        top, left, side = centred_square(photograph.shape[1], photograph.shape[0], crop)
    except BadPictureError:
        return None
    found = shared_finder().find(photograph)
    return (found[0].points[:2] - complex(left, top)) / side if found else None
