"""The model card: what the files hold, what they were trained on, what they are and are not for."""

import json
from typing import Any

import numpy as np

from facevae.config import Config
from facevae.data.alignment import training_frame
from facevae.encodings import Encodings
from facevae.exporting.examples import STRENGTH_RANGE
from facevae.exporting.graphs import ExportedModel
from facevae.exporting.sampling import divergence
from facevae.latents import dimensions_by_kl, kl_per_dimension

CARD_VERSION = 1
STRONGEST_DIMENSIONS = 12

# Labels that are somebody's opinion of a stranger, or tie together what need not belong together.
BIASED = ("Attractive", "Young", "Male", "Chubby", "Big_Nose", "Big_Lips", "Pale_Skin", "Heavy_Makeup")

_CELEBA_ONLY = "5_o_Clock_Shadow"  # no other set of face attributes uses this name
_CELEBA = {
    "name": "CelebA",
    "terms": "The CelebA images are for non-commercial research only and must not be redistributed; a model trained "
    "on them is meant for the same use.",
    "source": "Liu, Luo, Wang, Tang: Deep Learning Face Attributes in the Wild, ICCV 2015",
}
_SYNTHETIC = {
    "name": "synthetic_faces",
    "terms": "Drawn by this project's own program, under the project's licence; no photographs of people.",
    "source": "facevae.synthetic_faces",
}


def model_card(
    exported: ExportedModel, signatures: dict, encodings: Encodings, config: Config, data: dict[str, Any]
) -> dict[str, Any]:
    """Everything that an app needs to know about the files, ready for JSON.

    Args:
        exported: what is exported.
        signatures: of the .tflite files, see `checks.run_checks`.
        encodings: of training faces.
        config: of the run.
        data: the run's description of its data set.
    """
    model = exported.model
    names = list(data.get("attribute_names", ())) if exported.directions is not None else []
    minimum, maximum = STRENGTH_RANGE
    card = {
        "card_version": CARD_VERSION,
        "image_size": model.image_size,
        "latent_dim": model.latent_dim,
        "attributes": [{"name": name, "minimum": minimum, "maximum": maximum} for name in names],
        "strongest_dimensions": strongest_dimensions(encodings),
        "average_latent": [round(float(value), 5) for value in encodings.mean.mean(axis=0)],
        "eyes": eye_positions(config, data),
        "sampling": {"from": "prior", "noise": model.latent_dim},
        "signatures": signatures,
        "network": {"family": model.network, "preset": config.preset, "likelihood": model.likelihood},
        "training_data": training_data(config, data),
        "intended_use": "Making, morphing and editing pictures of faces that belong to nobody: teaching, research, "
        "design, entertainment. The faces show nobody and identify nobody.",
        "not_for": "Recognising, identifying or judging real people, or passing a picture off as a photograph.",
        "bias": bias(names, config.data == "synthetic_faces"),
    }
    if exported.density and model.density:
        card["sampling"] = {
            "from": "density",
            "noise": model.latent_dim + 1,
            "cost_nats": round(divergence(model.density, exported.density), 3),
        }
    return card


def strongest_dimensions(encodings: Encodings) -> list[dict[str, float]]:
    """The latent dimensions that carry most, with their ranges over the training faces (mean ± 3 deviations)."""
    kl = kl_per_dimension(encodings.mean, encodings.log_variance)
    order = dimensions_by_kl(encodings.mean, encodings.log_variance)
    found = []
    for dimension in order[:STRONGEST_DIMENSIONS]:
        values = encodings.mean[:, dimension]
        middle, reach = float(values.mean()), 3.0 * max(float(values.std()), 1e-3)
        found.append(
            {
                "dimension": int(dimension),
                "kl_nats": round(float(kl[dimension]), 4),
                "minimum": round(middle - reach, 4),
                "maximum": round(middle + reach, 4),
            }
        )
    return found


