"""Metrics: errors of reconstructions, likelihood, and distances between sets of images.

Pure functions of arrays. Inputs that are not finite never give a good result: distances raise `ValueError`, and the
other metrics are not finite either.
"""

import math
from collections.abc import Sequence

import numpy as np
import tensorflow as tf

from facevae.latents import finite_rows
from facevae.latents import precision_and_recall as precision_and_recall

PATCH_SIDE = 7
SMALLEST_LEVEL = 16
DIRECTIONS = 512
MOST_PATCHES_PER_IMAGE = 128
MOST_PATCHES = 2**16

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


# ------------------------------------------------------------------------------
# Patches of Laplacian pyramids
# ------------------------------------------------------------------------------


def patches_per_image(images: int) -> int:
    """Patches to take of each image: at most `MOST_PATCHES` of all images together, but at least one of each."""
    return max(1, min(MOST_PATCHES_PER_IMAGE, MOST_PATCHES // images))


def laplacian_pyramid(images: np.ndarray) -> list[np.ndarray]:
    """The Laplacian pyramid: the detail that each scale adds to the next coarser one, and the coarsest scale itself.

    Burt and Adelson, "The Laplacian pyramid as a compact image code" (1983), with their 5×5 binomial filter.

    Args:
        images: `float32[batch, side, side, 3]`, side a power of 2.

    Returns:
        Levels `float32[batch, s, s, 3]`, s from side down to `SMALLEST_LEVEL`.
    """
    levels = []
    while images.shape[1] > SMALLEST_LEVEL:
        smaller = _blurred(images)[:, ::2, ::2]
        larger = np.zeros_like(images)
        larger[:, ::2, ::2] = smaller
        levels.append(images - 4.0 * _blurred(larger))
        images = smaller
    return [*levels, images]


def _blurred(images):
    for axis in (1, 2):
        side = images.shape[axis]
        padding = [(0, 0)] * 4
        padding[axis] = (2, 2)
        padded = np.moveaxis(np.pad(images, padding, mode="reflect"), axis, 1)
        weighted = (w * padded[:, i : i + side] for i, w in enumerate((0.0625, 0.25, 0.375, 0.25, 0.0625)))
        images = np.moveaxis(sum(weighted), 1, axis)
    return images


def laplacian_patches(
    images: np.ndarray, per_image: int, seed: int | Sequence[int] = 0
) -> dict[int, np.ndarray]:
    """Random patches from every level of the images' Laplacian pyramids.

    Args:
        images: `uint8[batch, side, side, 3]`.
        per_image: patches of each image and level.
        seed: of their positions, a seed of `numpy.random.default_rng`.

    Returns:
        `float32[batch · per_image, PATCH_SIDE, PATCH_SIDE, 3]` by the side of each level, in the order of the images.
    """
    random = np.random.default_rng(seed)
    found = {}
    offsets = np.arange(PATCH_SIDE)
    for level in laplacian_pyramid(images.astype(np.float32) / np.float32(255.0)):
        side = level.shape[1]
        y, x = random.integers(0, side - PATCH_SIDE + 1, (2, len(images) * per_image))
        rows, columns = y[:, None, None] + offsets[:, None], x[:, None, None] + offsets
        found[side] = level[np.repeat(np.arange(len(images)), per_image)[:, None, None], rows, columns]
    return found


def patch_distance(references: np.ndarray, samples: np.ndarray, seed: int = 0) -> float:
    """1,000 × the sliced Wasserstein distance between two sets of patches: Karras et al., arXiv:1710.10196, section 5.

    Their protocol: 128 patches of 7×7 from each level of 16,384 images, levels from full size to 16×16, 512 random
    directions. This one differs in two points. It takes the images that there are, and at most 65,536 patches of each
    level (one of each image if there are more images). It normalises both sets by the mean and standard deviation of
    the references' colour channels, not each set by its own, so that wrong colours and low contrast increase the
    distance. Values are therefore comparable with each other, but not with those of the paper.

    Args:
        references: `float32[patches, PATCH_SIDE, PATCH_SIDE, 3]` of one level.
        samples: the same number of patches of the same level.
        seed: of the directions.

    Raises:
        ValueError: see `sliced_wasserstein`.
    """
    pixels = references.reshape(-1, 3)
    mean = pixels.mean(axis=0, dtype=np.float64)
    deviation = np.maximum(pixels.std(axis=0, dtype=np.float64), 1e-8)
    first, second = (
        ((patches - mean.astype(np.float32)) / deviation.astype(np.float32)).reshape(len(patches), -1)
        for patches in (references, samples)
    )
    return 1000.0 * sliced_wasserstein(first, second, seed)
