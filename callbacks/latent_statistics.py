"""Statistics of the latents: curves and histograms over the epochs."""

import numpy as np

from callbacks.face_callback import FaceCallback
from facevae import latents
from facevae.model import VAE, schedules
from facevae.run.encodings import Encodings

# Most values in the histogram of the aggregate posterior: more take time and hardly change its 30 buckets.
HISTOGRAM_VALUES = 20_000


class LatentStatistics(FaceCallback):
    """Writes how much information the latents carry.

    Curves: `active_units` (how many latent dimensions the encoder uses), `latent_kl` (nats per image over the
        fixed faces), and for a `facevae.VAE` the decoder's `sigma` and the `kl_weight`.

    Histograms over the latent dimensions, one value for each: mean of the posterior means, average spread of
    the posterior (its standard deviation; 1 where a dimension carries nothing), KL. One histogram over
    faces and dimensions: the aggregate posterior, which should match N(0, 1).

    Args:
        faces: the fixed faces.
        log_dir: folder of the TensorBoard run to write to.
    """

    def write(self, epoch: int, encodings: Encodings) -> None:
        mean, log_variance = encodings.mean, encodings.log_variance
        kl = latents.kl_per_dimension(mean, log_variance)
        curves = {"active_units": latents.active_units(mean), "latent_kl": kl.sum()}
        if isinstance(self.model, VAE):
            curves["sigma"] = float(self.model.variance.numpy()) ** 0.5
            weight = schedules.kl_weight(self.model.kl_weight, self.model.kl_warmup, self.model.progress())
            curves["kl_weight"] = float(weight)
        for tag, value in curves.items():
            self.writer.scalar(tag, value, epoch)

        aggregate = encodings.sample().ravel()
        stride = -(-aggregate.size // HISTOGRAM_VALUES)
        histograms = {
            "mean of each dimension": (mean.mean(axis=0), "Average posterior mean of each latent dimension."),
            "spread of each dimension": (
                np.exp(0.5 * log_variance).mean(axis=0),
                "Average posterior standard deviation of each latent dimension: 1 where it carries nothing.",
            ),
            "KL of each dimension": (
                kl,
                "Nats, averaged over the faces: 0 where a dimension carries nothing.",
            ),
            "aggregate posterior": (aggregate[::stride], "Posterior samples of all faces, all dimensions."),
        }
        for name, (values, description) in histograms.items():
            self.writer.histogram(f"latents/{name}", values, epoch, description)
