"""Losses as pure functions of tensors. Everything is in nats per image, in float32.

An image has D = height × width × 3 pixel values x in [0, 1]; y is its reconstruction.
"""

import math

import tensorflow as tf

# A root mean square error of half a grey level of 8-bit pixels. Smaller errors carry no information about the image.
SMALLEST_VARIANCE = (0.5 / 255.0) ** 2


def squared_error(images: tf.Tensor, reconstructions: tf.Tensor) -> tf.Tensor:
    """Mean squared error of each image.

    Args:
        images: `float32[batch, height, width, 3]`.
        reconstructions: the same shape.

    Returns:
        `float32[batch]`, in squared pixel values.
    """
    return tf.reduce_mean(tf.math.squared_difference(images, reconstructions), axis=[1, 2, 3])


def gaussian_negative_log_likelihood(mse: tf.Tensor, variance: tf.Tensor, pixel_values: int) -> tf.Tensor:
    """−log N(x; y, σ²I) with its constants: D/2 · (log 2πσ² + MSE/σ²).

    With σ² the batch's own mean squared error this is the optimal-σ likelihood of Rybkin, Daniilidis and Levine,
    "Simple and Effective VAE Training with Calibrated Decoders" (arXiv:2006.13202, equation 6).

    Args:
        mse: `float32[batch]`, each image's mean squared error.
        variance: `float32[]`, σ².
        pixel_values: D.

    Returns:
        `float32[batch]`, nats per image.
    """
    return 0.5 * pixel_values * (tf.math.log(2.0 * math.pi * variance) + mse / variance)


def kl_from_standard_normal(mean: tf.Tensor, log_variance: tf.Tensor) -> tf.Tensor:
    """KL(N(mean, exp(log_variance)) ‖ N(0, 1)) of each latent dimension.

    Kingma and Welling, "Auto-Encoding Variational Bayes" (arXiv:1312.6114, appendix B). For arrays, without TensorFlow
    and in float64, `facevae.latents.kl_per_dimension` has the same formula.

    Args:
        mean: `float32[batch, latent_dim]`.
        log_variance: `float32[batch, latent_dim]`.

    Returns:
        `float32[batch, latent_dim]`, nats.
    """
    return 0.5 * (tf.square(mean) + tf.exp(log_variance) - 1.0 - log_variance)


def with_free_bits(kl: tf.Tensor, free_bits: float) -> tf.Tensor:
    """The KL that training minimises: a dimension whose average over the batch is below `free_bits` counts as that.

    Kingma et al., "Improved Variational Inference with Inverse Autoregressive Flow" (arXiv:1606.04934, equation 15).

    Args:
        kl: `float32[latent_dim]`, each dimension's average over the batch, nats.
        free_bits: nats per dimension.

    Returns:
        `float32[]`, nats per image.
    """
    return tf.reduce_sum(tf.maximum(kl, free_bits))
