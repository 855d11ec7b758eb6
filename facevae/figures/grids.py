"""Pictures in rows and columns."""

from collections.abc import Sequence

import numpy as np
from PIL import Image


def picture_grid(images: np.ndarray, columns: int, gap: int = 2) -> np.ndarray:
    """Pictures in rows on white.

    Args:
        images: `[count, height, width, 3]`, float in [0, 1] or uint8.
        columns: pictures in a row; the last row is filled up with white.
        gap: pixels between them.

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
    """Pictures `uint8[height, width, 3]` one below the other, the narrower ones filled up with white on the right."""
    width = max(picture.shape[1] for picture in pictures)
    return np.concatenate(
        [
            np.pad(picture, [(0, 0), (0, width - picture.shape[1]), (0, 0)], constant_values=255)
            for picture in pictures
        ]
    )


def enlarge(images: np.ndarray, side: int) -> np.ndarray:
    """Square pictures `[count, size, size, 3]` for looking at, `uint8[count, side, side, 3]` by Lanczos resampling."""
    images = as_bytes(images)
    if images.shape[1] == side:
        return images
    resized = [Image.fromarray(image).resize((side, side), Image.Resampling.LANCZOS) for image in images]
    return np.stack([np.asarray(image) for image in resized])


def as_bytes(images: np.ndarray) -> np.ndarray:
    """Pictures, float in [0, 1] or uint8, as uint8."""
    images = np.asarray(images)
    if images.dtype == np.uint8:
        return images
    return np.round(np.clip(images, 0.0, 1.0) * 255.0).astype(np.uint8)
