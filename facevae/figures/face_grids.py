"""Grids of faces: reconstructions, samples, interpolations, traversals, attribute edits, neighbours.

For the picture files of `explore.py`; TensorBoard's are in `cards.py`. All take images as float in [0, 1] or uint8 and
return a picture `uint8[height, width, 3]`. Runs begun before there were cards have kept grids without title and note.
"""

import textwrap
from collections.abc import Sequence

import numpy as np

from facevae.figures.grids import as_bytes, enlarge, image_grid
from facevae.figures.labelled import TITLE_HEIGHT, Page, labelled_grid, labels_width
from facevae.figures.text import FAINT, MARGIN, TITLE, line_height, signed, wrapped

COLUMNS = 8  # faces in a row, where labels do not determine it
GAP = 2  # pixels between faces
_PAIR = ["original", "reconstruction"]  # labels of two rows
LABEL_LENGTH = 14  # characters in a line of a row label, about as wide as two faces


def reconstruction_grid(
    originals: np.ndarray,
    reconstructions: np.ndarray,
    title: str = "",
    note: str = "",
    side: int | None = None,
) -> np.ndarray:
    """Rows of originals, each above the row of their reconstructions.

    Args:
        originals: `[faces, size, size, 3]`.
        reconstructions: `[faces, size, size, 3]`, of the same faces.
        title: above the grid.
        note: text below it.
        side: pixels along the side of a face in the picture; None keeps the size of the images.
    """
    columns = min(COLUMNS, len(originals))
    rows = -(-len(originals) // columns)
    cells = np.full((rows, 2, columns, *np.shape(originals)[1:]), 255, np.uint8)
    for kind, faces in enumerate((originals, reconstructions)):
        row, column = np.divmod(np.arange(len(faces)), columns)
        cells[row, kind, column] = as_bytes(faces)
    return labelled_grid(_flat(cells), columns, title, _PAIR * rows, note=note, side=side, gap=GAP)


def sample_grid(samples: np.ndarray, title: str = "", note: str = "", side: int | None = None) -> np.ndarray:
    """Samples, row by row.

    Args:
        samples: `[samples, size, size, 3]`.
        title: above the grid.
        note: text below it.
        side: pixels along the side of a face in the picture; None keeps the size of the images.
    """
    return labelled_grid(samples, min(COLUMNS, len(samples)), title, note=note, side=side, gap=GAP)


def reconstructions_of(picture: np.ndarray, size: int) -> tuple[np.ndarray, np.ndarray]:
    """Originals and reconstructions, cut out of a picture that `reconstruction_grid` drew in their own size.

    Args:
        picture: `uint8[height, width, 3]`, without title and note.
        size: pixels along the side of a face.

    Returns:
        Both `uint8[faces, size, size, 3]`.

    Raises:
        ValueError: it is no such picture.
    """
    labels = labels_width(_PAIR, size)
    # Rounded, as letters of another version of Pillow may be wider.
    columns = np.clip(round((picture.shape[1] + GAP - labels) / (size + GAP)), 1, COLUMNS)
    cells = _cells(picture, size, int(columns))
    if len(cells) % 2:
        raise ValueError(f"expected pairs of rows, received {len(cells)} rows")
    originals, reconstructions = (_flat(cells[kind::2]) for kind in (0, 1))
    shown = (originals != 255).any(axis=(1, 2, 3))
    return originals[shown], reconstructions[shown]


def samples_of(picture: np.ndarray, size: int) -> np.ndarray:
    """Samples `uint8[samples, size, size, 3]`, cut out of a picture that `sample_grid` drew in their own size.

    Args:
        picture: `uint8[height, width, 3]`, without title and note.
        size: pixels along the side of a face.

    Raises:
        ValueError: it is no such picture.
    """
    samples = _flat(_cells(picture, size, (picture.shape[1] + GAP) // (size + GAP)))
    return samples[(samples != 255).any(axis=(1, 2, 3))]


def interpolation_grid(
    starts: np.ndarray,
    between: np.ndarray,
    ends: np.ndarray,
    kinds: Sequence[str] = (),
    title: str = "",
    note: str = "",
    side: int | None = None,
) -> np.ndarray:
    """One interpolation in each row, between the originals of both ends.

    Args:
        starts: `[rows, size, size, 3]`, the originals on the left.
        between: `[rows · steps, size, size, 3]`, the decoded latents, row by row, with both ends.
        ends: `[rows, size, size, 3]`, the originals on the right.
        kinds: labels of the rows: how each is interpolated; empty for no labels.
        title: above the grid.
        note: text below it.
        side: pixels along the side of a face in the picture; None keeps the size of the images.
    """
    between = _in_rows(between, len(starts))
    steps = between.shape[1]
    cells = np.concatenate([as_bytes(starts)[:, None], between, as_bytes(ends)[:, None]], axis=1)
    labels = ["original", *(f"{share:.0%}" for share in np.linspace(0.0, 1.0, steps)), "original"]
    return labelled_grid(_flat(cells), steps + 2, title, kinds, labels, note, side, GAP)


def traversal_grid(
    faces: np.ndarray,
    dimensions: Sequence[int] | np.ndarray,
    kl: np.ndarray,
    deviations: np.ndarray,
    title: str = "",
    note: str = "",
    side: int | None = None,
) -> np.ndarray:
    """One latent dimension in each row, increasing from left to right.

    Args:
        faces: `[dimensions · deviations, size, size, 3]`, row by row; see `facevae.latents.traversals`.
        dimensions: the number of the dimension in each row.
        kl: `float32[latent_dim]`, KL divergence of every dimension in nats.
        deviations: `float[deviations]`, the value of the dimension in each column, in standard deviations from the
            mean.
        title: above the grid.
        note: text below it.
        side: pixels along the side of a face in the picture; None keeps the size of the images.
    """
    rows = [f"z{dimension}\nKL {kl[dimension]:.2f}" for dimension in dimensions]
    columns = [f"{signed(deviation)} sd" if deviation else "mean" for deviation in deviations]
    return labelled_grid(faces, len(columns), title, rows, columns, note, side, GAP)


def attribute_edit_grid(
    original: np.ndarray,
    edited: np.ndarray,
    names: Sequence[str],
    strengths: np.ndarray,
    title: str = "",
    note: str = "",
    side: int | None = None,
) -> np.ndarray:
    """One attribute in each row, increasing from left to right; the original is to the left of the first row.

    Args:
        original: `[size, size, 3]`.
        edited: `[attributes · strengths, size, size, 3]`, row by row; see `facevae.latents.attribute_edits`.
        names: of the attributes.
        strengths: `float[strengths]`, of the edit in each column; 0 is the reconstruction.
        title: above the grid.
        note: text below it.
        side: pixels along the side of a face in the picture; None keeps the size of the images.
    """
    cells = np.full((len(names), 1 + len(strengths), *np.shape(original)), 255, np.uint8)
    cells[0, 0] = as_bytes(original)
    cells[:, 1:] = _in_rows(edited, len(names))
    rows = [textwrap.fill(_spaced(name), LABEL_LENGTH) for name in names]
    columns = ["original", *map(signed, strengths)]
    return labelled_grid(_flat(cells), len(columns), title, rows, columns, note, side, GAP)


def neighbour_grid(
    faces: np.ndarray,
    neighbours: np.ndarray,
    distances: np.ndarray,
    title: str = "",
    note: str = "",
    side: int | None = None,
    kind: str = "generated",
) -> np.ndarray:
    """One face in each row, followed by its nearest training faces.

    Args:
        faces: `[faces, size, size, 3]`.
        neighbours: `[faces · neighbours, size, size, 3]`, row by row, the nearest first.
        distances: `float32[faces]`, of each face to its nearest neighbour.
        title: above the grid.
        note: text below it.
        side: pixels along the side of a face in the picture; None keeps the size of the images.
        kind: of the faces, above their column.
    """
    neighbours = _in_rows(neighbours, len(faces))
    cells = np.concatenate([as_bytes(faces)[:, None], neighbours], axis=1)
    rows = [f"distance\n{distance:.3f}" for distance in distances]
    columns = [kind, "nearest", *(f"{place}." for place in range(2, neighbours.shape[1] + 1))]
    return labelled_grid(_flat(cells), len(columns), title, rows, columns, note, side, GAP)


def attribute_sheet(
    face: np.ndarray, without: np.ndarray, with_it: np.ndarray, names: Sequence[str], title: str, note: str
) -> np.ndarray:
    """Pairs of one face with less and with more of each attribute, under the attribute's name.

    Args:
        face: `[size, size, 3]`, the reconstruction, first in the sheet.
        without: `[attributes, size, size, 3]`, the left image of each pair.
        with_it: `[attributes, size, size, 3]`, the right image of each pair.
        names: of the attributes.
        title: above the sheet.
        note: text below it.
    """
    side, columns, letter_size = 84, 6, 14  # pixels, pairs in a row, pixels
    pair_width, row_height = 2 * side + 2, side + 24
    pairs = [enlarge(np.asarray(face)[None], side)]
    pairs += [
        image_grid(enlarge(np.stack(pair), side), 2)[None] for pair in zip(without, with_it, strict=True)
    ]
    titles = ["As it is", *map(_spaced, names)]
    rows = -(-len(pairs) // columns)
    width = 2 * MARGIN + columns * pair_width + (columns - 1) * 14
    note_lines = wrapped(note, width - 2 * MARGIN)
    bottom = TITLE_HEIGHT + rows * row_height
    page = Page(width, bottom + MARGIN + len(note_lines) * line_height())
    page.write(MARGIN, MARGIN - 4, title, TITLE, bold=True)
    for cell, (pair, name) in enumerate(zip(pairs, titles, strict=True)):
        row, column = divmod(cell, columns)
        x, y = MARGIN + column * (pair_width + 14), TITLE_HEIGHT + row * row_height + 20
        page.paste(pair[0], x, y)
        page.write(x, y - 6, name, letter_size, "ls")
    page.write(MARGIN, bottom + 8, "\n".join(note_lines), color=FAINT)
    return np.asarray(page.image)


def _in_rows(faces: np.ndarray, rows: int) -> np.ndarray:
    """`uint8[rows, columns, size, size, 3]` of `[rows · columns, size, size, 3]`."""
    return as_bytes(faces).reshape(rows, -1, *np.shape(faces)[1:])


def _cells(picture: np.ndarray, size: int, columns: int) -> np.ndarray:
    """The faces `uint8[rows, columns, size, size, 3]` of a grid without title and note: at the top, on the right."""
    rows = (picture.shape[0] + GAP) // (size + GAP)
    height, width = rows * (size + GAP) - GAP, columns * (size + GAP) - GAP
    if not rows or not columns or picture.shape[0] != height or picture.shape[1] < width:
        raise ValueError(f"{picture.shape[1]} by {picture.shape[0]} pixels are no grid of {size} by {size}")
    padded = np.pad(picture[:, -width:], [(0, GAP), (0, GAP), (0, 0)])
    return padded.reshape(rows, size + GAP, columns, size + GAP, 3)[:, :size, :, :size].swapaxes(1, 2)


def _flat(cells: np.ndarray) -> np.ndarray:
    """`[count, size, size, 3]` of `[..., size, size, 3]`."""
    return cells.reshape(-1, *cells.shape[-3:])


def _spaced(name: str) -> str:
    return name.replace("_", " ")
