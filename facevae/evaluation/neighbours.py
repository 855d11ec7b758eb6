"""The training faces nearest to an image, which show whether a model memorised them."""

import numpy as np

from facevae.data.faces import Records
from facevae.model.batches import batch_slices


def nearest_faces(
    images: np.ndarray, records: Records, count: int = 1, mirrored: bool = True
) -> tuple[np.ndarray, np.ndarray]:
    """The faces of a split nearest to each image, by the root mean square difference of their pixels.

    The split is read in batches, so that it need not fit into memory.

    Args:
        images: `[batch, size, size, 3]`, float in [0, 1] or uint8.
        records: the split, with images of the same size.
        count: number of neighbours of each image.
        mirrored: also compare with the faces flipped left to right, as training does at random.

    Returns:
        indices `int64[batch, count]` into the split, nearest first, and distances `float32[batch, count]` of pixels
        in [0, 1].

    Raises:
        ValueError: more neighbours than the split has faces.
    """
    if not 1 <= count <= len(records):
        raise ValueError(f"count: expected 1 to {len(records):,}, the faces of the split, received {count}.")
    rows = _rows(np.asarray(images))
    squares = (rows**2).sum(axis=1)[:, None]
    best = np.full((len(rows), count), np.inf, np.float32)
    indices = np.zeros((len(rows), count), np.int64)
    for part in batch_slices(len(records), progress="Comparing with training faces"):
        faces = records.images(part)
        distances = _squared_distances(rows, squares, faces)
        if mirrored:
            distances = np.minimum(distances, _squared_distances(rows, squares, faces[:, :, ::-1]))
        found = np.broadcast_to(np.arange(part.start, part.stop), distances.shape)
        best, indices = np.concatenate([best, distances], 1), np.concatenate([indices, found], 1)
        order = np.argsort(best, axis=1, kind="stable")[:, :count]
        best, indices = np.take_along_axis(best, order, 1), np.take_along_axis(indices, order, 1)
    # Small distances lose precision as differences of large products, so those of the result are computed directly.
    distances = np.stack([_distances(rows, records.images(column), mirrored) for column in indices.T], axis=1)
    order = np.argsort(distances, axis=1, kind="stable")
    return np.take_along_axis(indices, order, 1), np.take_along_axis(distances, order, 1)


def _rows(images: np.ndarray) -> np.ndarray:
    """Each image as a row, `float32[batch, size · size · 3]` in [-0.5, 0.5]."""
    scale = 1.0 / 255.0 if images.dtype == np.uint8 else 1.0
    # Centred on 0, so that the products in _squared_distances lose less to rounding.
    return images.reshape(len(images), -1).astype(np.float32) * np.float32(scale) - np.float32(0.5)


def _squared_distances(rows, squares, faces):
    """|a|² + |b|² − 2 a·b of each image and each face, `float32[batch, faces]`."""
    others = _rows(faces)
    return squares + (others**2).sum(axis=1) - 2.0 * (rows @ others.T)


def _distances(rows, faces, mirrored):
    """The root mean square difference of each image and its face, `float32[batch]`."""
    views = (faces, faces[:, :, ::-1]) if mirrored else (faces,)
    return np.sqrt(np.min([((rows - _rows(view)) ** 2).mean(axis=1) for view in views], axis=0))
