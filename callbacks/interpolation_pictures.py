"""Interpolations from one face to another."""

import os

import numpy as np

from callbacks.face_callback import MOST_SHOWN, FaceCallback
from callbacks.shared_encoding import SharedEncoding
from facevae import arguments, latents
from facevae.figures import interpolation_card
from facevae.run.encodings import Encodings

STEPS = 5  # with both ends: the faces of a row


class InterpolationPictures(FaceCallback):
    """Draws linear interpolations between the latents of pairs of faces, from one reconstruction to the other.

    Args:
        faces: the fixed faces; the first with the second, the third with the fourth, and so on.
        log_dir: folder of the TensorBoard run to write to.
        pairs: number of pairs, at most.
    """

    def __init__(self, faces: SharedEncoding, log_dir: str | os.PathLike[str], pairs: int = 6):
        super().__init__(faces, log_dir)
        self.pairs = arguments.whole_number("pairs", pairs, 1, MOST_SHOWN)

    def write(self, epoch: int, encodings: Encodings) -> None:
        pairs = min(self.pairs, len(encodings.mean) // 2)
        if not pairs:
            return
        starts, ends = encodings.mean[0 : 2 * pairs : 2], encodings.mean[1 : 2 * pairs : 2]
        between = [latents.interpolate(start, end, STEPS) for start, end in zip(starts, ends, strict=True)]
        decoded = self.faces.decode(np.concatenate(between))
        self.writer.image(
            "4 interpolations/between validation faces",
            interpolation_card(decoded),
            epoch,
            "Linear interpolation between the posterior means of two faces, decoded; both ends are reconstructions.",
        )
