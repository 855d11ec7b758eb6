"""Latents of new faces, drawn from the prior or the density, of all kinds or with given attributes."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from facevae import arguments
from facevae.configuration.config import MOST_COUNT, check_settings
from facevae.errors import UserError

if TYPE_CHECKING:
    from facevae.model.vae import VAE

MOST_TEMPERATURE = 10.0


def sample_latents(
    model: "VAE",
    count: int,
    seed: int,
    sample_from: str | None,
    temperature: float,
    attributes: Mapping[str, bool] | None,
) -> np.ndarray:
    """What `VAE.sample_latents` documents, with its arguments."""
    count = arguments.whole_number("count", count, 0, MOST_COUNT)
    seed = check_settings({"seed": seed})["seed"]
    temperature = arguments.real_number("temperature", temperature, 0.0, MOST_TEMPERATURE)
    if attributes:
        if model.sample_with_attributes is None:
            raise UserError(
                "attributes: expected none, because this model knows of no attributes. "
                "Load the model of a run by facevae.load."
            )

        def draw(number: int, its_seed: int) -> np.ndarray:
            return sample_latents(model, number, its_seed, sample_from, temperature, None)

        return model.sample_with_attributes(attributes, count, seed, draw)
    density = model.density
    if sample_from is None:
        sample_from = model.sample_from if density is not None else "prior"
    if sample_from not in ("prior", "density"):
        raise UserError(
            f"sample_from: expected prior or density, received {sample_from!r}. Leave it out for the model's own."
        )
    if sample_from == "density":
        if density is None:
            raise UserError(
                "sample_from: expected prior, received density: this model has no fitted density. "
                "Leave sample_from out, or set `density` first."
            )
        return density.sample(count, seed, temperature)
    noise = np.random.default_rng(seed).standard_normal((count, model.latent_dim), dtype=np.float32)
    return np.float32(temperature) * noise
