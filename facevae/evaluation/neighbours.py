"""The training faces that a picture comes closest to: has the model learned, or memorised?"""

import numpy as np

from facevae.data.records import Records
from facevae.model.batches import batch_slices


def nearest_faces(
    images: np.ndarray, records: Records, count: int = 1, mirrored: bool = True
) -> tuple[np.ndarray, np.ndarray]:
    """The faces of a split nearest to some pictures, by the root mean square difference of their pixels.

    The split is read once, in parts, and never held as a whole.

    Args:
        images: `[pictures, size, size, 3]`, float in [0, 1] or uint8.
        records: the split, with pictures of the same size.
        count: how many neighbours of each picture.
        mirrored: also compare with the faces mirrored left to right, as training sees them.

    Returns:
        indices `int64[pictures, count]` into the split, nearest first, and distances `float32[pictures, count]` in
        pixel values of [0, 1].

    Raises:
        ValueError: more neighbours than the split has faces.
    """
    if not 1 <= count <= len(records):
        raise ValueError(f"count: expected 1 to {len(records):,}, the faces of the split, received {count}.")
    pictures = _rows(np.asarray(images))
    squares = (pictures**2).sum(axis=1)[:, None]
    best = np.full((len(pictures), count), np.inf, np.float32)
    indices = np.zeros((len(pictures), count), np.int64)
    for part in batch_slices(len(records), progress="Comparing with training faces"):
        faces = records.images(part)
        distances = _squared_distances(pictures, squares, faces)
        if mirrored:
            distances = np.minimum(distances, _squared_distances(pictures, squares, faces[:, :, ::-1]))
        found = np.broadcast_to(np.arange(part.start, part.stop), distances.shape)
        best, indices = np.concatenate([best, distances], 1), np.concatenate([indices, found], 1)
        order = np.argsort(best, axis=1, kind="stable")[:, :count]
        best, indices = np.take_along_axis(best, order, 1), np.take_along_axis(indices, order, 1)
    # Products of large numbers lose what a small distance is made of: those that were found are measured directly.
    distances = np.stack(
        [_distances(pictures, records.images(column), mirrored) for column in indices.T], axis=1
    )
    order = np.argsort(distances, axis=1, kind="stable")
    return np.take_along_axis(indices, order, 1), np.take_along_axis(distances, order, 1)


def _rows(images: np.ndarray) -> np.ndarray:
    scale = 1.0 / 255.0 if images.dtype == np.uint8 else 1.0
    # Centred: the products below then lose less to rounding.
    return images.reshape(len(images), -1).astype(np.float32) * np.float32(scale) - np.float32(0.5)


def _squared_distances(pictures, squares, faces):
    rows = _rows(faces)
    return squares + (rows**2).sum(axis=1) - 2.0 * (pictures @ rows.T)


def _distances(pictures, faces, mirrored):
    """The root mean square difference of each picture and its face, `float32[pictures]`."""
    views = (faces, faces[:, :, ::-1]) if mirrored else (faces,)
    return np.sqrt(np.min([((pictures - _rows(view)) ** 2).mean(axis=1) for view in views], axis=0))
