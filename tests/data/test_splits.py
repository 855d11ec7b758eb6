"""Splits: those of the source are kept, missing ones are made from the pixels, as version 0.1 did from the names."""

import numpy as np
import pytest

from facevae.data.pixels import HASH_BYTES
from facevae.data.splits import TEST, TRAIN, VALIDATION, hash_fraction, splits_by_name, splits_by_pixels

NAMES = [f"folder/{number:06d}.jpg" for number in range(5000)]


def nothing_given(count):
    return np.zeros(count, np.uint8)


def test_a_tenth_each_for_validation_and_test():
    splits = splits_by_name(NAMES, nothing_given(len(NAMES)))
    parts = [np.mean(splits == split) for split in (TRAIN, VALIDATION, TEST)]
    np.testing.assert_allclose(parts, [0.8, 0.1, 0.1], atol=0.02)


def test_a_name_has_its_split_whatever_other_names_there_are():
    everything = dict(zip(NAMES, splits_by_name(NAMES, nothing_given(len(NAMES))), strict=True))
    some = list(reversed(NAMES[1000:3000:3]))
    assert [everything[name] for name in some] == splits_by_name(some, nothing_given(len(some))).tolist()


def test_hash_is_the_same_for_ever():
    # Changing it would move faces between the splits of data sets that models were trained on.
    assert hash_fraction("000001.jpg") == pytest.approx(0.7941476605108809, abs=1e-12)
    assert 0 <= hash_fraction("a name with an undecodable byte \udcff") < 1


@pytest.mark.parametrize("count", range(3, 30))
def test_no_split_is_empty(count):
    splits = splits_by_name(NAMES[:count], nothing_given(count))
    assert set(splits.tolist()) == {TRAIN, VALIDATION, TEST}


def test_given_splits_are_kept():
    given = np.array([TRAIN, TEST, VALIDATION, TRAIN, TEST], np.uint8)
    np.testing.assert_array_equal(splits_by_name(NAMES[:5], given), given)


def test_only_the_missing_split_is_made_and_only_from_training_faces():
    given = np.where(np.arange(5000) % 5 == 0, TEST, TRAIN).astype(np.uint8)
    splits = splits_by_name(NAMES, given)
    np.testing.assert_array_equal(splits == TEST, given == TEST)
    assert 0.08 < np.mean(splits == VALIDATION) / 0.8 < 0.12
    assert np.all(given[splits == VALIDATION] == TRAIN)


# -----------------------------------------------------------------------------------------------------------------
# By the pixels
# -----------------------------------------------------------------------------------------------------------------

HASHES = np.random.default_rng(0).integers(0, 256, (5000, HASH_BYTES), dtype=np.uint8)


def by_pixels(hashes, given=None):
    return splits_by_pixels(hashes, nothing_given(len(hashes)) if given is None else given)


def test_a_tenth_each_by_pixels():
    splits = by_pixels(HASHES)
    parts = [np.mean(splits.of_faces == split) for split in (TRAIN, VALIDATION, TEST)]
    np.testing.assert_allclose(parts, [0.8, 0.1, 0.1], atol=0.02)
    assert (splits.duplicates, splits.moved) == (0, 0)


def test_a_face_has_its_split_whatever_its_place_and_the_other_faces():
    chosen = np.arange(1000, 3000, 3)[::-1]
    np.testing.assert_array_equal(by_pixels(HASHES[chosen]).of_faces, by_pixels(HASHES).of_faces[chosen])


def test_splits_by_pixels_are_the_same_for_ever():
    first_bytes = np.zeros((5, HASH_BYTES), np.uint8)
    first_bytes[:, 0] = [0, 25, 26, 230, 231]  # of 256: below and above a tenth, below and above nine tenths
    assert by_pixels(first_bytes).of_faces.tolist() == [VALIDATION, VALIDATION, TRAIN, TRAIN, TEST]


@pytest.mark.parametrize("count", range(3, 30))
def test_no_split_by_pixels_is_empty_and_equal_faces_stay_together(count):
    hashes = np.repeat(HASHES[:count], 3, axis=0)
    splits = by_pixels(hashes)
    assert set(splits.of_faces.tolist()) == {TRAIN, VALIDATION, TEST}
    assert np.all(splits.of_faces.reshape(count, 3) == splits.of_faces[::3, None])
    assert (splits.duplicates, splits.moved) == (2 * count, 0)


def test_equal_faces_in_different_splits_of_the_source_go_to_test_then_to_validation():
    hashes = HASHES[[0, 0, 1, 1, 2, 2, 3, 3, 4]]
    given = np.array([TRAIN, TEST, VALIDATION, TRAIN, TEST, VALIDATION, TRAIN, TRAIN, TRAIN], np.uint8)
    splits = by_pixels(hashes, given)
    expected = [TEST, TEST, VALIDATION, VALIDATION, TEST, TEST, TRAIN, TRAIN, TRAIN]
    assert splits.of_faces.tolist() == expected
    assert (splits.duplicates, splits.moved) == (4, 3)


def test_given_splits_without_duplicates_are_kept_and_only_missing_ones_made():
    given = np.where(np.arange(5000) % 5 == 0, TEST, TRAIN).astype(np.uint8)
    splits = by_pixels(HASHES, given).of_faces
    np.testing.assert_array_equal(splits == TEST, given == TEST)
    assert 0.08 < np.mean(splits == VALIDATION) / 0.8 < 0.12
