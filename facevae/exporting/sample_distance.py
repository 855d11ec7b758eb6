"""How far the new faces of an exported decoder lie from those of the float32 model, judged as pictures.

Errors of single pixels do not tell whether a file draws the same kind of faces. This compares two sets of faces by the
energy distance (Székely and Rizzo, "Energy statistics: a class of statistics based on distances", Journal of
Statistical Planning and Inference 143, 2013) of fixed features, which need no training. Does not import TensorFlow.
"""

import dataclasses

import numpy as np
from scipy.spatial.distance import cdist

SAMPLES = 256
# A face is cut into so many rows and columns of cells.
CELLS = 8
# Above this multiple of the float32 model's own distance an export says so. On models of photographs and of synthetic
# faces the int8 files stayed below 1.1, on untrained networks below 1.4; a tenth less contrast gave 2.4, a blur of 0.7
# pixels 1.8, noise of 0.03 gave 6.6.
NOTABLE_DISTANCE = 1.5
# One grey level: features that hardly vary over faces do not decide.
_SMALLEST_SPREAD = 1.0 / 255.0


@dataclasses.dataclass(frozen=True)
class SampleSets:
    """What the new faces of a file are judged by.

    Attributes:
        inputs: of the file: noise for `sample`, or latents for `decode` where there is no `sample`,
            `float32[SAMPLES, numbers]`.
        others: features of the float32 model's faces from other inputs, `float32[SAMPLES, features]`.
        floor: distance of the float32 model's faces from `inputs` to those of `others`: what chance alone gives.
    """

    inputs: np.ndarray
    others: np.ndarray
    floor: float


def make_sample_sets(inputs: np.ndarray, images: np.ndarray) -> SampleSets:
    """The sets for the float32 model's images.

    Args:
        inputs: `float32[2 * SAMPLES, numbers]`, of the file's signature.
        images: the float32 model's, `float32[2 * SAMPLES, size, size, 3]` in [0, 1].
    """
    count = len(images) // 2
    others = features(images[count:])
    return SampleSets(inputs[:count], others, energy_distance(features(images[:count]), others))


def relative_distance(images: np.ndarray, sets: SampleSets) -> float | None:
    """The distance of a file's faces from the float32 model's, as a multiple of the model's own from one another.

    Args:
        images: the file's for `sets.inputs`, `float32[SAMPLES, size, size, 3]` in [0, 1].
        sets: see `SampleSets`.

    Returns:
        1 for a file that draws like the model; None where the model's own faces are all the same.
    """
    if sets.floor < 1e-9:
        return None
    return energy_distance(features(images), sets.others) / sets.floor


def features(images: np.ndarray) -> np.ndarray:
    """Mean colour of each cell and its mean step between neighbouring pixels: what is where, and how detailed.

    Args:
        images: `float32[count, size, size, 3]` in [0, 1]; the size is a multiple of `CELLS`.

    Returns:
        `float32[count, 4 * CELLS * CELLS]`.
    """
    count, size = images.shape[:2]
    grey = images.mean(axis=-1)
    steps = np.abs(np.diff(grey, axis=1, append=grey[:, -1:]))
    steps += np.abs(np.diff(grey, axis=2, append=grey[:, :, -1:]))
    planes = np.concatenate([images, steps[..., np.newaxis]], axis=-1)
    side = size // CELLS
    cells = planes.reshape(count, CELLS, side, CELLS, side, 4).mean(axis=(2, 4))
    return cells.reshape(count, -1).astype(np.float32)


def energy_distance(first: np.ndarray, second: np.ndarray) -> float:
    """2 E|x − y| − E|x − x'| − E|y − y'|, with each feature in units of its spread over `second`.

    Args:
        first, second: features of two sets of faces, `[count, features]`.

    Returns:
        0 for equal sets, otherwise above 0: two samples of one distribution differ by chance.
    """
    spread = second.std(axis=0) + _SMALLEST_SPREAD
    first, second = first / spread, second / spread
    between = cdist(first, second).mean()
    return float(2.0 * between - cdist(first, first).mean() - cdist(second, second).mean())
