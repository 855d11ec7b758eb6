"""The guide for app developers, for exports with and without the optional parts."""

import re

import pytest
from places import ROOT

from facevae.configuration.config import Config
from facevae.exporting.formats import ENCODER_FILE, FORMATS, preferred_decoder
from facevae.exporting.guide import CODE, mobile_guide
from facevae.exporting.model_card import eye_positions
from facevae.synthetic_faces import ATTRIBUTE_NAMES

SMALLEST = FORMATS["dynamic_int8"].file
PUBLISHED = ROOT / "docs" / "mobile.md"
DETECTORS = {"face_detection_full_range.tflite", "face_detection_short_range.tflite"}
SIZE, LATENT_DIM = 64, 128
IMAGE, IMAGE_UINT8 = ([1, SIZE, SIZE, 3], "float32"), ([1, SIZE, SIZE, 4], "uint8")


def numbers(count):
    return [1, count], "float32"


def card(attributes=(), density=False, dimensions=((0, -1.0, 1.0),), data="synthetic_faces"):
    """The entries of a model card that the guide uses."""
    latent, noise = {"latent": numbers(LATENT_DIM)}, LATENT_DIM + density
    means = {"mean": numbers(LATENT_DIM), "log_variance": numbers(LATENT_DIM)}
    edited = {**latent, "strengths": numbers(len(attributes))}
    sampled = {"image": IMAGE, **latent}
    signatures = {
        "decode": {"inputs": latent, "outputs": {"image": IMAGE}},
        "decode_uint8": {"inputs": latent, "outputs": {"image": IMAGE_UINT8}},
        "edit": {"inputs": edited, "outputs": {"image": IMAGE}},
        "sample": {"inputs": {"noise": numbers(noise)}, "outputs": sampled},
        "encode": {"inputs": {"image": IMAGE}, "outputs": means},
        "encode_uint8": {"inputs": {"image": IMAGE_UINT8}, "outputs": means},
    }
    missing = {"edit": not attributes, "sample": not density}
    return {
        "image_size": SIZE,
        "latent_dim": LATENT_DIM,
        "attributes": [{"name": name, "minimum": -4.0, "maximum": 4.0} for name in attributes],
        "strongest_dimensions": [
            {"dimension": d, "minimum": low, "maximum": high} for d, low, high in dimensions
        ],
        **eye_positions(Config(data=data, image_size=SIZE), {}),
        "sampling": {"noise": noise},
        "signatures": {name: sides for name, sides in signatures.items() if not missing.get(name)},
    }


def test_the_published_guide_is_that_of_a_model_of_synthetic_faces():
    published = PUBLISHED.read_text(encoding="utf-8")
    rows = re.findall(r"^\| (\d+) \| (-?[\d.]+) \| (-?[\d.]+) \|$", published, re.MULTILINE)
    assert len(rows) == 12
    dimensions = [(int(dimension), float(low), float(high)) for dimension, low, high in rows]
    facts = card(ATTRIBUTE_NAMES, density=True, dimensions=dimensions)
    assert mobile_guide(facts, SMALLEST, ENCODER_FILE) == published


def without_code(guide):
    """The guide's own words: the code is the same in every guide."""
    return re.sub(r"^```(kotlin|swift)\n.*?^```$", "", guide, flags=re.DOTALL | re.MULTILINE)


def test_the_guide_says_what_an_export_does_not_have():
    guide = mobile_guide(card(data="/some/faces"), SMALLEST, ENCODER_FILE)
    for text in ("| `edit`", "| `sample`", "## Attributes", "## Photographs", "@"):
        assert text not in without_code(guide), text
    assert "This export has no `edit`" in guide
    assert "This export has no `sample`" in guide
    assert "This export has no encoder" not in guide
    assert guide.endswith("| 0 | -1.0 | 1.0 |\n")


def test_the_guide_of_a_whole_export_says_nothing_of_missing_parts():
    guide = mobile_guide(card(ATTRIBUTE_NAMES, density=True), SMALLEST, ENCODER_FILE)
    assert "This export has no" not in guide
    assert "@" not in without_code(guide)


def test_the_guide_shows_each_file_of_the_code_as_it_is():
    guide = mobile_guide(card(ATTRIBUTE_NAMES, density=True), SMALLEST, ENCODER_FILE)
    shown = re.findall(r"^`(\S+)`:\n\n```(\w+)\n(.*?)^```$", guide, re.DOTALL | re.MULTILINE)
    code = {name: text for name, _, text in shown if name != "app/build.gradle.kts"}
    assert len(code) == 7
    assert code == {file.name: file.read_text(encoding="utf-8") for file in CODE.iterdir()}
    assert {language for _, language, _ in shown} == {"kotlin", "swift"}


@pytest.mark.parametrize(
    ("formats", "preferred"),
    [
        (("float32", "float16", "dynamic_int8", "int8"), "dynamic_int8"),
        (("float32", "float16", "int8"), "int8"),
        (("float16", "float32"), "float16"),
        (("float32",), "float32"),
    ],
)
def test_the_guide_loads_the_preferred_decoder_and_no_other(formats, preferred):
    files = {FORMATS[form].file for form in formats}
    decoder = preferred_decoder(files | {ENCODER_FILE})
    assert decoder == FORMATS[preferred].file
    guide = mobile_guide(card(ATTRIBUTE_NAMES, density=True), decoder, ENCODER_FILE)
    named = set(re.findall(r"\w+\.tflite", guide))
    assert named == {decoder, ENCODER_FILE, "decoder.tflite", *DETECTORS}
    assert f"| `{decoder}` | `decoder.tflite` |" in guide


def test_no_decoder_is_preferred_where_there_is_none():
    assert preferred_decoder({ENCODER_FILE}) is None


def test_the_guide_does_not_tell_to_copy_an_encoder_that_was_removed():
    words = without_code(mobile_guide(card(ATTRIBUTE_NAMES, density=True), SMALLEST, None))
    assert ENCODER_FILE not in words
    assert "encode_uint8" not in words
    assert "## Photographs" not in words
    assert "This export has no encoder" in words
