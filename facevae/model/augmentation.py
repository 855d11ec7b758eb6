"""What is done to training images at random, on the device that trains."""

import tensorflow as tf


def shifted(images: tf.Tensor, shifts: tf.Tensor) -> tf.Tensor:
    """Images shifted by whole pixels; what comes in at a border is the image mirrored there.

    Args:
        images: `[batch, side, side, 3]`.
        shifts: `int32[batch, 2]`, rows up and columns to the left, each from -side to side.

    Returns:
        Images of the same shape and dtype.
    """
    side = images.shape[1]
    for axis in (1, 2):
        places = tf.range(side) + shifts[:, axis - 1, tf.newaxis]  # [batch, side]
        places = tf.where(places < 0, -1 - places, places)
        places = tf.where(places >= side, 2 * side - 1 - places, places)
        images = tf.gather(images, places, axis=axis, batch_dims=1)
    return images
