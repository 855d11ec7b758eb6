"""Pictures of faces for TensorBoard's cards.

A card shows each picture 350 pixels wide, and shrinks a wider one by leaving out pixels, so that small letters break.
These are 350 pixels wide, with five faces in a row and letters of 13 pixels. Where the faces have more than 64 pixels
the whole is a multiple as large: text and lines consist of squares of pixels, of which a card shows one each, and the
faces keep all of theirs, which "Show actual image size" shows. Titles and notes stand beside the picture.

All functions take images as float in [0, 1] or uint8 and return a picture `uint8[height, width, 3]`.
"""

import math
from collections.abc import Sequence

import numpy as np
from PIL import Image

from facevae.figures.grids import as_bytes
from facevae.figures.labelled import Page
from facevae.figures.text import signed

WIDTH = 350  # of a card
COLUMNS, SLOT = 5, 64  # faces in a row, and pixels of the card for the width of each
GAP, BETWEEN_GROUPS, IN_GROUP = 6, 12, 2  # pixels between rows, between groups of rows, and inside a group
LEFT = (WIDTH - COLUMNS * SLOT - (COLUMNS - 1) * GAP) // 2
LETTERS, LINE = 13, 18  # pixels of the letters, and of a line of them
PAIRS = "Each original above its reconstruction"


