"""Icons of the web page, made from the model's own faces."""

import pathlib

import numpy as np
from PIL import Image

from facevae.exporting.graphs import ExportedModel
from facevae.figures import as_bytes

TEMPERATURE = 0.5  # close to the typical face: small pictures must be clear ones
SEED = 4
SIDES = (32, 180, 192, 512)  # browsers' tabs, iPhones, Android, and its start screen


def icon_faces(exported: ExportedModel) -> np.ndarray:
    """Four new faces of a model, `float32[4, size, size, 3]` in [0, 1]; the same at every export."""
    random = np.random.default_rng(SEED)
    noise = random.standard_normal((4, exported.model.latent_dim + 1), dtype=np.float32)
    noise[:, :-1] *= TEMPERATURE  # the last number chooses a component of the density
    latents = exported.density.latents(noise) if exported.density else noise[:, :-1]
    return np.asarray(exported.model.decode_all(latents))


def write_icons(folder: pathlib.Path, faces: np.ndarray) -> list[dict[str, str]]:
    """Writes `icon-<side>.png` for each side: one face in the smallest, four in the others.

    Args:
        folder: where they are written.
        faces: `float32[4, size, size, 3]` in [0, 1].

    Returns:
        The icons as a web manifest lists them.
    """
    levels = as_bytes(faces)
    mosaic = np.concatenate([np.concatenate(row, axis=1) for row in (levels[:2], levels[2:])], axis=0)
    icons = []
    for side in SIDES:
        picture = Image.fromarray(levels[0] if side == min(SIDES) else mosaic)
        name = f"icon-{side}.png"
        picture.resize((side, side), Image.Resampling.BICUBIC).save(folder / name, optimize=True)
        icons.append({"src": name, "sizes": f"{side}x{side}", "type": "image/png", "purpose": "any"})
        if side == max(SIDES):
            icons.append({**icons[-1], "purpose": "maskable"})
    return icons
