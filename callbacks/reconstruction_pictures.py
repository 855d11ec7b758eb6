"""Reconstructions beside their originals."""

import os

import numpy as np

from callbacks.face_callback import FaceCallback
from callbacks.shared_encoding import SharedEncoding
from facevae.encodings import Encodings
from facevae.figures import picture_grid

COLUMNS = 8


class ReconstructionPictures(FaceCallback):
    """Draws the same faces every epoch, each row of originals above the row of their reconstructions.

    A reconstruction is decoded from the posterior's mean.

    Args:
        faces: the fixed faces; the first of them are drawn.
        log_dir: TensorBoard's run to write to, a folder.
        count: how many.
    """

    def __init__(self, faces: SharedEncoding, log_dir: str | os.PathLike[str], count: int = 16):
        super().__init__(faces, log_dir)
        self.count = count

    def write(self, epoch: int, encodings: Encodings) -> None:
        shown = encodings.indices[: self.count]
        originals = _as_float(self.faces.images[shown])
        reconstructions = self.faces.decode(encodings.mean[: self.count])
        rows = []
        for start in range(0, len(shown), COLUMNS):
            for pictures in (originals, reconstructions):
                row = pictures[start : start + COLUMNS]
                blank = np.ones((COLUMNS - len(row), *row.shape[1:]), np.float32)
                rows.append(np.concatenate([row, blank]) if len(shown) > COLUMNS else row)
        grid = picture_grid(np.concatenate(rows), min(COLUMNS, len(shown)))
        self.writer.image(
            "1 reconstructions/originals above, reconstructions below",
            grid,
            epoch,
            "The same validation faces every epoch. Each pair of rows: the pictures, and below them what the "
            "decoder makes of their posterior means.",
        )


def _as_float(images):
    return images.astype(np.float32) / 255.0 if images.dtype == np.uint8 else images
