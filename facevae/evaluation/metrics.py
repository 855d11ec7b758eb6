"""Metrics: errors of reconstructions, likelihood, and distances between sets of images.

Pure functions of arrays. Inputs that are not finite never give a good result: distances raise `ValueError`, and the
other metrics are not finite either.
"""

import math

import numpy as np
import tensorflow as tf

from facevae.latents import finite_rows
from facevae.latents import precision_and_recall as precision_and_recall

DIRECTIONS = 512

# ------------------------------------------------------------------------------
# Reconstructions
# ------------------------------------------------------------------------------


def psnr(mse: np.ndarray) -> np.ndarray:
    """Peak signal-to-noise ratio of images in [0, 1]: 10 · log10(1 / MSE).

    Args:
        mse: `float[batch]`, the mean squared error of each image.

    Returns:
        `float64[batch]`, decibels; infinite where the error is 0.
    """
    with np.errstate(divide="ignore"):
        return -10.0 * np.log10(np.asarray(mse, np.float64))


def ssim(images: np.ndarray, references: np.ndarray) -> np.ndarray:
    """Structural similarity of each image and its reference.

    Wang et al., "Image quality assessment: from error visibility to structural similarity" (2004), as TensorFlow
    implements it: a Gaussian window of 11×11 with σ 1.5, averaged over the colour channels.

    Args:
        images: `float32[batch, height, width, 3]` in [0, 1].
        references: the same shape.

    Returns:
        `float32[batch]`, 1 for equal images.
    """
    return tf.image.ssim(tf.convert_to_tensor(images), tf.convert_to_tensor(references), max_val=1.0).numpy()


# ------------------------------------------------------------------------------
# Likelihood
# ------------------------------------------------------------------------------


def implied_variance(mse_weight: float, pixel_values: int) -> float:
    """σ² of the Gaussian decoder whose negative log-likelihood is `mse_weight` × MSE plus a constant.

    From D/(2σ²) · MSE = weight · MSE: σ² = D / (2 · weight).

    Args:
        mse_weight: weight of the mean squared error.
        pixel_values: D = height × width × 3.
    """
    return pixel_values / (2.0 * mse_weight)


def bits_per_dimension(elbo: float, pixel_values: int) -> float:
    """Bits for each 8-bit pixel value: −ELBO / (D · ln 2) + log2 255.

    The ELBO is a bound on the log of a density over pixels in [0, 1], where the levels of 8-bit pixels are 1/255
    apart. The probability of a level is the density there times 1/255 (the midpoint rule, accurate for σ ≫ 1/255).

    Args:
        elbo: evidence lower bound, nats per image.
        pixel_values: D = height × width × 3.
    """
    return (-elbo / pixel_values + math.log(255.0)) / math.log(2.0)


# ------------------------------------------------------------------------------
# Sets of feature vectors
# ------------------------------------------------------------------------------


def frechet_distance(references: np.ndarray, samples: np.ndarray) -> float:
    """Squared Fréchet distance between Gaussians fitted to two sets of features.

    |μ₁ − μ₂|² + tr(C₁ + C₂ − 2 (C₁C₂)^½): Heusel et al., arXiv:1706.08500, equation 6. It is biased upwards for small
    sets, so that values are comparable only for sets of the same size.

    Args:
        references: `float[n, d]`.
        samples: `float[m, d]`.

    Raises:
        ValueError: fewer than two rows, or values that are not finite.
    """
    references, samples = finite_rows("references", references), finite_rows("samples", samples)
    difference = references.mean(axis=0) - samples.mean(axis=0)
    first, second = np.cov(references, rowvar=False), np.cov(samples, rowvar=False)
    first, second = np.atleast_2d(first), np.atleast_2d(second)
    # tr (C₁C₂)^½ = tr (C₁^½ C₂ C₁^½)^½, and C₁^½ C₂ C₁^½ is symmetric: its eigenvalues are real.
    values, vectors = np.linalg.eigh(first)
    root = (vectors * np.sqrt(np.maximum(values, 0.0))) @ vectors.T
    shared = np.sqrt(np.maximum(np.linalg.eigvalsh(root @ second @ root), 0.0)).sum()
    distance = difference @ difference + np.trace(first) + np.trace(second) - 2.0 * shared
    return float(max(distance, 0.0))


def kernel_distance(references: np.ndarray, samples: np.ndarray) -> float:
    """1,000 × the squared maximum mean discrepancy of two sets of features, with the kernel (x·y / d + 1)³.

    Bińkowski et al., "Demystifying MMD GANs", arXiv:1801.01401, section 3: the kernel inception distance, of other
    features. It is unbiased, so that values are comparable for sets of any size, and about 0, also below, for equal
    distributions.

    Args:
        references: `float[n, d]`.
        samples: `float[m, d]`.

    Raises:
        ValueError: fewer than two rows, or values that are not finite.
    """
    references, samples = finite_rows("references", references), finite_rows("samples", samples)

    def kernel(first, second):
        return (first @ second.T / first.shape[1] + 1.0) ** 3

    def within(points):  # pairs of different points
        values = kernel(points, points)
        return (values.sum() - np.trace(values)) / (len(points) * (len(points) - 1))

    return float(1000.0 * (within(references) + within(samples) - 2.0 * kernel(references, samples).mean()))


def sliced_wasserstein(
    references: np.ndarray, samples: np.ndarray, seed: int = 0, directions: int = DIRECTIONS
) -> float:
    """Mean over random directions of the Wasserstein-1 distance between two projected sets.

    Rabin et al., "Wasserstein barycenter and its application to texture mixing" (2011).

    Args:
        references: `float[n, d]`.
        samples: `float[n, d]`, the same shape.
        seed: of the directions.
        directions: number of random unit vectors.

    Raises:
        ValueError: sets of different shapes, or values that are not finite.
    """
    references = finite_rows("references", references, dtype=np.float32)
    samples = finite_rows("samples", samples, dtype=np.float32)
    if references.shape != samples.shape:
        raise ValueError(
            f"references, samples: expected the same shape, received {references.shape} and {samples.shape}."
        )
    axes = np.random.default_rng(seed).standard_normal((directions, references.shape[1]))
    axes = (axes / np.linalg.norm(axes, axis=1, keepdims=True)).astype(np.float32)
    total = 0.0
    # 32 directions at a time, as the projections on all of them would take much memory.
    for start in range(0, directions, 32):
        first, second = (
            np.sort(axes[start : start + 32] @ points.T, axis=1) for points in (references, samples)
        )
        total += float(np.abs(first - second).mean(axis=1, dtype=np.float64).sum())
    return total / directions
