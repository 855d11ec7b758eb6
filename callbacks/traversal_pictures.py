"""What each of the most informative latent dimensions does to a face."""

import os

import numpy as np

from callbacks.face_callback import FaceCallback
from callbacks.shared_encoding import SharedEncoding
from facevae import latents
from facevae.encodings import Encodings
from facevae.figures import labelled_grid

DEVIATIONS = np.linspace(-3.0, 3.0, 7, dtype=np.float32)


class TraversalPictures(FaceCallback):
    """Draws one face with one latent dimension at a time moved through the values that faces have there.

    These go from 3 standard deviations of the faces' posterior means below their average to 3 above. The rows are
    the dimensions of the highest KL, the highest first; those that the encoder does not use
    (`facevae.latents.active_units`) are left out, and where it uses none there is no picture.

    Args:
        faces: the fixed faces; the first is the one that changes.
        log_dir: TensorBoard's run to write to, a folder.
        dimensions: at most so many.
    """

    def __init__(self, faces: SharedEncoding, log_dir: str | os.PathLike[str], dimensions: int = 9):
        super().__init__(faces, log_dir)
        self.dimensions = dimensions

    def write(self, epoch: int, encodings: Encodings) -> None:
        mean = encodings.mean
        kl = latents.kl_per_dimension(mean, encodings.log_variance)
        ordered = latents.dimensions_by_kl(mean, encodings.log_variance)
        chosen = [int(d) for d in ordered if latents.active_units(mean[:, [d]])][: self.dimensions]
        if not chosen:
            return
        rows = [
            latents.traversal(
                mean[0], dimension, mean[:, dimension].mean() + DEVIATIONS * mean[:, dimension].std()
            )
            for dimension in chosen
        ]
        grid = labelled_grid(
            self.faces.decode(np.concatenate(rows)),
            len(DEVIATIONS),
            row_labels=[f"dimension {dimension}\nKL {kl[dimension]:.2f}" for dimension in chosen],
            column_labels=[f"{deviation:+.0f} sd" if deviation else "average" for deviation in DEVIATIONS],
            side=None,
            gap=2,
        )
        self.writer.image(
            "3 traversals/of the most informative dimensions",
            grid,
            epoch,
            "A validation face's posterior mean with one latent dimension moved from 3 standard deviations below "
            "the faces' average to 3 above. Highest KL (nats) first; unused dimensions are left out.",
        )
