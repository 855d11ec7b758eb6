"""Grids of faces with words at their edges, drawn in milliseconds."""

from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw

from facevae.figures.grids import as_bytes, enlarge, picture_grid
from facevae.figures.text import BODY, FAINT, MARGIN, TEXT, TITLE, font, line_height, widest, wrapped

TITLE_HEIGHT = 44
LEAST_WIDTH = 320  # pixels for the text of a small grid
SMALLEST = 9  # pixels of a letter beside small faces
# TensorBoard leaves out pixels of a picture until it is 350 wide, every second one of eight faces of 64 pixels: thin
# strokes vanish. Bold letters of a quarter of a face stay legible, and hardly wider than their column.
LETTERS_PER_FACE = 4


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
        `uint8[height, width, 3]`; without title and note, as TensorBoard shows it, there is no margin around the grid
        and its labels, and letters are bold and grow with the faces.
    """
    images = as_bytes(images) if side is None else enlarge(images, side)
    side = images.shape[1]
    grid = picture_grid(images, columns, gap)
    margin = MARGIN if title or note else 0
    bold, letters = not margin, max(SMALLEST, side // LETTERS_PER_FACE)
    if margin:
        letters = min(BODY, letters)
    left = max(margin, 4) + widest(row_labels, letters, bold) + 10 if row_labels else margin
    top = (TITLE_HEIGHT if title else margin) + (line_height(letters) + 2 if any(column_labels) else 0)
    text_width = max(left + grid.shape[1] - margin, widest([title], TITLE, bold=True))
    if note:
        text_width = max(text_width, LEAST_WIDTH)
    note_lines = wrapped(note, text_width)
    page = Page(margin + text_width + margin, top + grid.shape[0] + margin + len(note_lines) * line_height())
    page.paste(grid, left, top)
    page.write(MARGIN, MARGIN - 4, title, TITLE, bold=True)
    for row, label in enumerate(row_labels):
        page.write(left - 10, top + row * (side + gap) + side / 2, label, letters, "rm", bold)
    for column, label in enumerate(column_labels):
        half = widest([label], letters, bold) / 2
        x = np.clip(left + column * (side + gap) + side / 2, half, max(half, page.image.width - half))
        page.write(x, top - 7, label, letters, "ms", bold)
    page.write(MARGIN, top + grid.shape[0] + 8, "\n".join(note_lines), color=FAINT)
    return np.asarray(page.image)


class Page:
    """A white picture that faces and words are put on, by pixels from the top left."""

    def __init__(self, width: int, height: int):
        self.image = Image.new("RGB", (width, height), "white")
        self._draw = ImageDraw.Draw(self.image)

    def paste(self, picture, x, y):
        self.image.paste(Image.fromarray(picture), (x, y))

    def write(self, x, y, text, size=BODY, anchor="la", bold=False, color=TEXT):
        align = {"l": "left", "m": "center", "r": "right"}[anchor[0]]
        self._draw.text((x, y), text, color, font(size, bold), anchor, line_height(size) - size - 2, align)
