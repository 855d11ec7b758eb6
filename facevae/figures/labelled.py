"""Grids of faces with words at their edges."""

from collections.abc import Sequence

import numpy as np

from facevae.figures.canvas import (
    FAINT,
    MARGIN,
    TITLE,
    line_height,
    new_figure,
    to_pixels,
    widest,
    wrapped,
    write,
    write_title,
)
from facevae.figures.grids import enlarge, picture_grid

LEAST_WIDTH = 320  # pixels for the text of a small grid


def labelled_grid(
    images: np.ndarray,
    columns: int,
    title: str,
    row_labels: Sequence[str] = (),
    column_labels: Sequence[str] = (),
    note: str = "",
    side: int = 112,
    gap: int = 4,
) -> np.ndarray:
    """Faces in rows and columns, under a title.

    Args:
        images: `[count, size, size, 3]`, float in [0, 1] or uint8, row by row.
        columns: faces in a row.
        title: above the grid.
        row_labels: one for each row, left of it; may have several lines.
        column_labels: one for each column, above it.
        note: a sentence below the grid.
        side: pixels of a face in the picture.
        gap: pixels between faces.

    Returns:
        `uint8[height, width, 3]`.
    """
    grid = picture_grid(enlarge(images, side), columns, gap)
    left = MARGIN + (widest(row_labels) + 10 if row_labels else 0)
    text_width = max(left + grid.shape[1] - MARGIN, widest([title], TITLE), LEAST_WIDTH)
    note_lines = wrapped(note, text_width)
    top = 44 + bool(column_labels) * line_height()
    bottom = MARGIN + len(note_lines) * line_height()
    width, height = MARGIN + text_width + MARGIN, top + grid.shape[0] + bottom
    figure = _with_grid(grid, left, top, width, height)
    write_title(figure, title)
    for row, label in enumerate(row_labels):
        write(figure, left - 10, top + row * (side + gap) + side / 2, label, ha="right", va="center")
    for column, label in enumerate(column_labels):
        x = left + column * (side + gap) + side / 2
        write(figure, x, top - 7, label, ha="center", va="baseline")
    write(figure, MARGIN, top + grid.shape[0] + 8, "\n".join(note_lines), color=FAINT)
    return to_pixels(figure)


def attribute_sheet(
    face: np.ndarray, without: np.ndarray, with_it: np.ndarray, names: Sequence[str], title: str, note: str
) -> np.ndarray:
    """One face with less and with more of each attribute, in pairs under the attribute's name.

    Args:
        face: `[size, size, 3]`, the face as it is reconstructed, first in the sheet.
        without: `[attributes, size, size, 3]`.
        with_it: `[attributes, size, size, 3]`.
        names: of the attributes.
        title: above the sheet.
        note: a sentence below it.

    Returns:
        `uint8[height, width, 3]`.
    """
    side, columns = 84, 6
    pair_width, row_height = 2 * side + 2, side + 24
    cells = len(names) + 1
    rows = -(-cells // columns)
    width = 2 * MARGIN + columns * pair_width + (columns - 1) * 14
    note_lines = wrapped(note, width - 2 * MARGIN)
    top = 44
    height = top + rows * row_height + MARGIN + len(note_lines) * line_height()
    sheet = np.full((rows * row_height, width - 2 * MARGIN, 3), 255, np.uint8)
    pairs = [picture_grid(enlarge(np.asarray(face)[None], side), 1)]
    pairs += [picture_grid(enlarge(np.stack([a, b]), side), 2) for a, b in zip(without, with_it, strict=True)]
    places = [divmod(cell, columns) for cell in range(cells)]
    for (row, column), pair in zip(places, pairs, strict=True):
        y, x = row * row_height + 20, column * (pair_width + 14)
        sheet[y : y + side, x : x + pair.shape[1]] = pair
    figure = _with_grid(sheet, MARGIN, top, width, height)
    write_title(figure, title)
    for (row, column), name in zip(
        places, ["As it is", *(name.replace("_", " ") for name in names)], strict=True
    ):
        x, y = MARGIN + column * (pair_width + 14), top + row * row_height + 17
        write(figure, x, y - 3, name, size=10, va="baseline")
    write(figure, MARGIN, top + rows * row_height + 8, "\n".join(note_lines), color=FAINT)
    return to_pixels(figure)


def _with_grid(grid, left, top, width, height):
    """A figure of exactly this many pixels with the grid in it, pixel for pixel."""
    figure = new_figure(width, height)
    axes = figure.add_axes(
        [left / width, 1 - (top + grid.shape[0]) / height, grid.shape[1] / width, grid.shape[0] / height]
    )
    axes.imshow(grid, interpolation="nearest", aspect="auto")
    axes.set_axis_off()
    return figure
