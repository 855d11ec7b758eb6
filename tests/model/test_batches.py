"""A function of a batch applied to many rows: each row exactly once, whatever the count."""

import numpy as np
import pytest
import tensorflow as tf

from facevae.model.batches import BATCH, batch_slices, in_batches


@pytest.mark.parametrize(
    ("count", "size", "expected"),
    [(0, 3, []), (2, 3, [(0, 2)]), (3, 3, [(0, 3)]), (7, 3, [(0, 3), (3, 6), (6, 7)])],
)
def test_slices_cover_the_indices_in_order_and_end_with_the_last(count, size, expected):
    assert list(batch_slices(count, size)) == [slice(*part) for part in expected]


@pytest.mark.parametrize("count", [0, 1, 4, 11])
@pytest.mark.parametrize("fixed", [False, True])
def test_each_output_is_that_of_all_inputs_at_once(count, fixed):
    inputs = np.arange(count * 6, dtype=np.float32).reshape(count, 2, 3)

    def function(batch):
        return tf.reduce_sum(batch, axis=2), [str(row.sum()) for row in np.asarray(batch)]

    sums, texts = in_batches(function, inputs, size=4, fixed=fixed)
    np.testing.assert_array_equal(sums, inputs.sum(axis=2))
    assert sums.shape == (count, 2)
    assert texts.tolist() == [str(row.sum()) for row in inputs]


def test_a_single_output_comes_as_one_array_in_a_list():
    (doubled,) = in_batches(lambda batch: 2 * batch, np.arange(5), size=2)
    np.testing.assert_array_equal(doubled, [0, 2, 4, 6, 8])


def test_inputs_are_passed_in_batches_of_the_given_size():
    sizes = []
    in_batches(lambda batch: sizes.append(len(batch)) or batch, np.arange(BATCH + 3))
    assert sizes == [BATCH, 3]


def test_a_graph_is_traced_once_when_the_last_batch_is_padded():
    traced = []

    @tf.function
    def function(batch):
        traced.append(batch.shape)
        return batch + 1.0

    for count in (10, 3, 0):
        (outputs,) = in_batches(function, np.zeros((count, 2), np.float32), size=4, fixed=True)
        np.testing.assert_array_equal(outputs, np.ones((count, 2)))
    assert traced == [(4, 2)]


def test_progress_is_shown_only_where_it_is_asked_for_and_takes_long(capfd):
    in_batches(lambda batch: batch, np.arange(6), size=2, progress="Encoding faces")
    in_batches(lambda batch: batch, np.arange(6), size=2)
    assert capfd.readouterr().err == ""


def test_progress_names_what_takes_long(capfd, monkeypatch):
    now = 0.0

    def function(batch):
        nonlocal now
        now += 3.0
        return batch

    monkeypatch.setattr("tqdm.std.time", lambda: now)
    in_batches(function, np.arange(6), size=2, progress="Encoding faces")
    assert "Encoding faces" in capfd.readouterr().err
