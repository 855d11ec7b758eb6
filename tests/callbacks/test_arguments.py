"""What callbacks are given and cannot show, their constructors refuse in a sentence that names the argument."""

import inspect
import re

import numpy as np
import pytest
import tensorflow as tf
from callback_helpers import faces_of

from callbacks import (
    AttributeEditPictures,
    CustomScalarsLayout,
    EmbeddingProjector,
    FitDensity,
    HyperParameters,
    InterpolationPictures,
    LatentFigures,
    LatentStatistics,
    MachineUse,
    Profile,
    RateDistortionFigure,
    ReconstructionPictures,
    RunText,
    SamplePictures,
    Scalars,
    SharedEncoding,
    StepCurves,
    TraversalPictures,
)
from facevae.configuration.config import Config
from facevae.errors import UserError

IMAGES = np.random.default_rng(0).integers(0, 256, (6, 16, 16, 3), np.uint8)
YES_AND_NO = np.array([[0, 1], [1, 0], [1, 1], [0, 0], [0, 1], [1, 1]], np.uint8)
NAMES = ["Smiling", "Young"]


@pytest.fixture(scope="module")
def faces():
    return faces_of(IMAGES)


# ------------------------------------------------------------------------------
# SharedEncoding
# ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "attributes",
    [
        YES_AND_NO,
        YES_AND_NO.astype(bool),
        YES_AND_NO.astype(np.float64),
        YES_AND_NO.astype(int) * 2 - 1,
        YES_AND_NO.astype(np.float32) * 2 - 1,
        YES_AND_NO.tolist(),
        tf.constant(YES_AND_NO),
    ],
    ids=["uint8", "bool", "float", "-1 and 1", "-1.0 and 1.0", "lists", "tensor"],
)
def test_attributes_are_0_and_1_in_whichever_form_they_come(attributes):
    shown = SharedEncoding(IMAGES, attributes, NAMES)
    assert shown.attributes.dtype == np.uint8
    np.testing.assert_array_equal(shown.attributes, YES_AND_NO)


def _with(value):
    attributes = YES_AND_NO.astype(np.float32)
    attributes[2, 1] = value
    return attributes


@pytest.mark.parametrize(
    ("attributes", "names", "message"),
    [
        (_with(np.nan), NAMES, "attributes: expected 0 and 1, or -1 and 1, received nan (face 2, Young)"),
        (_with(2), NAMES, "attributes: expected 0 and 1, or -1 and 1, received 2 (face 2, Young)"),
        (_with(0.5), NAMES, "received 0.5 (face 2, Young)"),
        (_with(np.inf), NAMES, "received inf (face 2, Young)"),
        (_with(-1), NAMES, "received 0, beside -1 (face 0, Smiling)"),
        (YES_AND_NO * 255, NAMES, "received 255 (face 0, Young)"),
        (YES_AND_NO.astype(str), NAMES, "attributes: expected numbers, [6, 2], received an array of <U3"),
        (YES_AND_NO.astype(complex), NAMES, "received an array of complex128"),
        ("yes", NAMES, "attributes: expected numbers, [6, 2], received 'yes'"),
        ([[0], [1, 0]], NAMES, "attributes: expected numbers, [6, 2], received [[0], [1, 0]]"),
        (YES_AND_NO[:5], NAMES, "attributes: expected [6, 2] for these images and names, received [5, 2]"),
        (YES_AND_NO[:, 0], NAMES[:1], "attributes: expected [6, 1] for these images and names, received [6]"),
        (YES_AND_NO, NAMES[:1], "attributes: expected [6, 1] for these images and names, received [6, 2]"),
        (
            YES_AND_NO,
            [],
            "attribute_names: expected 2 names, one for each column of attributes, received none",
        ),
        (None, NAMES, "attributes: expected [6, 2] for these images and names, received None"),
        (YES_AND_NO, "SY", "attribute_names: expected a list of names, received 'SY'"),
        (YES_AND_NO, None, "attribute_names: expected a list of names, received None"),
        (YES_AND_NO, 2, "attribute_names: expected a list of names, received 2"),
        (YES_AND_NO, [1, 2], "attribute_names: expected names that are text and not blank, received 1"),
        (YES_AND_NO, [b"a", b"b"], "expected names that are text and not blank, received b'a'"),
        (YES_AND_NO, ["a", " "], "expected names that are text and not blank, received ' '"),
        (YES_AND_NO, ["a", "a"], "attribute_names: expected each name once, received 'a' twice"),
    ],
)
def test_attributes_that_say_neither_yes_nor_no_are_refused(attributes, names, message):
    with pytest.raises(UserError, match=re.escape(message)):
        SharedEncoding(IMAGES, attributes, names)


