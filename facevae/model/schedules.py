"""Schedules as pure functions of the training's progress (0 at the start, 1 at the end)."""

import math

import tensorflow as tf

WARMUP = 0.02
FINAL_SHARE = 0.01
SHIFTED_PART = 0.5
# Of the sharpening
RISING_PART = 0.1
LAST_SHARPENING_RATE = 0.1
FIRST_PENALTY, LAST_PENALTY = 1.0, 0.3


def learning_rate(peak: float, schedule: str, progress: tf.Tensor) -> tf.Tensor:
    """The optimizer's learning rate.

    `cosine` rises linearly over the first 2 % of the training and falls along half a cosine to 1 % of the peak
    (Loshchilov and Hutter, "SGDR", arXiv:1608.03983, equation 5, without restarts).

    Args:
        peak: the highest learning rate.
        schedule: `constant` or `cosine`.
        progress: `float32[]` in [0, 1].

    Returns:
        `float32[]`.
    """
    if schedule == "constant":
        return tf.constant(peak, tf.float32)
    rising = tf.minimum(1.0, (progress + 0.1 * WARMUP) / WARMUP)
    falling = 0.5 * (1.0 + tf.cos(math.pi * tf.clip_by_value((progress - WARMUP) / (1.0 - WARMUP), 0.0, 1.0)))
    return peak * rising * (FINAL_SHARE + (1.0 - FINAL_SHARE) * falling)


def shift(most: int, progress: tf.Tensor) -> tf.Tensor:
    """The largest shift of training images: `most`, and 0 in the second half of the training.

    Shifts keep the network from memorising the faces of a small data set; the unshifted faces after them make its
    images sharp.

    Args:
        most: pixels.
        progress: `float32[]` in [0, 1].

    Returns:
        `int32[]`.
    """
    return tf.where(progress < SHIFTED_PART, most, 0)


def kl_weight(final: float, warmup: float, progress: tf.Tensor) -> tf.Tensor:
    """The KL weight: rises linearly from 0 to `final` over the first `warmup` of the training.

    Args:
        final: β at the end.
        warmup: share of the training in [0, 1]; 0 means β from the first step.
        progress: `float32[]` in [0, 1].

    Returns:
        `float32[]`.
    """
    if warmup == 0.0:
        return tf.constant(final, tf.float32)
    return final * tf.minimum(1.0, progress / warmup)


def sharpening_learning_rate(peak: float, progress: tf.Tensor) -> tf.Tensor:
    """The learning rate of decoder and critic: falls from the peak along half a cosine to 10 % of it.

    Args:
        peak: the highest learning rate.
        progress: of the sharpening, `float32[]` in [0, 1].

    Returns:
        `float32[]`.
    """
    falling = 0.5 * (1.0 + tf.cos(math.pi * progress))
    return peak * (LAST_SHARPENING_RATE + (1.0 - LAST_SHARPENING_RATE) * falling)


def rise(progress: tf.Tensor) -> tf.Tensor:
    """The share of its weight that the adversarial loss has: a new critic knows nothing to teach.

    Args:
        progress: of the sharpening, `float32[]` in [0, 1].

    Returns:
        `float32[]` in [0, 1].
    """
    return tf.minimum(1.0, progress / RISING_PART)


def critic_penalty(progress: tf.Tensor) -> tf.Tensor:
    """The weight of the critic's gradient penalty: falls geometrically, so that ever finer details count.

    Args:
        progress: of the sharpening, `float32[]` in [0, 1].

    Returns:
        `float32[]`.
    """
    return FIRST_PENALTY * (LAST_PENALTY / FIRST_PENALTY) ** progress
