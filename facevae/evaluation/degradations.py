"""Faces made worse on purpose: what the feature classifier learns to see, and a yardstick for blur."""

import numpy as np
import tensorflow as tf

KINDS = ("blurred", "noisy", "blended", "joined", "patterned")
SHARPEST, BLURREST = 0.3, 2.5  # pixels of a face of 64×64
MOST_NOISE, MOST_PATTERN = 25.0 / 255.0, 12.0 / 255.0  # standard deviations of pixels
PATTERN_SIDE = 4  # pixels, after which a pattern repeats


def blurred(images: tf.Tensor, sigma: tf.Tensor | float, radius: int | None = None) -> tf.Tensor:
    """Images filtered by a Gaussian, mirrored at their borders.

    Args:
        images: `float32[batch, side, side, 3]`.
        sigma: standard deviation of the Gaussian, pixels.
        radius: where the filter is cut off; 4σ if None, then σ must be a number.
    """
    radius = int(np.ceil(4.0 * sigma)) if radius is None else radius
    offsets = tf.range(-radius, radius + 1, dtype=tf.float32)
    weights = tf.exp(-0.5 * (offsets / sigma) ** 2)
    weights /= tf.reduce_sum(weights)
    images = tf.pad(images, [[0, 0], [radius, radius], [radius, radius], [0, 0]], "SYMMETRIC")
    for shape in ((-1, 1, 1, 1), (1, -1, 1, 1)):
        kernel = tf.tile(tf.reshape(weights, shape), [1, 1, 3, 1])
        images = tf.nn.depthwise_conv2d(images, kernel, [1, 1, 1, 1], "VALID")
    return images


def degraded(images: tf.Tensor, seed: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """The images, in equal parts blurred, noisy, blended or joined with another one, or under a repeated pattern.

    Args:
        images: `float32[parts · len(KINDS), side, side, 3]` in [0, 1], side at least 32; at least two of each kind.
        seed: `int32[2]`, of every draw.

    Returns:
        The degraded images, in [0, 1] and in the same order, and how much of each kind they have,
        `float32[batch, len(KINDS)]` in [0, 1].
    """
    seeds = iter(tf.unstack(tf.random.experimental.stateless_split(seed, 8)))
    count, side = images.shape[0] // len(KINDS), images.shape[1]
    parts = tf.split(images, len(KINDS))

    def uniform(*shape, low=0.0, high=1.0):
        return tf.random.stateless_uniform(shape, next(seeds), low, high)

    # One σ for all of a batch: a filter for each image would be many times as slow.
    blur = tf.reshape(uniform(1), [])
    scale = side / 64.0
    sigma = scale * (SHARPEST + (BLURREST - SHARPEST) * blur)
    soft = blurred(parts[0], sigma, int(np.ceil(2.5 * scale * BLURREST)))
    noise = uniform(count, 1, 1, 1)
    noisy = parts[1] + MOST_NOISE * noise * tf.random.stateless_normal(parts[1].shape, next(seeds))
    share = uniform(count, 1, 1, 1)
    blended = parts[2] + 0.5 * share * (tf.roll(parts[2], 1, 0) - parts[2])
    joined = parts[3] + _half_plane(uniform(count, 2), side) * (tf.roll(parts[3], 1, 0) - parts[3])
    strength = uniform(count, 1, 1, 1)
    tile = tf.random.stateless_normal([count, PATTERN_SIDE, PATTERN_SIDE, 1], next(seeds))
    tile -= tf.reduce_mean(tile, axis=(1, 2), keepdims=True)
    repeats = side // PATTERN_SIDE
    patterned = parts[4] + MOST_PATTERN * strength * tf.tile(tile, [1, repeats, repeats, 1])
    amounts = [tf.fill([count], blur), noise, share, tf.ones([count]), strength]
    kinds = tf.one_hot(tf.repeat(tf.range(len(KINDS)), count), len(KINDS))
    amount = tf.concat([tf.reshape(of_kind, [-1]) for of_kind in amounts], axis=0)
    worse = tf.concat([soft, noisy, blended, joined, patterned], axis=0)
    return tf.clip_by_value(worse, 0.0, 1.0), kinds * amount[:, None]


def _half_plane(draws, side):
    """1 on one side of a random horizontal or vertical line through the middle half of an image, 0 on the other."""
    line = side * (0.25 + 0.5 * draws[:, :1])
    beyond = tf.sigmoid(tf.range(side, dtype=tf.float32) - line)  # `[count, side]`, a seam of some pixels
    across = tf.cast(draws[:, 1] < 0.5, tf.float32)[:, None, None, None]
    return across * beyond[:, :, None, None] + (1.0 - across) * beyond[:, None, :, None]
