"""Reconstructions below their originals."""

import os

from callbacks.face_callback import MOST_SHOWN, FaceCallback
from callbacks.shared_encoding import SharedEncoding
from facevae import arguments
from facevae.figures import reconstruction_card
from facevae.run.encodings import Encodings


class ReconstructionPictures(FaceCallback):
    """Draws the same faces every epoch, each row of originals above a row of their reconstructions.

    A reconstruction is decoded from the posterior's mean.

    Args:
        faces: the fixed faces; the first of them are drawn.
        log_dir: folder of the TensorBoard run to write to.
        count: number of faces, at most.
    """

    def __init__(self, faces: SharedEncoding, log_dir: str | os.PathLike[str], count: int = 15):
        super().__init__(faces, log_dir)
        self.count = arguments.whole_number("count", count, 1, MOST_SHOWN)

    def write(self, epoch: int, encodings: Encodings) -> None:
        originals = self.faces.originals(encodings.indices[: self.count])
        reconstructions = self.faces.decode(encodings.mean[: self.count])
        self.writer.image(
            "1 reconstructions/of validation faces",
            reconstruction_card(originals, reconstructions),
            epoch,
            "The same faces every epoch: each row of originals above a row of their reconstructions, decoded from "
            "the posterior means.",
        )
