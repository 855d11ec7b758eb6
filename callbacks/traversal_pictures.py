"""What each of the most informative latent dimensions does to a face."""

import os

import numpy as np

from callbacks.face_callback import MOST_SHOWN, FaceCallback
from callbacks.shared_encoding import SharedEncoding
from facevae import arguments, latents
from facevae.figures import traversal_card
from facevae.run.encodings import Encodings

DEVIATIONS = np.linspace(-3.0, 3.0, 5, dtype=np.float32)


class TraversalPictures(FaceCallback):
    """Draws the mean face while one latent dimension at a time varies over the range that the faces have there.

    The mean face, whose latent is the mean of all, is neither bald nor hidden by glasses, so that changes show on it.

    The rows are the dimensions with the highest KL, highest first. Those that the encoder does not use
    (`facevae.latents.active_units`) are left out; if it uses none, no picture is written.

    Args:
        faces: the fixed faces.
        log_dir: folder of the TensorBoard run to write to.
        dimensions: number of dimensions, at most.
    """

    def __init__(self, faces: SharedEncoding, log_dir: str | os.PathLike[str], dimensions: int = 6):
        super().__init__(faces, log_dir)
        self.dimensions = arguments.whole_number("dimensions", dimensions, 1, MOST_SHOWN)

    def write(self, epoch: int, encodings: Encodings) -> None:
        mean, log_variance = encodings.mean, encodings.log_variance
        dimensions = latents.informative_dimensions(mean, log_variance, self.dimensions)
        if not len(dimensions):
            return
        moved = latents.traversals(mean.mean(axis=0), dimensions, mean, log_variance, DEVIATIONS)
        kl = latents.kl_per_dimension(mean, log_variance)
        card = traversal_card(self.faces.decode(moved), dimensions, kl, DEVIATIONS)
        self.writer.image(
            "3 traversals/of the most informative dimensions",
            card,
            epoch,
            "The mean of the validation faces' latents with one dimension moved from 3 standard deviations below it "
            "to 3 above. Highest KL (nats) first; unused dimensions are left out.",
        )
