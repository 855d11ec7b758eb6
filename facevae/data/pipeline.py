"""Records as tf.data batches of uint8 pixels."""

import functools

import numpy as np
import tensorflow as tf

from facevae.data.records import Records
from facevae.errors import UserError


def training_batches(
    records: Records, batch_size: int, seed: int, first_step: int = 0, flip: bool = True
) -> tf.data.Dataset:
    """Endless shuffled batches; a step's batch depends on seed and step alone, so that training can resume.

    A data epoch is `len(records) // batch_size` steps, in which no face comes twice; each has its own
    permutation, so the faces that one leaves over are others in the next.

    Args:
        records: the faces.
        batch_size: faces in a batch; all batches have the same size.
        seed: of the order and the flips.
        first_step: the global step of the first batch.
        flip: whether each face is mirrored with probability one half.

    Returns:
        An infinite data set of uint8[batch_size, size, size, 3].

    Raises:
        UserError: there are fewer faces than a batch takes.
    """
    if batch_size < 1 or len(records) < batch_size:
        raise UserError(
            f"batch_size: expected 1 to {len(records):,}, the number of training faces, "
            f"received {batch_size}. Give a smaller batch size or more pictures."
        )
    steps_per_epoch = len(records) // batch_size

    @functools.lru_cache(maxsize=2)  # batches at an epoch's end are made while those of the next begin
    def order(epoch: int) -> np.ndarray:
        return np.random.default_rng((seed, epoch, 0)).permutation(len(records))

    def batch(step: np.ndarray) -> np.ndarray:
        epoch, position = divmod(int(step), steps_per_epoch)
        images = records.images(order(epoch)[position * batch_size : (position + 1) * batch_size])
        if flip:
            mirrored = np.random.default_rng((seed, int(step), 1)).random(batch_size) < 0.5
            images[mirrored] = images[mirrored, :, ::-1]
        return images

    steps = tf.data.Dataset.counter(start=first_step)
    return _mapped(steps, batch, (batch_size, records.image_size, records.image_size, 3))


def evaluation_batches(records: Records, batch_size: int) -> tf.data.Dataset:
    """All faces once, in order.

    Args:
        records: the faces.
        batch_size: faces in a batch; the last one may have fewer.

    Returns:
        A data set of uint8[batch, size, size, 3].

    Raises:
        UserError: the batch size is not positive.
    """
    if batch_size < 1:
        raise UserError(f"batch_size: expected at least 1, received {batch_size}.")

    def batch(start: np.ndarray) -> np.ndarray:
        return records.images(slice(int(start), int(start) + batch_size))

    starts = tf.data.Dataset.range(0, len(records), batch_size)
    return _mapped(starts, batch, (None, records.image_size, records.image_size, 3))


def _mapped(numbers: tf.data.Dataset, batch, shape: tuple[int | None, ...]) -> tf.data.Dataset:
    def load(number: tf.Tensor) -> tf.Tensor:
        return tf.ensure_shape(tf.numpy_function(batch, [number], tf.uint8), shape)

    # Two at a time: one copies while the other waits for the interpreter's lock or for the disk.
    batches = numbers.map(load, num_parallel_calls=2, deterministic=True).prefetch(8)
    # There is nothing to tune, and the tuner's thread (TensorFlow 2.21) now and then notices only after up to five
    # seconds that its iterator is gone: every validation could end with that wait.
    options = tf.data.Options()
    options.autotune.enabled = False
    return batches.with_options(options)
