"""Latents and attributes of faces whose attributes are correlated, as those of photographs are."""

import numpy as np


def correlated_faces(random, faces=20_000, latent_dim=16):
    """Latents built from known directions and attributes of which the second mostly comes with the first."""
    directions = random.standard_normal((3, latent_dim))
    first = random.random(faces) < 0.4
    second = random.random(faces) < np.where(first, 0.8, 0.1)
    third = random.random(faces) < 0.5
    attributes = np.stack([first, second, third], axis=1).astype(np.uint8)
    mean = attributes @ directions + 0.5 * random.standard_normal((faces, latent_dim))
    return mean.astype(np.float32), attributes, directions
