"""Random shifts of training images, on the device that trains."""

import tensorflow as tf

from facevae.model import replicas


def shifted_at_random(images: tf.Tensor, most: tf.Tensor, seed: int, step: tf.Tensor) -> tf.Tensor:
    """Images, each shifted by its own random number of whole pixels in both directions.

    Args:
        images: `[batch, side, side, 3]`; this replica's part of the global batch.
        most: `int32[]`, the largest shift in pixels; at 0 the images are returned as they are.
        seed, step: the shifts are a function of both and of the position in the global batch.

    Returns:
        Images of the same shape and dtype.
    """
    seeds = [tf.constant(seed, tf.int64), tf.cast(step, tf.int64)]
    shifts = replicas.own_part(
        tf.shape(images)[0],
        lambda faces: tf.random.stateless_uniform([faces, 2], seeds, -most, most + 1, tf.int32),
    )
    return tf.cond(most > 0, lambda: shifted(images, shifts), lambda: images)


def shifted(images: tf.Tensor, shifts: tf.Tensor) -> tf.Tensor:
    """Images shifted by whole pixels; the pixels that come in at a border mirror those inside it.

    Args:
        images: `[batch, side, side, 3]`.
        shifts: `int32[batch, 2]`, rows up and columns to the left, each from -side to side.

    Returns:
        Images of the same shape and dtype.
    """
    side = images.shape[1]
    for axis in (1, 2):
        indices = tf.range(side) + shifts[:, axis - 1, tf.newaxis]  # [batch, side]
        indices = tf.where(indices < 0, -1 - indices, indices)
        indices = tf.where(indices >= side, 2 * side - 1 - indices, indices)
        images = tf.gather(images, indices, axis=axis, batch_dims=1)
    return images
