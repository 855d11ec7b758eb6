"""Batches: determined by seed and step, no face twice in a data epoch, every face once in evaluation."""

import numpy as np
import pytest
import tensorflow as tf

from facevae.data import Records, evaluation_batches, training_batches
from facevae.data.pipeline import Share
from facevae.errors import UserError

SIZE = 8


@pytest.fixture
def records():
    """23 faces with their number in red; the left half is green."""
    images = np.zeros((40, SIZE, SIZE, 3), np.uint8)
    images[..., 0] = np.arange(40)[:, None, None]
    images[:, :, : SIZE // 2, 1] = 255
    return Records(images, None, [str(number) for number in range(40)], np.arange(3, 26))


def take(batches, count):
    return [batch.numpy() for batch in batches.take(count)]


def numbers(batch):
    return batch[:, 0, 0, 0].tolist()


def mirrored(batch):
    return (batch[:, 0, 0, 1] == 0).tolist()


def test_batches_are_static_endless_uint8(records):
    batches = training_batches(records, 5, seed=1)
    assert batches.element_spec == tf.TensorSpec((5, SIZE, SIZE, 3), tf.uint8)
    assert batches.cardinality() == tf.data.INFINITE_CARDINALITY


def test_no_face_comes_twice_in_a_data_epoch_and_epochs_differ(records):
    batches = take(training_batches(records, 5, seed=1), 40)  # ten data epochs of four steps
    epochs = [numbers(np.concatenate(batches[start : start + 4])) for start in range(0, 40, 4)]
    for epoch in epochs:
        assert len(set(epoch)) == 20
        assert set(epoch) <= set(range(3, 26))
    assert len({tuple(epoch) for epoch in epochs}) == 10
    assert set().union(*epochs) == set(range(3, 26))  # those left over by one epoch come in others


@pytest.mark.parametrize("first_step", [1, 3, 4, 5, 9])
def test_starting_at_a_step_gives_the_batches_of_that_step(records, first_step):
    from_the_start = take(training_batches(records, 5, seed=1), 14)
    np.testing.assert_array_equal(
        take(training_batches(records, 5, seed=1, first_step=first_step), 14 - first_step),
        from_the_start[first_step:],
    )


def test_seed_decides_order_and_flips(records):
    first, same, other = (take(training_batches(records, 23, seed=seed), 2) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, same)
    assert numbers(first[0]) != numbers(other[0])
    assert mirrored(first[0]) != mirrored(other[0])


def test_half_of_the_faces_are_mirrored_and_nothing_else_changes(records):
    flipped = take(training_batches(records, 20, seed=1), 100)
    plain = take(training_batches(records, 20, seed=1, flip=False), 100)
    part = np.mean([mirrored(batch) for batch in flipped])
    assert 0.45 < part < 0.55
    assert not np.any([mirrored(batch) for batch in plain])
    for with_flips, without in zip(flipped, plain, strict=True):
        expected = np.where(np.array(mirrored(with_flips))[:, None, None, None], without[:, :, ::-1], without)
        np.testing.assert_array_equal(with_flips, expected)


def test_flips_do_not_write_into_the_records(records):
    before = records.images(slice(None))
    take(training_batches(records, 20, seed=1), 10)
    np.testing.assert_array_equal(records.images(slice(None)), before)


@pytest.mark.parametrize("batch_size", [24, 100, 0, -1])
def test_impossible_batch_size_is_refused_with_the_possible_ones(records, batch_size):
    with pytest.raises(UserError, match=f"expected 1 to 23, .* received {batch_size}"):
        training_batches(records, batch_size, seed=1)


def test_a_batch_of_all_faces_is_possible(records):
    (batch,) = take(training_batches(records, 23, seed=1), 1)
    assert sorted(numbers(batch)) == list(range(3, 26))


@pytest.mark.parametrize("batch_size", [5, 23, 100])
def test_evaluation_is_every_face_once_in_order_and_weights_mark_the_filling(records, batch_size):
    batches = evaluation_batches(records, batch_size)
    images, targets, weights = batches.element_spec
    assert images == tf.TensorSpec((batch_size, SIZE, SIZE, 3), tf.uint8)
    assert (targets, weights) == ((), tf.TensorSpec((batch_size,), tf.float32))
    assert batches.cardinality() == -(-23 // batch_size)
    images, _, weights = (list(parts) for parts in zip(*batches, strict=True))
    images, weights = np.concatenate(images), np.concatenate(weights)
    np.testing.assert_array_equal(weights, np.arange(len(weights)) < 23)
    np.testing.assert_array_equal(images[:23], records.images(slice(None)))


def test_evaluation_refuses_an_impossible_batch_size(records):
    with pytest.raises(UserError, match="received 0"):
        evaluation_batches(records, 0)


# ------------------------------------------------------------------------------
# Shares: what each worker reads
# ------------------------------------------------------------------------------


def shares(of, per_worker):
    return [Share(first, per_worker, of) for first in range(0, of, per_worker)]


@pytest.mark.parametrize(("of", "per_worker"), [(2, 1), (4, 1), (4, 2), (2, 2)])
def test_the_shares_of_all_workers_make_up_the_batch_of_one(records, of, per_worker):
    whole = take(training_batches(records, 8, seed=1, first_step=1), 5)
    parts = [
        take(training_batches(records, 8, seed=1, first_step=1, share=share), 5 * per_worker)
        for share in shares(of, per_worker)
    ]
    for step, batch in enumerate(whole):
        of_step = [worker[step * per_worker : (step + 1) * per_worker] for worker in parts]
        np.testing.assert_array_equal(np.concatenate([part for worker in of_step for part in worker]), batch)


def test_a_worker_reads_the_faces_of_its_share_alone(records, monkeypatch):
    read = []
    images = records.images
    monkeypatch.setattr(records, "images", lambda indices: read.append(len(indices)) or images(indices))
    take(training_batches(records, 20, seed=1, share=Share(1, 1, 4)), 3)
    assert set(read) == {5}


def test_the_shares_of_an_evaluation_have_every_face_once_also_in_an_uneven_last_batch(records):
    faces = []
    for share in shares(4, 2):
        batches = list(evaluation_batches(records, 12, share))
        assert len(batches) == 2 * 2
        for images, _, weights in batches:
            assert images.shape == (3, SIZE, SIZE, 3)
            assert not images[weights == 0].numpy().any()
            faces += numbers(images[weights == 1].numpy())
    assert sorted(faces) == list(range(3, 26))


@pytest.mark.parametrize("make", [lambda *a: training_batches(a[0], a[1], 0, share=a[2]), evaluation_batches])
def test_a_batch_that_replicas_cannot_share_is_refused_naming_their_number(records, make):
    with pytest.raises(UserError, match=r"expected a multiple of 4, .* received 10"):
        make(records, 10, Share(0, 1, 4))
