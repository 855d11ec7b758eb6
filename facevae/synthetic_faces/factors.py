"""What determines a synthetic face: binary attributes, continuous factors and texture phases; how they are sampled.

The attributes are described in `attributes.py`. The factors are independent of the attributes and of each other.

Face `i` of a seed is a pure function of `(seed, i)`.
"""

import dataclasses

import numpy as np

from facevae.synthetic_faces.attributes import (
    ATTRIBUTE_NAMES,
    CORRELATIONS,
    apply_rules,
    clear_contradictions,
    thresholds,
)

# Standard deviation and limit of each normally distributed factor, in the unit given.
_NORMAL_FACTORS = {
    "turn": (12.0, 30.0),  # degrees, positive: the face looks to the right of the image
    "tilt": (5.0, 13.0),  # degrees, positive: clockwise
    "nod": (5.0, 12.0),  # degrees, positive: downwards
    "shift_x": (0.025, 0.06),  # of half the image
    "shift_y": (0.025, 0.06),
    "zoom": (0.04, 0.10),  # natural logarithm of the scale
}

# All other factors are uniform in [-1, 1]; the drawing functions define what each one does.
_UNIFORM_FACTORS = (
    "face_width",
    "jaw_squareness",
    "chin_length",
    "forehead_height",
    "skin_tone",
    "skin_undertone",
    "eye_size",
    "eye_distance",
    "eye_slant",
    "eye_colour",
    "gaze",
    "brow_height",
    "brow_tilt",
    "nose_width",
    "nose_length",
    "mouth_width",
    "mouth_height",
    "lip_fullness",
    "smile",
    "mouth_opening",
    "ear_size",
    "age",
    "hair_shade",
    "hair_warmth",
    "hair_volume",
    "hair_length",
    "hair_parting",
    "beard_extent",
    "light_azimuth",
    "light_elevation",
    "light_strength",
    "light_warmth",
    "fill_light",
    "background_hue",
    "background_saturation",
    "background_brightness",
    "clothes_hue",
    "clothes_brightness",
    "collar",
    "glasses_shape",
    "glasses_shade",
    "hat_style",
    "hat_hue",
    "earring_size",
    "lipstick_hue",
)

FACTOR_NAMES = (*_NORMAL_FACTORS, *_UNIFORM_FACTORS)

# Random phases of textures (hair strands, blobs of the background, skin mottling), which are not named factors.
TEXTURE_COUNT = 48


@dataclasses.dataclass(frozen=True)
class FaceParameters:
    """Everything that determines a batch of faces.

    Attributes:
        attributes: bool[n, attributes], columns as in `ATTRIBUTE_NAMES`.
        factors: float32[n, factors], columns as in `FACTOR_NAMES`.
        textures: float32[n, TEXTURE_COUNT] in [0, 1), the phases of the textures.
    """

    attributes: np.ndarray
    factors: np.ndarray
    textures: np.ndarray

    def __len__(self):
        return len(self.attributes)

    def __getitem__(self, selection):
        """The faces of a slice or an index array."""
        return FaceParameters(self.attributes[selection], self.factors[selection], self.textures[selection])

    def attribute(self, name):
        """bool[n]: one attribute of every face."""
        return self.attributes[:, ATTRIBUTE_NAMES.index(name)]

    def factor(self, name):
        """float32[n]: one factor of every face."""
        return self.factors[:, FACTOR_NAMES.index(name)]

    def with_attribute(self, name, value):
        """The same faces with one attribute set, and the others changed as far as the logical rules require.

        Args:
            name: one of `ATTRIBUTE_NAMES`.
            value: bool, or bool[n].
        """
        attributes = {key: self.attribute(key).copy() for key in ATTRIBUTE_NAMES}
        attributes[name][:] = value
        clear_contradictions(attributes, name)
        apply_rules(attributes)
        return dataclasses.replace(
            self, attributes=np.stack([attributes[key] for key in ATTRIBUTE_NAMES], axis=1)
        )

    def with_factor(self, name, value):
        """The same faces with one factor set to a number or to float32[n]."""
        factors = self.factors.copy()
        factors[:, FACTOR_NAMES.index(name)] = value
        return dataclasses.replace(self, factors=factors)


def sample_faces(count, seed=0, first=0):
    """Samples the parameters of faces `first` to `first + count - 1` of a seed.

    Args:
        count: number of faces.
        seed: int >= 0.
        first: index of the first face; face `i` does not depend on `first` or `count`.

    Returns:
        `FaceParameters` of `count` faces.
    """
    attribute_count, factor_count = len(ATTRIBUTE_NAMES), len(FACTOR_NAMES)
    normal_count = attribute_count + len(_NORMAL_FACTORS)
    cholesky = np.linalg.cholesky(CORRELATIONS)
    latents = np.empty((count, attribute_count))
    factors = np.empty((count, factor_count), np.float32)
    textures = np.empty((count, TEXTURE_COUNT), np.float32)
    for row in range(count):
        # Raw bits only: numpy guarantees that their stream stays the same in all versions, but not its distributions.
        bits = np.random.Philox(key=[seed, first + row]).random_raw(
            2 * normal_count + len(_UNIFORM_FACTORS) + TEXTURE_COUNT
        )
        uniform = (bits >> np.uint64(11)) * 2.0**-53
        normal = _box_muller(uniform[:normal_count], uniform[normal_count : 2 * normal_count])
        latents[row] = cholesky @ normal[:attribute_count]
        factors[row, : len(_NORMAL_FACTORS)] = normal[attribute_count:]
        factors[row, len(_NORMAL_FACTORS) :] = 2 * uniform[2 * normal_count : -TEXTURE_COUNT] - 1
        textures[row] = uniform[-TEXTURE_COUNT:] * (1 - 1e-7)  # float32 must not round up to 1
    for column, (deviation, limit) in enumerate(_NORMAL_FACTORS.values()):
        factors[:, column] = np.clip(factors[:, column] * deviation, -limit, limit)
    attributes = {
        name: latents[:, column] > threshold
        for column, (name, threshold) in enumerate(zip(ATTRIBUTE_NAMES, thresholds(), strict=True))
    }
    apply_rules(attributes)
    return FaceParameters(np.stack([attributes[name] for name in ATTRIBUTE_NAMES], axis=1), factors, textures)


def _box_muller(first, second):
    """Standard normal numbers from uniform ones in [0, 1)."""
    return np.sqrt(-2 * np.log1p(-first)) * np.cos(2 * np.pi * second)
