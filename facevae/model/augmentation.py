"""Random shifts of training images, and random views of images for a critic, on the device that trains."""

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


# How a critic sees images (Zhao et al., "Differentiable Augmentation for Data-Efficient GAN Training",
# arXiv:2006.10738): it cannot learn a few thousand faces by heart then.
VIEWED_SHARE = 0.3  # of views that differ, at the end of the training
MOST_BRIGHTNESS = 0.3
MOST_OFFSET = 8  # pixels, of images of 64 pixels
# Offsets are multiples of this many pixels. What a decoder repeats in every second or fourth pixel stays where it is,
# and the critic, which halves its maps, sees it; moved by single pixels it is drowned in the texture of photographs.
OFFSET_STEP = 4


def random_views(
    faces: tf.Tensor, side: int, progress: tf.Tensor, seed: int, step: tf.Tensor
) -> tuple[tf.Tensor, tf.Tensor]:
    """Random arguments of `viewed`, for as many photographs and as many drawings.

    Args:
        faces: `int32[]`, faces in this replica's part of the global batch.
        side: of the images, pixels.
        progress: `float32[]` in [0, 1]; the more is done, the more often images are changed.
        seed, step: the views are a function of both and of the position in the global batch.

    Returns:
        `float32[2 · faces, 1, 1, 1]`, what is added to an image, and `int32[2]`, rows and columns, the same for all.
    """
    seeds = [tf.constant(seed, tf.int64), tf.cast(step, tf.int64)]
    share = VIEWED_SHARE * progress
    draws = replicas.own_part(faces, lambda count: tf.random.stateless_uniform([count, 2, 2], seeds))
    is_brighter, by = draws[..., 0] < share, MOST_BRIGHTNESS * (2.0 * draws[..., 1] - 1.0)
    brightness = tf.reshape(tf.transpose(tf.where(is_brighter, by, 0.0)), [-1, 1, 1, 1])
    # Of one draw of its own: draws with the same seeds and other shapes share their bits.
    own_seeds = [tf.constant(seed + 1, tf.int64), tf.cast(step, tf.int64)]
    gate, row, column = tf.unstack(tf.random.stateless_uniform([3], own_seeds))
    most = MOST_OFFSET * side // 64 // OFFSET_STEP
    steps = tf.cast(tf.floor(tf.stack([row, column]) * (2 * most + 1)), tf.int32) - most
    return brightness, tf.where(gate < share, OFFSET_STEP * steps, 0)


def viewed(images: tf.Tensor, brightness: tf.Tensor, offset: tf.Tensor) -> tf.Tensor:
    """Images made brighter or darker and shifted, all by the same offset; the borders mirror what is inside them.

    Args:
        images: `float32[batch, side, side, 3]`.
        brightness: `float32[batch, 1, 1, 1]`.
        offset: `int32[2]`, rows up and columns to the left.

    Returns:
        Images of the same shape.
    """
    batch, side = tf.shape(images)[0], images.shape[1]
    most = MOST_OFFSET * side // 64
    padded = tf.pad(images + brightness, [[0, 0], [most, most], [most, most], [0, 0]], "SYMMETRIC")
    begin = tf.concat([[0], most + offset, [0]], 0)
    return tf.ensure_shape(tf.slice(padded, begin, [batch, side, side, 3]), [None, side, side, 3])
