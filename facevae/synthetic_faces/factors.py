"""What a synthetic face is made of: binary attributes, continuous factors, and how they are drawn.

The attributes carry CelebA's names and are correlated on purpose, as in life: a Gaussian copula with the stated
latent correlations `CORRELATIONS` and the stated `PREVALENCES`, followed by a few logical rules (`apply_rules`), such
as that a bald head has no bangs. The factors are independent of the attributes and of each other.

Face `i` of a seed is a pure function of `(seed, i)`.
"""

import dataclasses
from statistics import NormalDist

import numpy as np

# Probability of each attribute before the logical rules.
PREVALENCES = {
    "5_o_Clock_Shadow": 0.55,
    "Arched_Eyebrows": 0.35,
    "Bags_Under_Eyes": 0.30,
    "Bald": 0.07,
    "Bangs": 0.25,
    "Big_Lips": 0.30,
    "Big_Nose": 0.30,
    "Black_Hair": 0.40,
    "Blond_Hair": 0.25,
    "Brown_Hair": 0.40,
    "Bushy_Eyebrows": 0.30,
    "Eyeglasses": 0.20,
    "Goatee": 0.35,
    "Gray_Hair": 0.14,
    "Heavy_Makeup": 0.30,
    "Male": 0.48,
    "Mouth_Slightly_Open": 0.45,
    "Mustache": 0.45,
    "Narrow_Eyes": 0.25,
    "No_Beard": 0.50,
    "Pale_Skin": 0.20,
    "Receding_Hairline": 0.15,
    "Rosy_Cheeks": 0.25,
    "Smiling": 0.50,
    "Straight_Hair": 0.50,
    "Wavy_Hair": 0.45,
    "Wearing_Earrings": 0.30,
    "Wearing_Hat": 0.12,
    "Wearing_Lipstick": 0.42,
    "Young": 0.70,
}

ATTRIBUTE_NAMES = tuple(PREVALENCES)

_HAIR_COLOURS = ("Gray_Hair", "Blond_Hair", "Black_Hair", "Brown_Hair")

# Correlations of the copula's normal variables. A pair that is not listed is independent given `Male` and `Young`.
_PAIRS = {
    ("Male", "Wearing_Lipstick"): -0.70,
    ("Male", "Heavy_Makeup"): -0.60,
    ("Male", "Wearing_Earrings"): -0.55,
    ("Male", "Arched_Eyebrows"): -0.45,
    ("Male", "Bangs"): -0.30,
    ("Male", "Rosy_Cheeks"): -0.40,
    ("Male", "Blond_Hair"): -0.30,
    ("Male", "Wavy_Hair"): -0.55,
    ("Male", "Straight_Hair"): -0.60,
    ("Male", "Bushy_Eyebrows"): 0.45,
    ("Male", "Big_Nose"): 0.40,
    ("Male", "Bald"): 0.45,
    ("Male", "Receding_Hairline"): 0.40,
    ("Male", "Wearing_Hat"): 0.15,
    ("Male", "Young"): -0.25,
    ("Male", "Smiling"): -0.15,
    ("Male", "Bags_Under_Eyes"): 0.25,
    ("Young", "Gray_Hair"): -0.70,
    ("Young", "Bald"): -0.35,
    ("Young", "Receding_Hairline"): -0.45,
    ("Young", "Eyeglasses"): -0.35,
    ("Young", "Bags_Under_Eyes"): -0.40,
    ("Young", "Big_Nose"): -0.25,
    ("Young", "Bangs"): 0.15,
    ("Smiling", "Mouth_Slightly_Open"): 0.50,
    ("Smiling", "Narrow_Eyes"): 0.25,
    ("Smiling", "Rosy_Cheeks"): 0.25,
    ("Wearing_Lipstick", "Heavy_Makeup"): 0.65,
    ("Wearing_Lipstick", "Wearing_Earrings"): 0.45,
    ("Wearing_Lipstick", "Arched_Eyebrows"): 0.40,
    ("Wearing_Lipstick", "Rosy_Cheeks"): 0.35,
    ("Heavy_Makeup", "Arched_Eyebrows"): 0.40,
    ("Heavy_Makeup", "Rosy_Cheeks"): 0.35,
    ("Heavy_Makeup", "Wearing_Earrings"): 0.40,
    ("Pale_Skin", "Blond_Hair"): 0.25,
    ("Pale_Skin", "Black_Hair"): -0.20,
    ("Big_Lips", "Big_Nose"): 0.20,
    ("Bald", "Receding_Hairline"): 0.30,
    ("Goatee", "Mustache"): 0.50,
    ("Bushy_Eyebrows", "Arched_Eyebrows"): -0.30,
}


