"""Grids of faces with a title, labels and a note, drawn by Pillow in milliseconds."""

from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw

from facevae.figures.grids import as_bytes, enlarge, image_grid
from facevae.figures.text import BODY, FAINT, MARGIN, TEXT, TITLE, font, line_height, widest, wrapped

TITLE_HEIGHT = 44
LEAST_WIDTH = 320  # pixels for the note below a small grid
SMALLEST = 9  # font size in pixels, of the labels of small faces
# TensorBoard shrinks a picture to a width of 350 pixels by leaving out pixels, so that thin strokes vanish: of a row of
# eight faces of 64 pixels it shows every second pixel. Bold letters of a quarter of a face's size stay legible there,
# and are hardly wider than their column.
LETTER_HEIGHTS_PER_FACE = 4


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
    """Faces in rows and columns on white, with a title, labels and a note.

    Args:
        images: `[count, size, size, 3]`, float in [0, 1] or uint8, row by row.
        columns: faces in a row.
        title: above the grid.
        row_labels: one for each row, to its left; may have several lines.
        column_labels: one for each column, above it; may be empty.
        note: text below the grid.
        side: pixels along the side of a face in the picture; None keeps the size of the images.
        gap: pixels between faces.

    Returns:
        `uint8[height, width, 3]`. Without title and note, as for TensorBoard, there is no margin around the grid and
        its labels, and the labels are bold and grow with the faces.
    """
    images = as_bytes(images) if side is None else enlarge(images, side)
    side = images.shape[1]
    grid = image_grid(images, columns, gap)
    margin = MARGIN if title or note else 0
    bold, letter_size = not margin, max(SMALLEST, side // LETTER_HEIGHTS_PER_FACE)
    if margin:
        letter_size = min(BODY, letter_size)
    left = max(margin, 4) + widest(row_labels, letter_size, bold) + 10 if row_labels else margin
    top = (TITLE_HEIGHT if title else margin) + (line_height(letter_size) + 2 if any(column_labels) else 0)
    text_width = max(left + grid.shape[1] - margin, widest([title], TITLE, bold=True))
    if note:
        text_width = max(text_width, LEAST_WIDTH)
    note_lines = wrapped(note, text_width)
    page = Page(margin + text_width + margin, top + grid.shape[0] + margin + len(note_lines) * line_height())
    page.paste(grid, left, top)
    page.write(MARGIN, MARGIN - 4, title, TITLE, bold=True)
    for row, label in enumerate(row_labels):
        page.write(left - 10, top + row * (side + gap) + side / 2, label, letter_size, "rm", bold)
    for column, label in enumerate(column_labels):
        half = widest([label], letter_size, bold) / 2
        x = np.clip(left + column * (side + gap) + side / 2, half, max(half, page.image.width - half))
        page.write(x, top - 7, label, letter_size, "ms", bold)
    page.write(MARGIN, top + grid.shape[0] + 8, "\n".join(note_lines), color=FAINT)
    return np.asarray(page.image)


def labels_width(row_labels: Sequence[str], side: int) -> int:
    """The pixels to the left of a grid without title and note, where its rows have labels."""
    return 4 + widest(row_labels, max(SMALLEST, side // LETTER_HEIGHTS_PER_FACE), bold=True) + 10


class Page:
    """A white picture to paste images and write text on; positions are pixels from the top left."""

    def __init__(self, width: int, height: int):
        self.image = Image.new("RGB", (width, height), "white")
        self._draw = ImageDraw.Draw(self.image)

    def paste(self, image, x, y):
        self.image.paste(Image.fromarray(image), (x, y))

    def outline(self, x, y, side, color):
        """A square, drawn white below its colour so that it shows on every ground."""
        for width, line in ((5, "white"), (3, color)):
            self._draw.rectangle((x, y, x + side, y + side), outline=line, width=width)

    def write(self, x, y, text, size=BODY, anchor="la", bold=False, color=TEXT, stroke=None):
        align = {"l": "left", "m": "center", "r": "right"}[anchor[0]]
        outline = {} if stroke is None else {"stroke_width": 3, "stroke_fill": stroke}
        spacing = line_height(size) - size - 2
        self._draw.text((x, y), text, color, font(size, bold), anchor, spacing, align, **outline)