def reconstruction_card(originals: np.ndarray, reconstructions: np.ndarray) -> np.ndarray:
    """Rows of originals, each above the row of their reconstructions.

    Args:
        originals: `[faces, height, width, 3]`.
        reconstructions: of the same shape.
    """
    rows = -(-len(originals) // COLUMNS)
    cells = np.full((rows, 2, COLUMNS, *np.shape(originals)[1:]), 255, np.uint8)
    for kind, faces in enumerate((originals, reconstructions)):
        row, column = np.divmod(np.arange(len(faces)), COLUMNS)
        cells[row, kind, column] = as_bytes(faces)
    return _card(cells.reshape(-1, *np.shape(originals)[1:]), header=PAIRS, group=2)


def sample_card(samples: np.ndarray) -> np.ndarray:
    """Samples `[samples, height, width, 3]`, row by row."""
    return _card(as_bytes(samples))


def interpolation_card(faces: np.ndarray) -> np.ndarray:
    """One interpolation in each row.

    Args:
        faces: `[rows · 5, height, width, 3]`, row by row, with both ends.
    """
    shares = [f"{share:.0%}" for share in np.linspace(0.0, 1.0, COLUMNS)[1:-1]]
    return _card(as_bytes(faces), column_labels=["one face", *shares, "another"])


def traversal_card(
    faces: np.ndarray, dimensions: Sequence[int] | np.ndarray, kl: np.ndarray, deviations: np.ndarray
) -> np.ndarray:
    """One latent dimension in each row, increasing from left to right.

    Args:
        faces: `[dimensions · 5, height, width, 3]`, row by row; see `facevae.latents.traversals`.
        dimensions: the number of the dimension in each row.
        kl: `float32[latent_dim]`, KL divergence of every dimension in nats.
        deviations: `float[5]`, the value in each column, in standard deviations from the mean.
    """
    captions = [f"z{dimension}, KL {kl[dimension]:.2f} nats" for dimension in dimensions]
    columns = [f"{signed(deviation)} sd" if deviation else "mean" for deviation in deviations]
    return _card(as_bytes(faces), captions, columns)


def attribute_edit_card(edited: np.ndarray, names: Sequence[str], strengths: np.ndarray) -> np.ndarray:
    """One attribute in each row, increasing from left to right.

    Args:
        edited: `[attributes · 5, height, width, 3]`, row by row; see `facevae.latents.attribute_edits`.
        names: of the attributes.
        strengths: `float[5]`, of the edit in each column; 0 is the reconstruction.
    """
    captions = [name.replace("_", " ") for name in names]
    return _card(as_bytes(edited), captions, [signed(strength) for strength in strengths])


def reconstructions_of(card: np.ndarray, size: int) -> tuple[np.ndarray, np.ndarray]:
    """Originals and reconstructions, cut out of what `reconstruction_card` drew, both `uint8[faces, size, size, 3]`.

    Args:
        card: `uint8[height, width, 3]`.
        size: pixels along the side of a face.

    Raises:
        ValueError: it is no such picture.
    """
    cells = _cut(card, size, LINE, 2)
    originals, reconstructions = (cells[kind::2].reshape(-1, size, size, 3) for kind in (0, 1))
    shown = (originals != 255).any(axis=(1, 2, 3))
    return originals[shown], reconstructions[shown]


def samples_of(card: np.ndarray, size: int) -> np.ndarray:
    """Samples `uint8[samples, size, size, 3]`, cut out of what `sample_card` drew.

    Args:
        card: `uint8[height, width, 3]`.
        size: pixels along the side of a face.

    Raises:
        ValueError: it is no such picture.
    """
    samples = _cut(card, size, 0, 1).reshape(-1, size, size, 3)
    return samples[(samples != 255).any(axis=(1, 2, 3))]


def _card(
    images: np.ndarray,
    captions: Sequence[str] = (),
    column_labels: Sequence[str] = (),
    header: str = "",
    group: int = 1,
) -> np.ndarray:
    """Images `uint8[count, height, width, 3]` row by row, five in each.

    Args:
        captions: one above each row.
        column_labels: one above each column.
        header: a line above everything.
        group: rows that stand close together.
    """
    count, height, width, _ = images.shape
    scale, slot_height = math.ceil(width / SLOT), max(1, round(SLOT * height / width))
    rows = -(-count // COLUMNS)
    above = LINE if header or column_labels else 0
    tops, bottom = _tops(rows, slot_height, above, LINE if captions else 0, group)
    page = Page(WIDTH, bottom)
    page.write(LEFT, LETTERS, header, LETTERS, "ls")
    for column, label in enumerate(column_labels):
        page.write(_left(column) + SLOT // 2, LETTERS, label, LETTERS, "ms")
    for top, caption in zip(tops, captions, strict=True) if captions else ():
        page.write(LEFT, top - 5, caption, LETTERS, "ls", bold=True)
    picture = np.asarray(page.image).repeat(scale, axis=0).repeat(scale, axis=1)
    for number, image in enumerate(_resized(images, SLOT * scale, slot_height * scale)):
        y, x = scale * tops[number // COLUMNS], scale * _left(number % COLUMNS)
        picture[y : y + len(image), x : x + image.shape[1]] = image
    return picture


def _tops(rows: int, slot_height: int, above: int, caption: int, group: int) -> tuple[list[int], int]:
    """The upper edges of the rows of faces in a card, and its height."""
    tops, y = [], above
    for row in range(rows):
        y += caption
        tops.append(y)
        ends = (row + 1) % group == 0
        y += slot_height + ((BETWEEN_GROUPS if group > 1 else GAP) if ends else IN_GROUP)
    return tops, tops[-1] + slot_height


def _left(column: int) -> int:
    return LEFT + column * (SLOT + GAP)


def _resized(images: np.ndarray, width: int, height: int) -> np.ndarray:
    """By whole pixels where that is possible, as a card would show them, else smoothly."""
    times = width // images.shape[2]
    if (images.shape[1] * times, images.shape[2] * times) == (height, width):
        return images.repeat(times, axis=1).repeat(times, axis=2)
    return np.stack(
        [
            np.asarray(Image.fromarray(image).resize((width, height), Image.Resampling.LANCZOS))
            for image in images
        ]
    )


def _cut(card: np.ndarray, size: int, above: int, group: int) -> np.ndarray:
    """The faces `uint8[rows, 5, size, size, 3]` of a card without captions."""
    scale, height, width = math.ceil(size / SLOT), *card.shape[:2]
    rows = next((r for r in range(1, height + 1) if _tops(r, SLOT, above, 0, group)[1] * scale >= height), 1)
    tops, bottom = _tops(rows, SLOT, above, 0, group)
    if (width, height) != (WIDTH * scale, bottom * scale) or SLOT * scale % size:
        raise ValueError(f"{width} by {height} pixels are no card with faces of {size} by {size}")
    side, step = SLOT * scale, SLOT * scale // size
    cells = [
        [card[scale * y :, scale * _left(column) :][:side:step, :side:step] for column in range(COLUMNS)]
        for y in tops
    ]
    return np.array(cells)
