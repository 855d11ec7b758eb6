"""Splits: those of the source are kept, missing ones are made from the names of the faces."""

import numpy as np
import pytest

from facevae.data.splits import TEST, TRAIN, VALIDATION, complete_splits, hash_fraction

NAMES = [f"folder/{number:06d}.jpg" for number in range(5000)]


def nothing_given(count):
    return np.zeros(count, np.uint8)


def test_a_tenth_each_for_validation_and_test():
    splits = complete_splits(NAMES, nothing_given(len(NAMES)))
    parts = [np.mean(splits == split) for split in (TRAIN, VALIDATION, TEST)]
    np.testing.assert_allclose(parts, [0.8, 0.1, 0.1], atol=0.02)


def test_a_name_has_its_split_whatever_other_names_there_are():
    everything = dict(zip(NAMES, complete_splits(NAMES, nothing_given(len(NAMES))), strict=True))
    some = list(reversed(NAMES[1000:3000:3]))
    assert [everything[name] for name in some] == complete_splits(some, nothing_given(len(some))).tolist()


def test_hash_is_the_same_for_ever():
    # Changing it would move faces between the splits of data sets that models were trained on.
    assert hash_fraction("000001.jpg") == pytest.approx(0.7941476605108809, abs=1e-12)
    assert 0 <= hash_fraction("a name with an undecodable byte \udcff") < 1


@pytest.mark.parametrize("count", range(3, 30))
def test_no_split_is_empty(count):
    splits = complete_splits(NAMES[:count], nothing_given(count))
    assert set(splits.tolist()) == {TRAIN, VALIDATION, TEST}


def test_given_splits_are_kept():
    given = np.array([TRAIN, TEST, VALIDATION, TRAIN, TEST], np.uint8)
    np.testing.assert_array_equal(complete_splits(NAMES[:5], given), given)


def test_only_the_missing_split_is_made_and_only_from_training_faces():
    given = np.where(np.arange(5000) % 5 == 0, TEST, TRAIN).astype(np.uint8)
    splits = complete_splits(NAMES, given)
    np.testing.assert_array_equal(splits == TEST, given == TEST)
    assert 0.08 < np.mean(splits == VALIDATION) / 0.8 < 0.12
    assert np.all(given[splits == VALIDATION] == TRAIN)
