"""Named configurations: what each is for, what it costs, what to expect from it."""

import dataclasses
import textwrap
from typing import Any


@dataclasses.dataclass(frozen=True)
class Preset:
    """Fields of `Config` that differ from its defaults, and why one would choose them."""

    description: str
    overrides: dict[str, Any] = dataclasses.field(default_factory=dict)

    def help_text(self, name: str) -> str:
        """A block for `--help`: the description, then the fields that the preset sets."""
        settings = (
            ", ".join(f"{key} {value}" for key, value in self.overrides.items()) or "the defaults above"
        )
        body = textwrap.fill(f"{self.description} [{settings}]", 96, break_on_hyphens=False)
        return f"  {name}\n{textwrap.indent(body, '    ')}"


PRESETS: dict[str, Preset] = {
    "demo": Preset(
        "python train.py: synthetic faces at 64x64, no download. On two processor cores 4 to 5 minutes in all, of "
        "which 3.5 are training; validation error (mse) about 0.0022."
    ),
    "reference": Preset(
        "python train.py --preset reference --data FOLDER: the classic VAE tutorial network for 128x128 faces, for "
        "comparison. About 180 faces a second on two processor cores; after 48 seconds on 2,400 photographs an error "
        "(mse) of 0.046. Its faces are blurred and its samples grey.",
        {
            "image_size": 128,
            "network": "reference",
            "latent_dim": 200,
            "dropout": 0.25,
            "likelihood": "weighted_mse",
            "sample_from": "prior",
            "density_components": 0,
            "batch_size": 32,
            "optimizer": "adam",
            "learning_rate": 5e-4,
            "schedule": "constant",
            "epochs": 50,
            "minutes": None,
        },
    ),
    "celeba64": Preset(
        "python train.py --preset celeba64 [--data FOLDER]: CelebA at 64x64. On two processor cores 10 minutes (46 "
        "epochs of 6,500 photographs) reach a test error (mse) of 0.0037, where the reference has 0.0110; 40 minutes "
        "give the same error and sharper faces.",
        {"data": "celeb_a", "shift": 2, "latent_dim": 200, "epochs": 30, "minutes": None},
    ),
    "celeba128": Preset(
        "python train.py --preset celeba128 [--data FOLDER]: CelebA at 128x128. On two processor cores that also "
        "did other work, 26 epochs of 2,400 photographs (5 minutes) reach a validation error (mse) of 0.0052.",
        {
            "data": "celeb_a",
            "image_size": 128,
            "latent_dim": 200,
            "epochs": 30,
            "minutes": None,
        },
    ),
}
