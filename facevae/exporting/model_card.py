"""The model card: what the files contain, the training data, the intended use and the known bias."""

import json
from typing import Any

import numpy as np

from facevae.configuration.config import Config
from facevae.data.alignment import training_frame
from facevae.editing.face_attributes import FaceAttributes
from facevae.exporting.formats import METADATA_NAME
from facevae.exporting.graphs import ExportedModel
from facevae.exporting.sampling import divergence
from facevae.latents import dimensions_by_kl, kl_per_dimension
from facevae.run.encodings import Encodings

CARD_VERSION = 1
STRONGEST_DIMENSIONS = 12

# Labels that are an annotator's opinion of a stranger, or that combine traits which need not occur together.
BIASED = ("Attractive", "Young", "Male", "Chubby", "Big_Nose", "Big_Lips", "Pale_Skin", "Heavy_Makeup")

_CELEBA_ONLY = "5_o_Clock_Shadow"  # tells CelebA's labels from other attributes
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
    exported: ExportedModel,
    signatures: dict,
    encodings: Encodings,
    config: Config,
    data: dict[str, Any],
    temperature: float,
) -> dict[str, Any]:
    """All facts about the files that an app needs, as JSON values.

    Args:
        exported: what is exported.
        signatures: of the .tflite files, see `checks.run_checks`.
        encodings: of training faces.
        config: of the run.
        data: the run's description of its data set.
        temperature: at which new faces look best, see `facevae.run.viewing`.
    """
    model = exported.model
    names = list(exported.edits.names) if exported.edits else []
    card = {
        "card_version": CARD_VERSION,
        "image_size": model.image_size,
        "latent_dim": model.latent_dim,
        "attributes": attributes(exported.edits) if exported.edits else [],
        "strongest_dimensions": strongest_dimensions(encodings),
        "average_latent": [round(float(value), 5) for value in encodings.mean.mean(axis=0)],
        **eye_positions(config, data),
        "sampling": {"from": "prior", "noise": model.latent_dim, "temperature": temperature},
        "signatures": signatures,
        "network": {"family": model.network, "preset": config.preset, "likelihood": model.likelihood},
        "training_data": training_data(config, data),
        "intended_use": "Making, morphing and editing pictures of invented faces, for teaching, research, design and "
        "entertainment. The faces show no real people and identify nobody.",
        "not_for": "Recognising, identifying or judging real people, or presenting a picture as a photograph.",
        "bias": bias(names, config.data == "synthetic_faces"),
    }
    if exported.density and model.density:
        card["sampling"] = {
            "from": "density",
            "noise": model.latent_dim + 1,
            "temperature": temperature,
            "cost_nats": round(divergence(model.density, exported.density), 3),
        }
    return card


def attributes(edits: FaceAttributes) -> list[dict[str, Any]]:
    """Each attribute in the order of `edit`'s strengths: name, ends of a slider, and how clearly it alone changes."""
    return [
        {
            "name": name,
            "minimum": round(float(edits.minimum[index]), 2),
            "maximum": round(float(edits.maximum[index]), 2),
            "clearness": round(float(edits.clearness[index]), 3),
        }
        for index, name in enumerate(edits.names)
    ]


def strongest_dimensions(encodings: Encodings) -> list[dict[str, float]]:
    """The latent dimensions of largest KL divergence, with their ranges over training faces (mean ± 3 deviations)."""
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
    """Whether a run was trained on CelebA, from tensorflow-datasets or from a folder."""
    names = data.get("attribute_names", ())
    return config.data == "celeb_a" or (_CELEBA_ONLY in names and config.data != "synthetic_faces")


def training_data(config: Config, data: dict[str, Any]) -> dict[str, str]:
    """Name, terms of use and source of the training data."""
    if config.data == "synthetic_faces":
        return _SYNTHETIC
    if is_celeba(config, data):
        return _CELEBA
    return {
        "name": str(data.get("name", "a folder of pictures")),
        "terms": "Unknown to facevae: ask the person who trained this model, and respect the terms of its data.",
        "source": "the person who trained this model",
    }


