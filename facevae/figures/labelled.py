"""Grids of faces with words at their edges, drawn in milliseconds."""

from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw

from facevae.figures.grids import as_bytes, enlarge, picture_grid
from facevae.figures.text import BODY, FAINT, MARGIN, TEXT, TITLE, font, line_height, widest, wrapped

TITLE_HEIGHT = 44
LEAST_WIDTH = 320  # pixels for the text of a small grid
SMALLEST = 9  # pixels of a letter beside small faces


def labelled_grid(
    images: np.ndarray,
    columns: int,
    title: str = "",
    row_labels: Sequence[str] = (),
    column_labels: Sequence[str] = (),
    note: str = "",
    side: int | None = 112,
    gap: int = 4,
) -> np.ndarray:
    """Faces in rows and columns on white, with words around them.

    Args:
        images: `[count, size, size, 3]`, float in [0, 1] or uint8, row by row.
        columns: faces in a row.
        title: above the grid.
        row_labels: one for each row, left of it; may have several lines.
        column_labels: one for each column, above it; empty ones stay blank.
        note: a sentence below the grid.
        side: pixels of a face in the picture; None leaves them as they are.
        gap: pixels between faces.

    Returns:
        `uint8[height, width, 3]`; without title and note there is no margin around the grid and its labels.
    """
    images = as_bytes(images) if side is None else enlarge(images, side)
    side = images.shape[1]
    grid = picture_grid(images, columns, gap)
    letters = min(BODY, max(SMALLEST, side // 5))
    margin = MARGIN if title or note else 0
    left = max(margin, 4) + widest(row_labels, letters) + 10 if row_labels else margin
    top = (TITLE_HEIGHT if title else margin) + (line_height(letters) + 2 if any(column_labels) else 0)
    text_width = max(left + grid.shape[1] - margin, widest([title], TITLE, bold=True))
    if note:
        text_width = max(text_width, LEAST_WIDTH)
    note_lines = wrapped(note, text_width)
    page = _Page(margin + text_width + margin, top + grid.shape[0] + margin + len(note_lines) * line_height())
    page.paste(grid, left, top)
    page.write(MARGIN, MARGIN - 4, title, TITLE, bold=True)
    for row, label in enumerate(row_labels):
        page.write(left - 10, top + row * (side + gap) + side / 2, label, letters, "rm")
    for column, label in enumerate(column_labels):
        page.write(left + column * (side + gap) + side / 2, top - 7, label, letters, "ms")
    page.write(MARGIN, top + grid.shape[0] + 8, "\n".join(note_lines), color=FAINT)
    return np.asarray(page.image)


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
    side, columns, letters = 84, 6, 14
    pair_width, row_height = 2 * side + 2, side + 24
    pairs = [enlarge(np.asarray(face)[None], side)]
    pairs += [
        picture_grid(enlarge(np.stack(pair), side), 2)[None] for pair in zip(without, with_it, strict=True)
    ]
    titles = ["As it is", *(name.replace("_", " ") for name in names)]
    rows = -(-len(pairs) // columns)
    width = 2 * MARGIN + columns * pair_width + (columns - 1) * 14
    note_lines = wrapped(note, width - 2 * MARGIN)
    bottom = TITLE_HEIGHT + rows * row_height
    page = _Page(width, bottom + MARGIN + len(note_lines) * line_height())
    page.write(MARGIN, MARGIN - 4, title, TITLE, bold=True)
    for cell, (pair, name) in enumerate(zip(pairs, titles, strict=True)):
        row, column = divmod(cell, columns)
        x, y = MARGIN + column * (pair_width + 14), TITLE_HEIGHT + row * row_height + 20
        page.paste(pair[0], x, y)
        page.write(x, y - 6, name, letters, "ls")
    page.write(MARGIN, bottom + 8, "\n".join(note_lines), color=FAINT)
    return np.asarray(page.image)


class _Page:
    """A white picture that faces and words are put on, by pixels from the top left."""

    def __init__(self, width: int, height: int):
        self.image = Image.new("RGB", (width, height), "white")
        self._draw = ImageDraw.Draw(self.image)

    def paste(self, picture, x, y):
        self.image.paste(Image.fromarray(picture), (x, y))

    def write(self, x, y, text, size=BODY, anchor="la", bold=False, color=TEXT):
        align = {"l": "left", "m": "center", "r": "right"}[anchor[0]]
        self._draw.text((x, y), text, color, font(size, bold), anchor, line_height(size) - size - 2, align)
