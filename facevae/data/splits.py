"""Which face belongs to which split: as the source says, else by a hash of the face's name."""

import hashlib
from collections.abc import Sequence

import numpy as np

TRAIN, VALIDATION, TEST = 0, 1, 2  # as CelebA's partition table numbers them
SPLIT_NAMES = ("train", "validation", "test")

_SPLIT_SEED = "facevae splits 1"
_VALIDATION_PART = _TEST_PART = 0.1


def hash_fraction(name: str) -> float:
    """A number in [0, 1) that depends on the name alone: the same on every machine, in every run."""
    digest = hashlib.sha256(f"{_SPLIT_SEED}/{name}".encode("utf-8", "surrogateescape")).digest()
    return int.from_bytes(digest[:8], "big") / 2**64


def complete_splits(names: Sequence[str], given: np.ndarray) -> np.ndarray:
    """Fills splits that the source does not have with some of its training faces, by the hash of their names.

    A face's split depends on its own name alone, so that adding faces moves none of the others; only if a
    split would stay empty (with few faces), the face with the nearest hash is moved into it.

    Args:
        names: the faces' names, unique.
        given: uint8[n] of TRAIN, VALIDATION, TEST as the source says; all TRAIN when it says nothing.

    Returns:
        uint8[n]. With three or more training faces no split is empty.
    """
    splits = given.astype(np.uint8)
    missing = [split for split in (VALIDATION, TEST) if not np.any(given == split)]
    if not missing:
        return splits
    candidates = np.flatnonzero(given == TRAIN)
    fractions = np.array([hash_fraction(names[index]) for index in candidates.tolist()])
    if VALIDATION in missing:
        splits[candidates[fractions < _VALIDATION_PART]] = VALIDATION
    if TEST in missing:
        splits[candidates[fractions >= 1 - _TEST_PART]] = TEST
    by_fraction = candidates[np.argsort(fractions, kind="stable")]
    if len(by_fraction) >= 3:
        if VALIDATION in missing and not np.any(splits == VALIDATION):
            splits[by_fraction[0]] = VALIDATION
        if TEST in missing and not np.any(splits == TEST):
            splits[by_fraction[-1]] = TEST
        if not np.any(splits == TRAIN):
            splits[by_fraction[len(by_fraction) // 2]] = TRAIN
    return splits
