"""Runs BlazeFace on a square picture and decodes what it answers: boxes, six points of each face, and scores.

Anchors, scales and the averaging of overlapping boxes are those of MediaPipe's graphs `face_detection_short_range` and
`face_detection_full_range`.
"""

import numpy as np

from facevae.command_line.quiet import without_native_notes
from facevae.face_finding import files

# The points of a face, in the network's order. Left and right are those of the picture.
LEFT_EYE, RIGHT_EYE, NOSE, MOUTH, LEFT_EAR, RIGHT_EAR = range(6)
_SAME_FACE = 0.3  # overlap of two boxes (intersection over union) above which they are one face


class BlazeFace:
    """One of the two detectors, on one thread.

    Args:
        detector: its file.

    Raises:
        UserError: the file is missing or another one.
    """

    def __init__(self, detector: files.DetectorFile):
        content = files.content(detector)
        from ai_edge_litert.interpreter import Interpreter  # takes a moment

        self.detector = detector
        with without_native_notes():
            self._interpreter = Interpreter(model_content=content, num_threads=1)
            self._interpreter.allocate_tensors()
        (self._input,) = self._interpreter.get_input_details()
        outputs = {output["shape"][-1]: output["index"] for output in self._interpreter.get_output_details()}
        self._boxes, self._scores = outputs[16], outputs[1]
        self._anchors = anchors(detector)

    def look(self, picture: np.ndarray, least_score: float) -> tuple[np.ndarray, np.ndarray]:
        """The faces in a picture, the surest first.

        Args:
            picture: uint8[side, side, 3].
            least_score: of a face.

        Returns:
            float32[faces, 8, 2] in pixels, x and y of the box's centre, its width and height, and the six points; and
            their scores float32[faces], probabilities.
        """
        values = np.ascontiguousarray(picture[None], np.float32)
        values *= 1.0 / 127.5
        values -= 1.0
        self._interpreter.set_tensor(self._input["index"], values)
        self._interpreter.invoke()
        raw = self._interpreter.get_tensor(self._boxes)[0]
        logits = self._interpreter.get_tensor(self._scores)[0, :, 0]
        scores = 1.0 / (1.0 + np.exp(-np.clip(logits, -80.0, 80.0)))
        seen = np.flatnonzero(scores >= least_score)
        found = decoded(raw[seen], self._anchors[seen], self.detector.side)
        return averaged(found, scores[seen])


def anchors(detector: files.DetectorFile) -> np.ndarray:
    """The anchors of a detector, float32[anchors, 2], x and y as fractions of the picture's side."""
    rows = []
    for cells, count in detector.grids:
        centres = (np.arange(cells, dtype=np.float32) + 0.5) / cells
        grid = np.stack(np.meshgrid(centres, centres), axis=-1).reshape(-1, 2)  # row by row
        rows.append(np.repeat(grid, count, axis=0))
    return np.concatenate(rows)


def decoded(raw: np.ndarray, at: np.ndarray, side: int) -> np.ndarray:
    """The network's numbers as pixels.

    Args:
        raw: float32[faces, 16]: the box's centre from the anchor, its width and height, six points from the anchor.
        at: the faces' anchors float32[faces, 2].
        side: of the picture.

    Returns:
        float32[faces, 8, 2], as `BlazeFace.look` returns them.
    """
    found = raw.reshape(-1, 8, 2).copy()
    found[:, [0, 2, 3, 4, 5, 6, 7]] += side * at[:, None]
    return found


def averaged(found: np.ndarray, scores: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """One face for each group of boxes that overlap with its surest one, their mean weighted by the scores.

    Args:
        found: float32[n, 8, 2], as `BlazeFace.look` returns them.
        scores: float32[n].

    Returns:
        float32[faces, 8, 2] and float32[faces], the surest first; a group's score is the highest in it.
    """
    faces, best = [], []
    left = np.argsort(-scores, kind="stable")
    while len(left):
        same = overlap(found[left[0]], found[left]) > _SAME_FACE
        same[0] = True
        weights = scores[left[same]]
        faces.append((weights[:, None, None] * found[left[same]]).sum(axis=0) / weights.sum())
        best.append(weights[0])
        left = left[~same]
    return np.array(faces, np.float32).reshape(-1, 8, 2), np.array(best, np.float32)


def overlap(one: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Intersection over union of one face's box, of float32[8, 2], with those of float32[n, 8, 2]: float32[n]."""
    low = np.maximum(one[0] - one[1] / 2, others[:, 0] - others[:, 1] / 2)
    high = np.minimum(one[0] + one[1] / 2, others[:, 0] + others[:, 1] / 2)
    common = np.maximum(high - low, 0.0).prod(axis=-1)
    union = one[1].prod() + others[:, 1].prod(axis=-1) - common
    return common / np.maximum(union, 1e-9)
