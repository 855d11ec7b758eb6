"""Writes the guide for app developers, with the names, shapes and types of one export."""

import pathlib
import re
import string
from typing import Any

from facevae.command_line.text_table import markdown
from facevae.exporting.formats import ENCODER_FILE

TEMPLATE = pathlib.Path(__file__).with_name("mobile_guide.md")
ANDROID_RUNTIME = "com.google.ai.edge.litert:litert:2.1.5"
ANDROID_PAGE = "https://ai.google.dev/edge/litert/android"
IOS_RUNTIME = "TensorFlowLiteSwift 2.17.0"
IOS_PAGE = "https://ai.google.dev/edge/litert/ios/quickstart"


class _Template(string.Template):
    delimiter = "@"  # `$` is part of Kotlin's and Swift's syntax


def mobile_guide(card: dict[str, Any], decoder: str, encoder: str | None) -> str:
    """Markdown that shows how an app on Android (Kotlin) or iOS (Swift) runs the files.

    Args:
        card: the model card of the export.
        decoder: name of the decoder file that the code loads.
        encoder: name of the encoder file; None where the export has none.
    """
    size = card["image_size"]
    signatures = {
        name: sides for name, sides in card["signatures"].items() if encoder or not name.startswith("encode")
    }
    pod, pod_version = IOS_RUNTIME.split()
    parts = {
        "attributes": bool(card["attributes"]),
        "sample": "sample" in card["signatures"],
        "photographs": bool(card["eyes"]) and encoder is not None,
    }
    # The lines from `@if NAME` to `@end` are kept where `parts[NAME]` is true.
    text = re.sub(
        r"^@if (\w+)\n(.*?)^@end\n",
        lambda part: part[2] if parts[part[1]] else "",
        TEMPLATE.read_text(encoding="utf-8"),
        flags=re.DOTALL | re.MULTILINE,
    )
    return _Template(text).substitute(
        android_page=ANDROID_PAGE,
        android_runtime=ANDROID_RUNTIME,
        attribute_count=len(card["attributes"]),
        attributes=_attribute_table(card),
        decoder=decoder,
        decoder_name=pathlib.PurePath(decoder).stem,
        dimensions=_dimension_table(card),
        eyes=" and ".join(f"({x * size:.1f}, {y * size:.1f})" for x, y in card["eyes"] or ()),
        float_count=3 * size * size,
        ios_page=IOS_PAGE,
        ios_runtime=IOS_RUNTIME,
        latent_dim=card["latent_dim"],
        noise=card["sampling"]["noise"],
        pixels=size * size,
        pod=pod,
        pod_version=pod_version,
        rgba_bytes=4 * size * size,
        row_bytes=4 * size,
        signatures=_signature_table(signatures),
        size=size,
    )


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
