"""Patches of images at several scales, and the distance between two sets of them."""

from collections.abc import Sequence

import numpy as np

from facevae.evaluation.metrics import sliced_wasserstein

PATCH_SIDE = 7
SMALLEST_LEVEL = 16
MOST_PATCHES_PER_IMAGE = 128
MOST_PATCHES = 2**16


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
