"""Small picture grids with a word at each row and column, drawn in milliseconds every epoch."""

from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from facevae.figures import picture_grid

GAP = 2
INK = (60, 60, 60)


def compact_grid(
    images: np.ndarray, columns: int, row_labels: Sequence[str] = (), column_labels: Sequence[str] = ()
) -> np.ndarray:
    """A grid of pictures, pixel for pixel, on white with labels to the left of its rows and above its columns.

    What `facevae.figures.labelled_grid` draws with titles and notes is larger and takes a hundred times as long.

    Args:
        images: `[count, height, width, 3]`, float in [0, 1] or uint8.
        columns: pictures in a row.
        row_labels: one for each row, of one or more lines.
        column_labels: one for each column; empty ones stay blank.

    Returns:
        `uint8[height, width, 3]`.
    """
    grid = picture_grid(images, columns, GAP)
    height, width = images.shape[1:3]
    font = ImageFont.load_default(max(9, min(14, height // 5)))
    measure = ImageDraw.Draw(Image.new("L", (1, 1)))
    sizes = [measure.multiline_textbbox((0, 0), label, font) for label in row_labels]
    left = round(max((box[2] for box in sizes), default=-8) + 8)
    top = round(font.size * 1.6) if column_labels else 0
    page = Image.new("RGB", (left + grid.shape[1], top + grid.shape[0]), "white")
    page.paste(Image.fromarray(grid), (left, top))
    draw = ImageDraw.Draw(page)
    for row, label in enumerate(row_labels):
        middle = top + row * (height + GAP) + height / 2
        draw.multiline_text((left - 6, middle), label, INK, font, anchor="rm", align="right", spacing=2)
    for column, label in enumerate(column_labels):
        draw.text((left + column * (width + GAP) + width / 2, top / 2), label, INK, font, anchor="mm")
    return np.asarray(page)
