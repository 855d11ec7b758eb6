"""Finds faces in a photograph of any size: a look at the whole, then a closer one at each face, turned upright."""

import dataclasses
import functools
from collections.abc import Sequence

import numpy as np
from PIL import Image

from facevae.face_finding import files
from facevae.face_finding.blazeface import (
    LEFT_EAR,
    LEFT_EYE,
    MOUTH,
    NOSE,
    RIGHT_EAR,
    RIGHT_EYE,
    BlazeFace,
    averaged,
)
from facevae.face_finding.views import View

# Of the first look, which may be unsure, as the second one decides; and of the second.
CANDIDATE_SCORE, LEAST_SCORE = 0.2, 0.5
_MOST_FACES = 64  # that are looked at closely, the surest ones
# Of 626 faces pasted into textures, 500 photographs at 200x200 and 400 drawn faces all scored more in the second look;
# of 20 places that were taken for faces in the textures, two did. Of 500 faces of CelebA 2 scored less.
SURE = 0.65
CLOSE_UP = 2.6  # side of the closer look, in widths of the face's box
# Of the face's width: how far the eyes may lie from where they were thought, or a third look is taken from there. After
# it, 95 % of small faces' eyes are within 1.7 pixels of 64 instead of 2.1 (benchmarks/face_finding.md).
FAR_OFF = 0.1
# Of the longer side: the squares that are looked at where there is no face in the whole photograph. They are further
# occasions to be wrong, so that only sure faces count.
PART = 0.75


@dataclasses.dataclass(frozen=True)
class Face:
    """A face in a photograph, in its pixels from the top left corner.

    Attributes:
        points: complex[6], x + iy of the left eye, the right eye, the tip of the nose, the middle of the mouth, the
            left ear and the right ear; left and right are those of the upright face in the picture.
        centre: of the box around the face, complex.
        width: of the box, from ear to ear.
        score: how sure the detector is, a probability.
    """

    points: np.ndarray
    centre: complex
    width: float
    score: float

    @property
    def eyes(self) -> tuple[tuple[float, float], tuple[float, float]]:
        """((x, y), (x, y)) of the eyes, the one on the left of the upright face first."""
        left, right = self.points[[LEFT_EYE, RIGHT_EYE]]
        return (float(left.real), float(left.imag)), (float(right.real), float(right.imag))


class FaceFinder:
    """Both detectors, loaded once.

    Raises:
        UserError: a detector's file is missing or another one.
    """

    def __init__(self) -> None:
        self._networks = BlazeFace(files.FULL_RANGE), BlazeFace(files.SHORT_RANGE)

    def find(self, photograph: np.ndarray) -> list[Face]:
        """The faces in a photograph, the largest first.

        Args:
            photograph: uint8[height, width, 3], upright.
        """
        image = Image.fromarray(photograph)
        whole = [View.whole(image.width, image.height, network.detector.side) for network in self._networks]
        faces = self._seen_closely(
            image, self._first_look(image, list(zip(self._networks, whole, strict=True)))
        )
        if not faces:
            parts = View.overlapping(image.width, image.height, PART, files.FULL_RANGE.side)
            seen = self._first_look(image, [(self._networks[0], part) for part in parts])
            faces = [face for face in self._seen_closely(image, seen) if face.score >= SURE]
        return sorted(faces, key=lambda face: -face.width)

    def _first_look(
        self, image: Image.Image, looks: Sequence[tuple[BlazeFace, View]]
    ) -> list[tuple[np.ndarray, float]]:
        """The centre and the six points of each face complex[7], and the width of its box; the surest first."""
        found, scores = [], []
        for network, view in looks:
            seen, sure = network.look(view.cut(image), CANDIDATE_SCORE)
            found.append(_in_photograph(seen, view))
            scores.append(sure)
        boxes, _ = averaged(np.concatenate(found), np.concatenate(scores))
        return [(_as_complex(box[[0, *range(2, 8)]]), float(box[1, 0])) for box in boxes[:_MOST_FACES]]

    def _seen_closely(self, image: Image.Image, candidates: list[tuple[np.ndarray, float]]) -> list[Face]:
        """The candidates that are faces at a closer look, and at another where the first look was far off."""
        faces: list[Face] = []
        for points, width in candidates:
            face = self._closer_look(image, points, width)
            if face is not None and np.abs(face.points[:2] - points[1:3]).max() > FAR_OFF * face.width:
                seen = np.concatenate([[face.centre], face.points])
                face = self._closer_look(image, seen, face.width) or face
            if face is not None and not any(_is_same(face, other) for other in faces):
                faces.append(face)
        return faces

    def _closer_look(self, image: Image.Image, points: np.ndarray, width: float) -> Face | None:
        """The face as it is seen upright and close; None if there is none any more.

        The mean of what is seen in the close-up and in its mirror image is nearer to the eyes than either, and as near
        on the left as on the right.
        """
        close = self._networks[1]
        level = points[1 + RIGHT_EYE] - points[1 + LEFT_EYE]
        level = level / abs(level) if level else 1.0
        view = View.around(complex(points[0]), complex(CLOSE_UP * width * level), close.detector.side)
        close_up = view.cut(image)
        seen = _in_the_middle(*close.look(close_up, LEAST_SCORE), view.side)
        if seen is None:
            return None
        box, score = seen
        mirrored = _in_the_middle(*close.look(close_up[:, ::-1], LEAST_SCORE), view.side)
        if mirrored is not None:
            box = (box + _mirrored(mirrored[0], view.side)) / 2
        again = view.to_photograph(_as_complex(box[[0, *range(2, 8)]]))
        return Face(again[1:], complex(again[0]), abs(view.turn) * float(box[1, 0]), score)


@functools.cache
def shared_finder() -> FaceFinder:
    """The finder of this process: its detectors are loaded once."""
    return FaceFinder()


def _in_the_middle(seen: np.ndarray, scores: np.ndarray, side: int) -> tuple[np.ndarray, float] | None:
    """Of the faces seen in a view, the one in its middle; None where all are neighbours of the one that was sought."""
    away = np.abs(seen[:, 0] - side / 2).max(axis=-1, initial=0.0)
    if not len(away) or away.min() > side / 4:
        return None
    return seen[away.argmin()], float(scores[away.argmin()])


def _mirrored(face: np.ndarray, side: int) -> np.ndarray:
    """A face float32[8, 2] of a mirrored view, in the view."""
    turned = face[[0, 1, 2 + RIGHT_EYE, 2 + LEFT_EYE, 2 + NOSE, 2 + MOUTH, 2 + RIGHT_EAR, 2 + LEFT_EAR]]
    turned[[0, *range(2, 8)], 0] = side - turned[[0, *range(2, 8)], 0]
    return turned


def _in_photograph(seen: np.ndarray, view: View) -> np.ndarray:
    """Faces as `BlazeFace.look` returns them, of a view that is not turned, in pixels of the photograph."""
    scaled = seen * abs(view.turn)
    scaled[:, [0, *range(2, 8)]] += (view.origin.real, view.origin.imag)
    return scaled


def _as_complex(points: np.ndarray) -> np.ndarray:
    return points[..., 0].astype(np.float64) + 1j * points[..., 1]


def _is_same(one: Face, other: Face) -> bool:
    """Whether the middle of one box is in the inner half of the other."""
    return abs(one.centre - other.centre) < max(one.width, other.width) / 4