@pytest.mark.parametrize(
    ("images", "message"),
    [
        (None, "images: expected an array, [faces, height, width, 3], received None"),
        ("faces.npy", "expected an array, [faces, height, width, 3], received 'faces.npy'"),
        (IMAGES.astype(str), "expected an array, [faces, height, width, 3], received an array of <U3"),
        ([IMAGES[0], IMAGES[0, :5]], "expected an array, [faces, height, width, 3], received a list"),
        (IMAGES.astype(np.int64), "expected uint8 in [0, 255] or float32 in [0, 1], received int64. Convert"),
        (IMAGES > 100, "expected uint8 in [0, 255] or float32 in [0, 1], received bool"),
        (IMAGES[0], "received [16, 16, 3]. Put a single image into an array of one: images[None]"),
        (IMAGES[..., :1], "received [6, 16, 16, 1]. Repeat the grey channel"),
        (IMAGES.repeat(2, -1)[..., :4], "received [6, 16, 16, 4]. Leave out the opacity"),
        (np.moveaxis(IMAGES, -1, 1), "received [6, 3, 16, 16]. Put the channels last"),
        (IMAGES[:, :0], "expected at least one image, [faces, height, width, 3], received [6, 0, 16, 3]"),
    ],
)
def test_images_of_other_types_and_shapes_are_refused(images, message):
    with pytest.raises(UserError, match=re.escape(message)):
        SharedEncoding(images)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_floats_in_their_range_become_float32(dtype):
    shown = SharedEncoding((IMAGES / 255.0).astype(dtype))
    assert shown.images.dtype == np.float32
    np.testing.assert_allclose(shown.originals(np.arange(6)), IMAGES / 255.0, atol=1e-3)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"records": IMAGES}, "records: expected a Records, received an array of uint8"),
        ({"count": 0}, "count: expected a whole number from 1 to 1,000,000,000, received 0"),
        ({"count": 2.5}, "count: expected a whole number from 1 to 1,000,000,000, received 2.5"),
        ({"seed": -1}, "seed: expected at least 0 and at most 2147483647, received -1"),
        ({"attribute_names": "Smiling"}, "attribute_names: expected a list of names, received 'Smiling'"),
    ],
)
def test_faces_of_a_split_are_asked_for_within_limits(arguments, message, blob_dataset):
    with pytest.raises(UserError, match=re.escape(message)):
        SharedEncoding.of_records(**{"records": blob_dataset.validation, **arguments})


# ------------------------------------------------------------------------------
# Every callback
# ------------------------------------------------------------------------------

WRONG_COUNTS = [0, -1, 1.5, "4", True, None, float("nan"), 10**9, [1, 2]]
COUNTS = {
    "count": (ReconstructionPictures, SamplePictures),
    "dimensions": (TraversalPictures, LatentFigures),
    "pairs": (InterpolationPictures,),
}


@pytest.mark.parametrize(("name", "kind"), [(name, kind) for name, kinds in COUNTS.items() for kind in kinds])
def test_a_count_is_a_whole_number_within_its_limits(name, kind, faces, tmp_path):
    for value in WRONG_COUNTS:
        with pytest.raises(UserError, match=rf"^{name}: expected a whole number from 1 to 1,024, received "):
            kind(faces, tmp_path, **{name: value})
    assert getattr(kind(faces, tmp_path, **{name: np.int64(3)}), name) == 3