def bias(names: list[str], drawn: bool) -> str:
    """The known bias of the faces and of the attributes.

    Args:
        names: of the attributes.
        drawn: whether the faces are the synthetic ones; otherwise people labelled the attributes.
    """
    text = "The faces are no more varied than the training images: people who are rare there are rendered less well."
    if drawn:
        return f"{text} The attributes are parameters of the program that draws the faces: caricatures, not people."
    if judged := [name for name in BIASED if name in names]:
        text += (
            f" The labels {', '.join(judged)} are opinions of annotators about strangers, or combine traits that "
            "need not occur together: their sliders show the prejudices of the labels, not facts about people."
        )
    return text


def eye_positions(config: Config, data: dict[str, Any]) -> dict[str, list[list[float]] | None]:
    """Where the eyes of aligned faces are: `eyes`, and `seen_eyes`, where the face detector sees them.

    Returns:
        [[x, y], [x, y]] each, as fractions of the image side; None where unknown.
    """
    if config.data != "synthetic_faces" and config.align != "on" and not is_celeba(config, data):
        return {"eyes": None, "seen_eyes": None}
    frame = training_frame(config.data, config.crop, config.image_size)
    return {
        name: [[round(coordinate / config.image_size, 4) for coordinate in eye] for eye in eyes]
        for name, eyes in (("eyes", frame.eyes), ("seen_eyes", frame.seen_eyes))
    }


def as_json(card: dict[str, Any]) -> bytes:
    """The card as it is stored in the files and beside them."""
    return json.dumps(card, indent=1, allow_nan=False, default=_plain).encode() + b"\n"


def _plain(value):
    if isinstance(value, np.generic):
        return value.item()
    raise TypeError(f"model card: expected JSON values, received {type(value).__name__}.")


def as_markdown(card: dict[str, Any], table: str) -> str:
    """The card as Markdown.

    Args:
        card: see `model_card`.
        table: of the checks, see `report.table`.
    """
    data, size, latent_dim = card["training_data"], card["image_size"], card["latent_dim"]
    return f"""# Model card

A variational autoencoder of faces: images of {size}×{size} pixels, {latent_dim} latent dimensions, network
`{card["network"]["family"]}`, preset `{card["network"]["preset"]}`. Made by facevae.

**Training data**: {data["name"]} ({data["source"]}). {data["terms"]}

**Intended use**: {card["intended_use"]}

**Not for**: {card["not_for"]}

**Known bias**: {card["bias"]}

**Editing**: {_editing(card)}

**New faces**: {_new_faces(card)}

**Files**, compared with the float32 model on encoded, sampled, stretched and edited latents:

```
{table}
```

Programs find the same facts in `model_card.json`, and in each .tflite file in its metadata entry
`{METADATA_NAME}`.
"""


def _editing(card):
    if names := [attribute["name"] for attribute in card["attributes"]]:
        return (
            f"`edit` changes {len(names)} attributes, the clearest first. At strength 1 the median face without one "
            "has gained it, at −1 the median face with one has lost it. Beyond `minimum` and `maximum` edited faces "
            f"leave those that the model knows. The attributes: {', '.join(names)}."
        )
    dimensions = ", ".join(str(entry["dimension"]) for entry in card["strongest_dimensions"])
    return (
        "There is no `edit`, because there are no attributes that the model can change; change the strongest latent "
        f"dimensions ({dimensions}) instead."
    )


def _new_faces(card):
    sampling = card["sampling"]
    best = f"Faces look best with {sampling['temperature']:g} times these numbers"
    if sampling["from"] != "density":
        return f"`decode` turns {card['latent_dim']} numbers of N(0, 1) into a new face. {best}."
    return (
        f"`sample` turns {sampling['noise']} numbers of N(0, 1) into a new face. It uses a mixture fitted to the "
        f"encoded training faces, in a compact form at a KL divergence of {sampling['cost_nats']} nats. "
        f"{best}, all but the last, which "
        "chooses the component; with 1 they have all the variety of the density."
    )
