"""Images in rows and columns."""

from collections.abc import Sequence

import numpy as np
from PIL import Image


def image_grid(images: np.ndarray, columns: int, gap: int = 2) -> np.ndarray:
    """Arranges images in rows on a white background.

    Args:
        images: `[count, height, width, 3]`, float in [0, 1] or uint8.
        columns: images in a row; empty places in the last row stay white.
        gap: pixels between images.

    Returns:
        `uint8[rows · (height + gap) − gap, columns · (width + gap) − gap, 3]`.
    """
    images = as_bytes(images)
    count, height, width, _ = images.shape
    rows = -(-count // columns)
    grid = np.full((rows, height + gap, columns, width + gap, 3), 255, np.uint8)
    for index, image in enumerate(images):
        row, column = divmod(index, columns)
        grid[row, :height, column, :width] = image
    return grid.reshape(rows * (height + gap), columns * (width + gap), 3)[: -gap or None, : -gap or None]


def stacked(pictures: Sequence[np.ndarray]) -> np.ndarray:
    """Pictures `uint8[height, width, 3]` one below the other, the narrower ones padded with white on the right."""
    width = max(picture.shape[1] for picture in pictures)
    return np.concatenate(
        [
            np.pad(picture, [(0, 0), (0, width - picture.shape[1]), (0, 0)], constant_values=255)
            for picture in pictures
        ]
    )


def enlarge(images: np.ndarray, side: int) -> np.ndarray:
    """Resizes square images `[count, size, size, 3]` to `uint8[count, side, side, 3]` by Lanczos resampling."""
    images = as_bytes(images)
    if images.shape[1] == side:
        return images
    resized = [Image.fromarray(image).resize((side, side), Image.Resampling.LANCZOS) for image in images]
    return np.stack([np.asarray(image) for image in resized])


def as_bytes(images: np.ndarray) -> np.ndarray:
    """Converts images, float in [0, 1] or uint8, to uint8."""
    images = np.asarray(images)
    if images.dtype == np.uint8:
        return images
    return np.round(np.clip(images, 0.0, 1.0) * 255.0).astype(np.uint8)
