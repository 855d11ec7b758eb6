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
    "demo": Preset("Synthetic faces at 64x64 on two processor cores, no download, under 5 minutes."),
    "reference": Preset(
        "The classic VAE tutorial network for 128x128 faces, 200 latent dimensions and 10000 x mean squared error, "
        "for comparison: its faces are blurred and its samples grey.",
        {
            "image_size": 128,
            "network": "reference",
            "latent_dim": 200,
            "dropout": 0.25,
            "likelihood": "weighted_mse",
            "sample_from": "prior",
            "density_components": 0,
            "batch_size": 32,
            "learning_rate": 5e-4,
            "schedule": "constant",
            "epochs": 50,
            "minutes": None,
        },
    ),
    "celeba64": Preset(
        "CelebA at 64x64, 200 latent dimensions.",
        {"data": "celeb_a", "blocks": 1, "batch_size": 64, "latent_dim": 200, "epochs": 30, "minutes": None},
    ),
    "celeba128": Preset(
        "CelebA at 128x128, 200 latent dimensions.",
        {
            "data": "celeb_a",
            "image_size": 128,
            "blocks": 1,
            "batch_size": 64,
            "latent_dim": 200,
            "epochs": 30,
            "minutes": None,
        },
    ),
}