def _correlation_matrix():
    index = {name: i for i, name in enumerate(ATTRIBUTE_NAMES)}
    matrix = np.eye(len(index))
    for (first, second), value in _PAIRS.items():
        matrix[index[first], index[second]] = matrix[index[second], index[first]] = value
    common = [index["Male"], index["Young"]]
    implied = matrix[:, common] @ np.linalg.inv(matrix[np.ix_(common, common)]) @ matrix[common]
    unlisted = matrix == 0
    matrix[unlisted] = implied[unlisted]
    return matrix


CORRELATIONS = _correlation_matrix()
"""float64[attributes, attributes]: correlations of the normal variables behind the attributes."""

# Standard deviation and limit of the normal factors, in their unit.
_NORMAL_FACTORS = {
    "turn": (12.0, 30.0),  # degrees, positive: the face looks to the right of the picture
    "tilt": (5.0, 13.0),  # degrees, positive: clockwise
    "nod": (5.0, 12.0),  # degrees, positive: downwards
    "shift_x": (0.025, 0.06),  # of half the picture
    "shift_y": (0.025, 0.06),
    "zoom": (0.04, 0.10),  # logarithm
}

# Every other factor is uniform in [-1, 1]; its meaning is where the renderer uses it.
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

# Phases of the textures (strands, blobs of the background, skin mottling): variety without a name.
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
        """The same faces with one attribute set, and whatever the logical rules then demand of the others.

        Args:
            name: one of `ATTRIBUTE_NAMES`.
            value: bool, or bool[n].
        """
        attributes = {key: self.attribute(key).copy() for key in ATTRIBUTE_NAMES}
        attributes[name][:] = value
        _make_room(attributes, name)
        apply_rules(attributes)
        return dataclasses.replace(
            self, attributes=np.stack([attributes[key] for key in ATTRIBUTE_NAMES], axis=1)
        )

    def with_factor(self, name, value):
        """The same faces with one factor set to a number or to float32[n]."""
        factors = self.factors.copy()
        factors[:, FACTOR_NAMES.index(name)] = value
        return dataclasses.replace(self, factors=factors)


# Attributes that cannot be together, the stronger first.
_EXCLUSIONS = (
    ("Wearing_Hat", "Bald"),
    ("Wearing_Hat", "Bangs"),
    ("Wearing_Hat", "Receding_Hairline"),
    *(
        ("Bald", other)
        for other in ("Bangs", "Receding_Hairline", "Wavy_Hair", "Straight_Hair", *_HAIR_COLOURS)
    ),
    ("Receding_Hairline", "Bangs"),
    ("Wavy_Hair", "Straight_Hair"),
    *((first, second) for i, first in enumerate(_HAIR_COLOURS) for second in _HAIR_COLOURS[i + 1 :]),
    *(("No_Beard", other) for other in ("Goatee", "Mustache", "5_o_Clock_Shadow")),
    ("Goatee", "5_o_Clock_Shadow"),
    ("Mustache", "5_o_Clock_Shadow"),
)


def apply_rules(attributes):
    """Makes drawn attributes consistent, in place.

    Only men have a beard; no beard means no kind of beard; a head is bald or has exactly one hair colour; of two
    attributes that exclude each other the stronger one stays.

    Args:
        attributes: dict of name -> bool[n].
    """
    attributes["No_Beard"] |= ~attributes["Male"]
    for stronger, weaker in _EXCLUSIONS:
        attributes[weaker] &= ~attributes[stronger]
    coloured = np.any([attributes[name] for name in _HAIR_COLOURS], axis=0)
    attributes["Brown_Hair"] |= ~coloured & ~attributes["Bald"]


def _make_room(attributes, name):
    """Clears what contradicts the attribute that was just set, so that the rules do not take it back."""
    on = attributes[name]
    for pair in _EXCLUSIONS:
        if name in pair:
            other = pair[0] if name == pair[1] else pair[1]
            attributes[other] &= ~on
    if name in ("Goatee", "Mustache", "5_o_Clock_Shadow"):
        attributes["Male"] |= on
    if name == "No_Beard":
        attributes["Male"] |= ~on


def sample_faces(count, seed=0, first=0):
    """Draws faces `first` to `first + count - 1` of a seed.

    Args:
        count: how many.
        seed: int >= 0.
        first: index of the first face; face `i` is the same whatever else is drawn with it.

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
        # Raw bits only: numpy guarantees their stream for all versions, which it does not for its distributions.
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
    return np.sqrt(-2 * np.log1p(-first)) * np.cos(2 * np.pi * second)


def thresholds():
    """float64[attributes]: an attribute is present where its normal variable exceeds its threshold."""
    return np.array([NormalDist().inv_cdf(1 - prevalence) for prevalence in PREVALENCES.values()])
