"""Figures of the latents: the aggregate posterior against N(0, 1), KL and correlation of the dimensions."""

import os

from callbacks.face_callback import MOST_SHOWN, FaceCallback
from callbacks.shared_encoding import SharedEncoding
from facevae import arguments
from facevae.figures import dimension_histograms, dimensions_figure, to_pixels
from facevae.run.encodings import Encodings


class LatentFigures(FaceCallback):
    """Draws the first dimensions of the aggregate posterior against N(0, 1), and KL and correlation of all.

    Args:
        faces: the fixed faces.
        log_dir: folder of the TensorBoard run to write to.
        dimensions: number of dimensions of the aggregate posterior to draw, at most.
    """

    def __init__(self, faces: SharedEncoding, log_dir: str | os.PathLike[str], dimensions: int = 30):
        super().__init__(faces, log_dir)
        self.dimensions = arguments.whole_number("dimensions", dimensions, 1, MOST_SHOWN)

    def write(self, epoch: int, encodings: Encodings) -> None:
        self.writer.image(
            "6 latents/aggregate posterior against the prior",
            to_pixels(
                dimension_histograms(
                    encodings.sample(), encodings.mean, encodings.log_variance, count=self.dimensions
                )
            ),
            epoch,
            "Posterior samples of the validation faces (filled) and N(0, 1) (line), one panel per latent dimension. "
            "Where the two differ, samples from the prior are not typical latents.",
        )
        self.writer.image(
            "6 latents/KL and correlation of the dimensions",
            to_pixels(dimensions_figure(encodings.mean, encodings.log_variance)),
            epoch,
            "Top: KL of each latent dimension, sorted; unused dimensions are at 0. Bottom: correlation of the "
            "posterior means, in the same order; N(0, 1) has none.",
        )
