"""New faces, from the same noise every epoch."""

import os

import numpy as np

from callbacks.face_callback import MOST_SHOWN, FaceCallback
from callbacks.shared_encoding import SharedEncoding
from facevae import arguments
from facevae.configuration.config import check_settings
from facevae.figures import sample_card
from facevae.latents import VIEWING_TEMPERATURE
from facevae.model.density import Mixture
from facevae.model.sampling import MOST_TEMPERATURE
from facevae.run.encodings import Encodings


class SamplePictures(FaceCallback):
    """Draws faces sampled from the prior N(0, 1) and, where the model has one, from its fitted density.

    The noise is the same in every epoch, so that each sample can be followed over the training.

    Args:
        faces: the fixed faces.
        log_dir: folder of the TensorBoard run to write to.
        count: number of samples of each kind.
        seed: seed of the noise.
        temperature: factor on the noise, the same in every epoch. Fewer faces are distorted below 1, the density as it
            is; a run's own best is measured when its training ends.
    """

    def __init__(
        self,
        faces: SharedEncoding,
        log_dir: str | os.PathLike[str],
        count: int = 30,
        seed: int = 0,
        temperature: float = VIEWING_TEMPERATURE,
    ):
        super().__init__(faces, log_dir)
        self.count = arguments.whole_number("count", count, 1, MOST_SHOWN)
        self.seed = check_settings({"seed": seed})["seed"]
        self.temperature = arguments.real_number("temperature", temperature, 0.0, MOST_TEMPERATURE)

    def write(self, epoch: int, encodings: Encodings) -> None:
        shape = (self.count, encodings.mean.shape[1])
        noise = np.random.default_rng(self.seed).standard_normal(shape, np.float32) * np.float32(
            self.temperature
        )
        self._draw("from the prior", noise, epoch, f"Decoded samples from N(0, 1) {self._how}.")
        density = getattr(self.model, "density", None)
        if isinstance(density, Mixture):
            latents = density.sample(self.count, self.seed, self.temperature)
            self._draw(
                "from the fitted density",
                latents,
                epoch,
                f"Decoded samples from the Gaussian mixture fitted to the encoded faces {self._how}.",
            )

    @property
    def _how(self):
        return f"at temperature {self.temperature:g} (1: as fitted); the same noise every epoch"

    def _draw(self, name, latents, epoch, description):
        self.writer.image(f"2 samples/{name}", sample_card(self.faces.decode(latents)), epoch, description)
