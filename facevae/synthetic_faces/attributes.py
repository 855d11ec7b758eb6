"""The binary attributes of synthetic faces: how frequent they are, how they correlate and which exclude each other.

They carry CelebA's names. Their correlations, which imitate those of real faces, come from a Gaussian copula: an
attribute is present where its normal variable exceeds a threshold (`thresholds`, from `PREVALENCES`), and the normal
variables have the correlations `CORRELATIONS`. Logical rules follow (`apply_rules`), such as that a bald head has no
bangs.
"""

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


def thresholds():
    """float64[attributes]: the value that each attribute's normal variable exceeds where the attribute is present."""
    return np.array([NormalDist().inv_cdf(1 - prevalence) for prevalence in PREVALENCES.values()])


# Pairs of attributes that exclude each other: where both are drawn, the first one stays.
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
    """Makes attributes consistent, in place.

    Only men have a beard; `No_Beard` excludes every kind of beard; a head is bald or has exactly one hair colour; of
    two attributes in `_EXCLUSIONS` the first one stays.

    Args:
        attributes: dict of name -> bool[n].
    """
    attributes["No_Beard"] |= ~attributes["Male"]
    for kept, cleared in _EXCLUSIONS:
        attributes[cleared] &= ~attributes[kept]
    coloured = np.any([attributes[name] for name in _HAIR_COLOURS], axis=0)
    attributes["Brown_Hair"] |= ~coloured & ~attributes["Bald"]


def clear_contradictions(attributes, name):
    """Clears, in place, the attributes that contradict `name`, so that `apply_rules` does not undo it.

    Args:
        attributes: dict of name -> bool[n], in which `name` was just set.
        name: one of `ATTRIBUTE_NAMES`.
    """
    on = attributes[name]
    for pair in _EXCLUSIONS:
        if name in pair:
            other = pair[0] if name == pair[1] else pair[1]
            attributes[other] &= ~on
    if name in ("Goatee", "Mustache", "5_o_Clock_Shadow"):
        attributes["Male"] |= on
    if name == "No_Beard":
        attributes["Male"] |= ~on
