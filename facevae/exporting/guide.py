"""Writes the guide for app developers, with the names, shapes and types of one export."""

import pathlib
import re
import string
from typing import Any

from facevae.command_line.text_table import markdown
from facevae.exporting.formats import DETECTORS, ENCODER_FILE
from facevae.face_finding.files import FULL_RANGE, SHORT_RANGE

TEMPLATE = pathlib.Path(__file__).with_name("mobile_guide.md")
# The code that the guide shows and the apps in examples/ consist of.
CODE = pathlib.Path(__file__).with_name("mobile_code")
ANDROID_RUNTIME = "com.google.ai.edge.litert:litert:2.3.2"
ANDROID_GPU = "com.google.ai.edge.litert:litert-gpu:2.3.2"
PLAY_SERVICES = "com.google.android.gms:play-services-litert:17.0.0"
IOS_BRANCH = "release/2.3.0"


class _Template(string.Template):
    delimiter = "@"


def mobile_guide(card: dict[str, Any], decoder: str, encoder: str | None) -> str:
    """Markdown that shows how an app on Android (Kotlin) or iOS (Swift) runs the files.

    Args:
        card: the model card of the export.
        decoder: name of the decoder file that the code loads.
        encoder: name of the encoder file; None where the export has none.
    """
    signatures = {
        name: sides for name, sides in card["signatures"].items() if encoder or not name.startswith("encode")
    }
    parts = {
        "attributes": bool(card["attributes"]),
        "encoder": encoder is not None,
        "photographs": bool(card["seen_eyes"]) and encoder is not None,
        "no_edit": "edit" not in signatures,
        "no_sample": "sample" not in signatures,
        "no_encoder": encoder is None,
    }
    # The lines from `@if NAME` to `@end` are kept where `parts[NAME]` is true.
    text = re.sub(
        r"^@if (\w+)\n(.*?)^@end\n",
        lambda part: part[2] if parts[part[1]] else "",
        TEMPLATE.read_text(encoding="utf-8"),
        flags=re.DOTALL | re.MULTILINE,
    )
    size = card["image_size"]
    return _Template(text).substitute(
        _code_blocks(),
        android_gpu=ANDROID_GPU,
        android_runtime=ANDROID_RUNTIME,
        attributes=_attribute_table(card),
        decoder=decoder,
        encoder=encoder,
        detectors=DETECTORS,
        dimensions=_dimension_table(card),
        eyes=_positions(card["eyes"], size),
        full_range=FULL_RANGE.file,
        ios_branch=IOS_BRANCH,
        latent_dim=card["latent_dim"],
        play_services=PLAY_SERVICES,
        seen_eyes=_positions(card["seen_eyes"], size),
        short_range=SHORT_RANGE.file,
        signatures=_signature_table(signatures),
        size=size,
    )


def _positions(eyes, size):
    return " and ".join(f"({x * size:.1f}, {y * size:.1f})" for x, y in eyes or ())


def _code_blocks():
    """Each file of the code as a block with its name above it, by that name with `_` for the dot."""
    languages = {".kt": "kotlin", ".swift": "swift"}
    return {
        f"{file.stem}_{file.suffix[1:]}": f"`{file.name}`:\n\n"
        f"```{languages[file.suffix]}\n{file.read_text(encoding='utf-8')}```"
        for file in CODE.iterdir()
    }


def _signature_table(signatures):
    rows = []
    for name, sides in signatures.items():
        file = ENCODER_FILE if name.startswith("encode") else "decoder_*.tflite"
        inputs, outputs = (
            ", ".join(f"`{key}: {dtype}{shape}`" for key, (shape, dtype) in sides[side].items())
            for side in ("inputs", "outputs")
        )
        rows.append((f"`{name}`", file, inputs, outputs))
    return markdown(("signature", "file", "inputs", "outputs"), rows, "llll")


def _attribute_table(card):
    rows = [
        (index, attribute["name"], attribute["minimum"], attribute["maximum"])
        for index, attribute in enumerate(card["attributes"])
    ]
    return markdown(("index", "name", "from", "to"), rows, "rlrr")


def _dimension_table(card):
    rows = [(d["dimension"], d["minimum"], d["maximum"]) for d in card["strongest_dimensions"]]
    return markdown(("dimension", "from", "to"), rows, "rrr")