def is_celeba(config: Config, data: dict[str, Any]) -> bool:
    """Whether a run learned CelebA, from tensorflow-datasets or from a folder."""
    names = data.get("attribute_names", ())
    return config.data == "celeb_a" or (_CELEBA_ONLY in names and config.data != "synthetic_faces")


def training_data(config: Config, data: dict[str, Any]) -> dict[str, str]:
    """Name, terms of use and source of the training pictures."""
    if config.data == "synthetic_faces":
        return _SYNTHETIC
    if is_celeba(config, data):
        return _CELEBA
    return {
        "name": str(data.get("name", "a folder of pictures")),
        "terms": "Unknown to facevae: ask whoever trained this model, and respect the terms of its pictures.",
        "source": "the person who trained this model",
    }


def bias(names: list[str], drawn: bool) -> str:
    """What to expect of the attributes that a run has, `drawn` by a program or labelled by people."""
    text = "The faces are as varied as the training pictures, no more: kinds of people rare in those come out worse."
    if drawn:
        return f"{text} The attributes are switches of the program that draws the faces: caricatures, not people."
    if judged := [name for name in BIASED if name in names]:
        text += (
            f" The labels {', '.join(judged)} are opinions of annotators about strangers, or tie together what need "
            "not belong together: their sliders show the labels' prejudice, not a truth about anyone."
        )
    return text


def eye_positions(config: Config, data: dict[str, Any]) -> list[list[float]] | None:
    """Where the eyes of aligned faces lie, [[x, y], [x, y]] as shares of the picture; None where unknown."""
    if config.data != "synthetic_faces" and not is_celeba(config, data):
        return None
    frame = training_frame(config.data, config.crop, config.image_size)
    return [[round(coordinate / config.image_size, 4) for coordinate in eye] for eye in frame.eyes]


def as_json(card: dict[str, Any]) -> bytes:
    """The card as it stands in the files and beside them."""
    return json.dumps(card, indent=1, allow_nan=False, default=_plain).encode() + b"\n"


def _plain(value):
    if isinstance(value, np.generic):
        return value.item()
    raise TypeError(f"model card: expected JSON values, received {type(value).__name__}.")


def as_markdown(card: dict[str, Any], table: str) -> str:
    """The card for people, with the table of checks."""
    data, sampling = card["training_data"], card["sampling"]
    size, latent_dim = card["image_size"], card["latent_dim"]
    names = ", ".join(attribute["name"] for attribute in card["attributes"])
    editing = (
        f"`edit` moves a face along {len(card['attributes'])} attributes, strengths from {STRENGTH_RANGE[0]} to "
        f"{STRENGTH_RANGE[1]} (1 is the gap between faces without and with one): {names}."
        if names
        else "The training pictures have no attributes, so there is no `edit`; the strongest latent dimensions "
        f"({', '.join(str(d['dimension']) for d in card['strongest_dimensions'])}) serve instead."
    )
    if sampling["from"] == "density":
        drawing = (
            f"`sample` turns {sampling['noise']} numbers of N(0, 1) into a new face by a mixture fitted to the encoded "
            f"training faces; its compact form lies {sampling['cost_nats']} nats from the fitted one."
        )
    else:
        drawing = f"New faces come from {latent_dim} numbers of N(0, 1) given to `decode`."
    return f"""# Model card

A variational autoencoder of faces: pictures of {size}×{size} pixels, {latent_dim} latent dimensions, network
`{card["network"]["family"]}`, preset `{card["network"]["preset"]}`. Made by facevae.

**Training data**: {data["name"]} ({data["source"]}). {data["terms"]}

**Intended use**: {card["intended_use"]}

**Not for**: {card["not_for"]}

**Known bias**: {card["bias"]}

**Editing**: {editing}

**New faces**: {drawing}

**Files**, compared with the float32 model on encoded, sampled, stretched and edited latents:

```
{table}
```

The same facts for programs stand in `model_card.json`, and inside each .tflite file as its metadata entry
`facevae_model_card`.
"""
