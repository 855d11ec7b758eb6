"""The way from one face to another."""

import os

import numpy as np

from callbacks.face_callback import FaceCallback
from callbacks.shared_encoding import SharedEncoding
from facevae import latents
from facevae.encodings import Encodings
from facevae.figures import labelled_grid

STEPS = 8


class InterpolationPictures(FaceCallback):
    """Draws straight ways in latent space between pairs of faces, with the originals at the two ends.

    Args:
        faces: the fixed faces; the first are paired in their order.
        log_dir: TensorBoard's run to write to, a folder.
        pairs: at most so many.
    """

    def __init__(self, faces: SharedEncoding, log_dir: str | os.PathLike[str], pairs: int = 4):
        super().__init__(faces, log_dir)
        self.pairs = pairs

    def write(self, epoch: int, encodings: Encodings) -> None:
        pairs = min(self.pairs, len(encodings.mean) // 2)
        if not pairs:
            return
        starts, ends = encodings.mean[0 : 2 * pairs : 2], encodings.mean[1 : 2 * pairs : 2]
        ways = [latents.interpolate(start, end, STEPS) for start, end in zip(starts, ends, strict=True)]
        decoded = self.faces.decode(np.concatenate(ways))
        decoded = decoded.reshape(pairs, STEPS, *decoded.shape[1:])
        originals = self.faces.pictures(encodings.indices[: 2 * pairs])
        rows = np.concatenate([originals[0::2, None], decoded, originals[1::2, None]], axis=1)
        shares = [f"{share:.0%}" for share in np.linspace(0.0, 1.0, STEPS)]
        self.writer.image(
            "4 interpolations/between validation faces",
            labelled_grid(
                rows.reshape(-1, *rows.shape[2:]),
                STEPS + 2,
                column_labels=["original", *shares, "original"],
                side=None,
                gap=2,
            ),
            epoch,
            "The straight way between two posterior means, decoded; the originals at both ends.",
        )
