"""Which face belongs to which split: as the source says, else by a hash of the face's pixels."""

import dataclasses
import hashlib
from collections.abc import Sequence

import numpy as np

TRAIN, VALIDATION, TEST = 0, 1, 2  # as CelebA's partition table numbers them
SPLIT_NAMES = ("train", "validation", "test")

BY_NAME, BY_PIXELS = 1, 2  # the rules of version 0.1 and of all later ones, as run folders record them

_SPLIT_SEED = "facevae splits 1"
_VALIDATION_PART = _TEST_PART = 0.1


@dataclasses.dataclass(frozen=True)
class Splits:
    """The splits of a data set's faces.

    Attributes:
        of_faces: `uint8[faces]` of TRAIN, VALIDATION, TEST.
        duplicates: number of faces whose pixels an earlier face has.
        moved: number of faces that are in another split than the source says, to be with their duplicates.
    """

    of_faces: np.ndarray
    duplicates: int
    moved: int


def splits_by_pixels(hashes: np.ndarray, given: np.ndarray) -> Splits:
    """Puts equal faces into one split, and fills splits that the source does not have by the hash of the pixels.

    Faces with equal pixels for which the source gives different splits all go to the test, or, where none is a test
    face, to validation: the faces that a model is measured on are those that the source says, and none of them is
    trained on. A face's split depends on its own pixels alone, so that renaming and adding faces moves none of the
    others; only if a split would stay empty (with few faces), the face with the nearest hash is moved into it.

    Args:
        hashes: `uint8[faces, 16]`.
        given: `uint8[faces]` of TRAIN, VALIDATION, TEST as the source says; all TRAIN when it says nothing.

    Returns:
        The splits. With three or more different training faces none is empty.
    """
    rows = np.ascontiguousarray(hashes)
    keys, group = np.unique(rows.view(f"V{rows.shape[1]}").ravel(), return_inverse=True)
    of_group = np.zeros(len(keys), np.uint8)
    np.maximum.at(of_group, group, given)  # test before validation before training
    moved = int(np.count_nonzero(of_group[group] != given))
    words = np.frombuffer(keys.tobytes(), np.uint8).reshape(rows[: len(keys)].shape)[:, :8]
    fractions = np.ascontiguousarray(words).view(">u8").ravel() / 2.0**64
    return Splits(_completed(fractions, of_group)[group], len(rows) - len(keys), moved)


def hash_fraction(name: str) -> float:
    """A number in [0, 1) that depends on the name alone: the same on every machine, in every run."""
    digest = hashlib.sha256(f"{_SPLIT_SEED}/{name}".encode("utf-8", "surrogateescape")).digest()
    return int.from_bytes(digest[:8], "big") / 2**64


def splits_by_name(names: Sequence[str], given: np.ndarray) -> np.ndarray:
    """The splits that version 0.1 made, in which runs that it began go on: equal faces may be in different ones.

    Args:
        names: the faces' names, unique.
        given: as for `splits_by_pixels`.

    Returns:
        `uint8[faces]`. With three or more training faces no split is empty.
    """
    return _completed(np.array([hash_fraction(name) for name in names]), given)


def _completed(fractions: np.ndarray, given: np.ndarray) -> np.ndarray:
    """Fills missing splits with training faces, by a number in [0, 1] of each face."""
    splits = given.astype(np.uint8)
    missing = [split for split in (VALIDATION, TEST) if not np.any(given == split)]
    if not missing:
        return splits
    candidates = np.flatnonzero(given == TRAIN)
    fractions = fractions[candidates]
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
