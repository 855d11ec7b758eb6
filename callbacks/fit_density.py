"""Keeps the model's density close to the latents while it trains, so that samples can be watched."""

import warnings
from typing import Any

import keras
import numpy as np

from callbacks.shared_encoding import SharedEncoding
from facevae.errors import UserError
from facevae.model import density

# Steps of expectation maximisation per epoch: each epoch goes on from the one before, and latents move
# slowly.
ITERATIONS = 5


class FitDensity(keras.callbacks.Callback):
    """Fits the model's Gaussian mixture to the encoded faces after each epoch and sets `model.density`.

    It comes before callbacks that show samples. What it fits to a few thousand validation faces is meant for
    looking at; a finished model gets one fitted to its training faces.

    Args:
        faces: the fixed faces.
        components: most components of the mixture.
        seed: of its initialisation.
    """

    def __init__(self, faces: SharedEncoding, components: int = 10, seed: int = 0):
        super().__init__()
        self.faces, self.components, self.seed = faces, components, seed

    def on_train_begin(self, logs: Any = None) -> None:
        room = getattr(self.model, "density_components", 0)
        if room < self.components:
            raise UserError(
                f"model: expected one with room for a density of {self.components} components, received "
                f"a {type(self.model).__name__} with room for {room}. Build facevae.VAE with "
                "density_components, or leave FitDensity out."
            )
        self.faces.attach(self.model)

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        encodings = self.faces.encodings(epoch)
        if len(encodings.mean) < 2:
            warnings.warn(
                "too few faces with finite latents to fit a density to: left as it was.", stacklevel=2
            )
            return
        latents = encodings.sample(self.seed)
        mixture = density.fit(latents, self.components, self.seed, self.model.density, ITERATIONS)
        if all(np.isfinite(part).all() for part in (mixture.weights, mixture.means, mixture.scales)):
            self.model.density = mixture
