"""Records as tf.data batches of uint8 pixels."""

import dataclasses
import functools

import numpy as np
import tensorflow as tf

from facevae.data.faces import Records
from facevae.errors import UserError


@dataclasses.dataclass(frozen=True)
class Share:
    """Which part of every batch is read here: that of the replicas `first` to `first + count - 1` out of `of`.

    Each replica has an equal, consecutive part of the batch. The data set yields these parts one after the other.
    """

    first: int = 0
    count: int = 1
    of: int = 1

    def part(self, batch_size: int) -> int:
        """Number of faces in the part of one replica.

        Raises:
            UserError: the batch cannot be divided equally.
        """
        if batch_size % self.of:
            raise UserError(
                f"batch_size: expected a multiple of {self.of}, the number of devices that train together, "
                f"received {batch_size}. Give the size of the batch over all devices."
            )
        return batch_size // self.of

    def locate(self, number: int, batch_size: int) -> tuple[int, slice]:
        """The step to which the `number`-th part read here belongs, and where in its batch it lies."""
        step, replica = divmod(number, self.count)
        part = self.part(batch_size)
        return step, slice((self.first + replica) * part, (self.first + replica + 1) * part)


WHOLE = Share()


def training_batches(
    records: Records,
    batch_size: int,
    seed: int,
    first_step: int = 0,
    flip: bool = True,
    share: Share = WHOLE,
) -> tf.data.Dataset:
    """Endless shuffled batches; a step's batch depends on seed and step alone, so that training can resume.

    A data epoch is `len(records) // batch_size` steps, in which no face comes twice; each has its own
    permutation, so the faces left over differ from one to the next.

    Args:
        records: the faces.
        batch_size: faces in a batch, over all replicas; all batches have the same size.
        seed: of the order and the flips.
        first_step: the global step of the first batch.
        flip: whether each face is mirrored with probability one half.
        share: the replicas whose parts are read; no other faces are read from the disk.

    Returns:
        An infinite data set of uint8[batch_size / share.of, size, size, 3].

    Raises:
        UserError: there are fewer faces than a batch takes, or the replicas cannot have equal parts.
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

    def load(number: np.ndarray) -> np.ndarray:
        step, part = share.locate(int(number), batch_size)
        epoch, position = divmod(step, steps_per_epoch)
        images = records.images(order(epoch)[position * batch_size : (position + 1) * batch_size][part])
        if flip:
            mirrored = (np.random.default_rng((seed, step, 1)).random(batch_size) < 0.5)[part]
            images[mirrored] = images[mirrored, :, ::-1]
        return images

    shape = (share.part(batch_size), records.image_size, records.image_size, 3)
    numbers = tf.data.Dataset.counter(start=first_step * share.count)
    return _prefetched(numbers, lambda number: _numpy(load, number, tf.uint8, shape))


def evaluation_batches(records: Records, batch_size: int, share: Share = WHOLE) -> tf.data.Dataset:
    """All faces once, in order; an incomplete last batch is filled up with black images of weight 0.

    Args:
        records: the faces.
        batch_size: faces in a batch, over all replicas.
        share: the replicas whose parts are read.

    Returns:
        A data set as Keras' `evaluate` takes it, of images uint8[batch_size / share.of, size, size, 3], no targets,
        and weights float32[batch_size / share.of].

    Raises:
        UserError: the batch size is not positive, or the replicas cannot have equal parts.
    """
    if batch_size < 1:
        raise UserError(f"batch_size: expected at least 1, received {batch_size}. Give a positive number.")

    def load(number: np.ndarray) -> np.ndarray:
        step, part = share.locate(int(number), batch_size)
        faces = records.images(slice(step * batch_size + part.start, step * batch_size + part.stop))
        filling = np.zeros((part.stop - part.start - len(faces), *faces.shape[1:]), np.uint8)
        return np.concatenate([faces, filling])

    size = share.part(batch_size)
    shape = (size, records.image_size, records.image_size, 3)

    def load_with_weights(number: tf.Tensor) -> tuple[tf.Tensor, tuple, tf.Tensor]:
        replica = share.first + number % share.count
        position = number // share.count * batch_size + replica * size
        weights = tf.cast(position + tf.range(size, dtype=tf.int64) < len(records), tf.float32)
        return _numpy(load, number, tf.uint8, shape), (), weights

    steps = -(-len(records) // batch_size)
    return _prefetched(tf.data.Dataset.range(steps * share.count), load_with_weights)


def _numpy(function, number: tf.Tensor, dtype: tf.DType, shape: tuple[int, ...]) -> tf.Tensor:
    return tf.ensure_shape(tf.numpy_function(function, [number], dtype), shape)


def _prefetched(numbers: tf.data.Dataset, load) -> tf.data.Dataset:
    # Two at a time: one copies while the other waits for the interpreter's lock or for the disk.
    return without_tuner(numbers.map(load, num_parallel_calls=2, deterministic=True).prefetch(8))


def without_tuner(batches: tf.data.Dataset) -> tf.data.Dataset:
    """The data set without TensorFlow's autotuning, where there is nothing to tune.

    The tuner's thread (TensorFlow 2.21) sometimes takes up to five seconds to notice that its iterator is gone, a wait
    that every validation could end with.
    """
    options = tf.data.Options()
    options.autotune.enabled = False
    return batches.with_options(options)
