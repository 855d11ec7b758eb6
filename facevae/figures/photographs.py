"""Photographs with the faces that were found in them."""

from collections.abc import Sequence

import numpy as np
from PIL import Image

from facevae.figures.grids import as_bytes, enlarge
from facevae.figures.labelled import Page
from facevae.figures.text import BODY, FAINT, MARGIN, TITLE, line_height, wrapped

_LONGEST = 640  # pixels of a photograph's longer side
_COLOUR = "#D55E00"


def numbered_faces(photograph: np.ndarray, boxes: Sequence[tuple[float, float, float]]) -> np.ndarray:
    """A small copy of a photograph with a numbered square around each face, from 1 in the order given.

    Args:
        photograph: `uint8[height, width, 3]`.
        boxes: `(x, y, width)` of each face, its middle and its width in pixels of the photograph.
    """
    height, width = photograph.shape[:2]
    scale = min(1.0, _LONGEST / max(height, width))
    small = Image.fromarray(photograph).resize(
        (max(1, round(width * scale)), max(1, round(height * scale))), Image.Resampling.LANCZOS
    )
    page = Page(small.width, small.height)
    page.paste(np.asarray(small), 0, 0)
    for number, (x, y, side) in enumerate(boxes, start=1):
        half = 0.6 * side * scale
        left, top = x * scale - half, y * scale - half
        page.outline(left, top, 2 * half, _COLOUR)
        letter = BODY if side * scale >= 24 else 11
        at = min(max(left + half, 8.0), small.width - 8.0), max(top - 3, letter + 2.0)
        page.write(*at, str(number), letter, "ms", True, "#ffffff", stroke=_COLOUR)
    return np.asarray(page.image)


def photograph_sheet(
    photograph: np.ndarray, faces: np.ndarray, labels: Sequence[str], title: str, note: str, side: int = 160
) -> np.ndarray:
    """A photograph beside faces made of it.

    Args:
        photograph: `uint8[height, width, 3]`, with its face marked.
        faces: `[faces, size, size, 3]`.
        labels: one for each face, below it.
        title: above.
        note: text below.
        side: pixels of a face's side; the photograph is two faces high.
    """
    step, label_height = side + 8, line_height() + 6
    tall = 2 * (side + label_height) - label_height
    height, width = photograph.shape[:2]
    scale = min(tall / height, 2.0 * tall / width)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    shown = np.asarray(Image.fromarray(photograph).resize(size, Image.Resampling.LANCZOS))
    columns = -(-len(faces) // 2)
    left, top = MARGIN + size[0] + 16, MARGIN + line_height(TITLE)
    text_width = left + columns * step - 8 - MARGIN
    lines = wrapped(note, text_width)
    page = Page(text_width + 2 * MARGIN, top + tall + label_height + len(lines) * line_height() + MARGIN)
    page.write(MARGIN, MARGIN - 4, title, TITLE, bold=True)
    page.paste(shown, MARGIN, top)
    for number, (face, label) in enumerate(zip(enlarge(as_bytes(faces), side), labels, strict=True)):
        row, column = number % 2, number // 2
        x, y = left + column * step, top + row * (side + label_height)
        page.paste(face, x, y)
        page.write(x + side / 2, y + side + 4, label, 13, "ma")
    page.write(MARGIN, top + tall + label_height, "\n".join(lines), color=FAINT)
    return np.asarray(page.image)
