"""Reconstructions beside their originals."""

import os

import numpy as np

from callbacks.face_callback import FaceCallback
from callbacks.shared_encoding import SharedEncoding
from facevae.encodings import Encodings
from facevae.figures import labelled_grid

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
        originals = self.faces.pictures(encodings.indices[: self.count])
        reconstructions = self.faces.decode(encodings.mean[: self.count])
        columns = min(COLUMNS, len(originals))
        blanks = np.ones((-len(originals) % columns, *originals.shape[1:]), np.float32)
        shape = (-1, columns, *originals.shape[1:])
        rows = [
            np.concatenate([pictures, blanks]).reshape(shape) for pictures in (originals, reconstructions)
        ]
        alternating = np.stack(rows, axis=1)  # [pairs of rows, 2, columns, height, width, 3]
        labels = ["original", "reconstruction"] * len(alternating)
        self.writer.image(
            "1 reconstructions/of validation faces",
            labelled_grid(
                alternating.reshape(-1, *originals.shape[1:]), columns, row_labels=labels, side=None, gap=2
            ),
            epoch,
            "The same faces every epoch. Below each row of originals what the decoder makes of their "
            "posterior means.",
        )
