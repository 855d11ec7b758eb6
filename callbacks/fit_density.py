"""Fits the model's density anew during training, so that each epoch can show samples from it."""

from typing import Any

import keras
import numpy as np
from tqdm import tqdm

from callbacks.face_callback import checked_faces
from callbacks.shared_encoding import SharedEncoding
from facevae import arguments
from facevae.configuration.config import check_settings
from facevae.errors import UserError
from facevae.model import density

# Steps of expectation maximisation per epoch. Few are enough: each fit starts from that of the epoch before, and
# latents change slowly.
ITERATIONS = 5


class FitDensity(keras.callbacks.Callback):
    """Fits the model's Gaussian mixture to the encoded faces after each epoch and sets `model.density`.

    Put it before callbacks that show samples. This fit to a few thousand validation faces is for display only: at
    the end of a training, `train.py` fits the density to the training faces. A `Sharpener` keeps that one.

    Args:
        faces: the fixed faces.
        components: components of the mixture, at most.
        seed: seed of the posterior samples and of the mixture's initialisation.

    Raises:
        UserError: when training begins, if the model has no room for a density of so many components, or lacks
            `encode` or `decode`.
    """

    def __init__(self, faces: SharedEncoding, components: int = 10, seed: int = 0):
        super().__init__()
        self.faces = checked_faces(faces)
        self.components = arguments.whole_number("components", components, 1, 100)
        self.seed = check_settings({"seed": seed})["seed"]
        self._has_said = False  # that there are too few faces

    def on_train_begin(self, logs: Any = None) -> None:
        room = getattr(self.model, "density_components", 0)
        if room < self.components:
            raise UserError(
                f"model: expected one with room for a density of {self.components} components, received "
                f"a {type(self.model).__name__} with room for {room}. Build facevae.VAE with "
                "density_components, or leave FitDensity out."
            )
        self.faces.attach(self.model)
        self._has_said = False

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        if getattr(self.model, "keeps_density", False):
            return
        encodings = self.faces.encodings(epoch)
        if len(encodings.mean) < 2:
            if not self._has_said:
                tqdm.write(
                    "TensorBoard shows no new density: fitting one takes at least 2 validation faces with finite "
                    f"latents, received {len(encodings.mean)}."
                )
            self._has_said = True
            return
        latents = encodings.sample(self.seed)
        # One thread: more would take turns with those of TensorFlow, which prepares the next batches meanwhile.
        mixture = density.fit(latents, self.components, self.seed, self.model.density, ITERATIONS, threads=1)
        if all(np.isfinite(part).all() for part in (mixture.weights, mixture.means, mixture.scales)):
            self.model.density = mixture
