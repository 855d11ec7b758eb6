"""Pictures and figures of faces and latents, as arrays."""

import numpy as np


def picture_grid(images: np.ndarray, columns: int, gap: int = 2) -> np.ndarray:
    """Pictures in rows on white, the only place that composes grids.

    Args:
        images: `[count, height, width, 3]`, float in [0, 1] or uint8.
        columns: pictures in a row; the last row is filled up with white.
        gap: pixels between them.

    Returns:
        `uint8[rows · (height + gap) − gap, columns · (width + gap) − gap, 3]`.
    """
    images = np.asarray(images)
    if images.dtype != np.uint8:
        images = np.round(np.clip(images, 0.0, 1.0) * 255.0).astype(np.uint8)
    count, height, width, _ = images.shape
    rows = -(-count // columns)
    grid = np.full((rows, height + gap, columns, width + gap, 3), 255, np.uint8)
    for index, image in enumerate(images):
        row, column = divmod(index, columns)
        grid[row, :height, column, :width] = image
    return grid.reshape(rows * (height + gap), columns * (width + gap), 3)[: -gap or None, : -gap or None]