REFUSED = [
    (SamplePictures, {"seed": "a"}, "seed: expected a whole number, received 'a'"),
    (SamplePictures, {"seed": -1}, "seed: expected at least 0 and at most 2147483647, received -1"),
    (EmbeddingProjector, {"prior_samples": -1}, "prior_samples: expected a whole number from 0 to 100,000"),
    (AttributeEditPictures, {"attributes": []}, "expected some of Attribute_0, Attribute_1, received none"),
    (
        AttributeEditPictures,
        {"attributes": "Attribute_0"},
        "expected a list of names, received 'Attribute_0'",
    ),
    (
        AttributeEditPictures,
        {"attributes": ["Attribute_0"] * 2},
        "each name once, received 'Attribute_0' twice",
    ),
    (AttributeEditPictures, {"attributes": [0]}, "expected names that are text and not blank, received 0"),
    (
        AttributeEditPictures,
        {"attributes": ["Bald"]},
        "expected some of Attribute_0, Attribute_1, received Bald",
    ),
    (FitDensity, {"components": 0}, "components: expected a whole number from 1 to 100, received 0"),
    (FitDensity, {"seed": 2**40}, "seed: expected at least 0 and at most 2147483647"),
    (Scalars, {"batch_size": 0}, "batch_size: expected at least 1 and at most 65536, received 0"),
    (Scalars, {"batch_size": None}, "batch_size: expected a whole number, received None"),
    (Profile, {"first_step": -1}, "first_step: expected a whole number from 0 to 1,000,000,000, received -1"),
    (StepCurves, {"every": 0}, "every: expected a whole number from 1 to 1,000,000,000, received 0"),
    (Profile, {"steps": 0}, "steps: expected a whole number from 1 to 1,000,000,000, received 0"),
    (RunText, {"texts": "hello"}, "texts: expected a mapping, received 'hello'"),
    (RunText, {"texts": {"a": 5}}, "texts: a: expected text, received 5"),
    (RunText, {"texts": {5: "a"}}, "texts: expected names that are text and not blank, received 5"),
    (HyperParameters, {"values": None}, "values: expected a mapping, received None"),
    (
        HyperParameters,
        {"values": Config()},
        "values: expected a mapping, received a Config. Give values by name",
    ),
    (HyperParameters, {"values": {1: 2}}, "values: expected names that are text and not blank, received 1"),
    (HyperParameters, {"values": {}, "name": 5}, "name: expected text, received 5"),
]


def _made(kind, faces, log_dir, **arguments):
    required = {"faces": faces, "log_dir": log_dir, "batch_size": 8, "texts": {}, "values": {}}
    wanted = inspect.signature(kind).parameters
    return kind(**{**{name: value for name, value in required.items() if name in wanted}, **arguments})


@pytest.mark.parametrize(("kind", "arguments", "message"), REFUSED)
def test_an_argument_is_refused_by_its_name(kind, arguments, message, faces, tmp_path):
    with pytest.raises(UserError, match=re.escape(message)):
        _made(kind, faces, tmp_path, **arguments)


WITH_LOGS = [
    *(
        ReconstructionPictures,
        SamplePictures,
        TraversalPictures,
        InterpolationPictures,
        AttributeEditPictures,
    ),
    *(LatentStatistics, LatentFigures, EmbeddingProjector, RateDistortionFigure, CustomScalarsLayout),
    *(HyperParameters, RunText, Scalars, Profile, StepCurves, MachineUse),
]


@pytest.mark.parametrize("kind", WITH_LOGS)
def test_a_log_folder_is_a_folder(kind, faces, tmp_path):
    file = tmp_path / "file"
    file.write_text("in the way")
    for wrong in (None, 5, "", b"logs", "a\0b", "gs://bucket/logs", faces):
        with pytest.raises(UserError, match=r"^log_dir: expected a folder of this machine, received .*Give"):
            _made(kind, faces, wrong)
    for wrong in (file, file / "logs", str(file / "a" / "b")):
        with pytest.raises(UserError, match=r"^log_dir: expected a folder, .* is a file\. Give another path"):
            _made(kind, faces, wrong)
    assert [path.name for path in tmp_path.iterdir()] == ["file"]  # nothing is made before training begins


@pytest.mark.parametrize("kind", [*WITH_LOGS[:8], FitDensity])
def test_faces_are_a_shared_encoding(kind, tmp_path):
    for wrong in (IMAGES, None, "faces"):
        with pytest.raises(
            UserError, match=r"^faces: expected a SharedEncoding, received .*Make one of your"
        ):
            _made(kind, wrong, tmp_path)


def test_values_of_hyper_parameters_are_numbers_where_they_are(tmp_path):
    given = {"a": np.float32(2.0), "b": np.int64(3), "c": True, "d": "text", "e": float("nan"), "f": 10**400}
    values = HyperParameters(tmp_path, given).values
    assert {name: values[name] for name in "abcde"} == {
        "a": 2.0,
        "b": 3.0,
        "c": True,
        "d": "text",
        "e": "nan",
    }
    assert values["f"] == str(10**400)


def test_more_points_than_thumbnails_fit_are_refused(tmp_path, faces, monkeypatch):
    monkeypatch.setattr("facevae.tensorboard.projector.LARGEST_SHEET", 24)
    with pytest.raises(UserError, match=r"thumbnails: expected at most 9 points, received 10\. Show fewer"):
        EmbeddingProjector(faces, tmp_path)
