"""The checks of .tflite files find broken ones."""

import re

import numpy as np
import pytest
import tensorflow as tf

from facevae.errors import UserError
from facevae.exporting.checks import run_checks
from facevae.exporting.conversion import convert, first_reason
from facevae.exporting.sample_distance import NOTABLE_DISTANCE, SAMPLES, make_sample_sets
from facevae.exporting.tflite_file import finished, only_signatures, operations, read_metadata

CARD = b'{"a": "card"}'
SIZE = 8


class Decoder(tf.Module):
    """A minimal decoder: a matrix and a sigmoid."""

    def __init__(self, weights=None, function=None):
        super().__init__()
        random = np.random.default_rng(0)
        self.weights = tf.Variable(
            random.normal(size=(4, SIZE * SIZE * 3)) if weights is None else weights, dtype=tf.float32
        )
        self.function = function or (lambda decoder, latent: decoder.image(latent))

    def image(self, latent):
        return tf.reshape(tf.sigmoid(tf.matmul(latent, self.weights)), (1, SIZE, SIZE, 3))


def write(folder, decoder, allow_flex=False):
    """A .tflite file of a decoder with the one signature `decode`."""

    @tf.function(input_signature=[tf.TensorSpec((1, 4), tf.float32, "latent")])
    def decode(latent):
        return {"image": decoder.function(decoder, latent)}

    tf.saved_model.save(decoder, str(folder / "saved_model"), signatures={"decode": decode})
    path = folder / "decoder.tflite"
    if allow_flex:
        converter = tf.lite.TFLiteConverter.from_saved_model(
            str(folder / "saved_model"), signature_keys=["decode"]
        )
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS, tf.lite.OpsSet.SELECT_TF_OPS]
        content = converter.convert()
    else:
        content = convert(folder / "saved_model", ["decode"], "float32", {})
    path.write_bytes(finished(content, CARD))
    return path


def decoded(decoder, latents):
    return np.concatenate([decoder.image(latents[i : i + 1]) for i in range(len(latents))])


def check(path, shape=(1, SIZE, SIZE, 3), card=CARD, reference=None, samples=None):
    latents = np.random.default_rng(1).normal(size=(12, 4)).astype(np.float32)
    images = decoded(reference or Decoder(), latents)
    signatures = {
        "decode": {"inputs": {"latent": [[1, 4], "float32"]}, "outputs": {"image": [list(shape), "float32"]}}
    }
    return run_checks(
        path, signatures, {"decode": {"latent": latents}}, {"decode": {"image": images}}, card, samples
    )


def test_a_good_file_passes(tmp_path):
    result = check(write(tmp_path, Decoder()))
    assert result.problems == []
    assert result.largest_error < 1e-6
    assert result.psnr > 100.0
    assert result.delegated is True
    assert result.milliseconds > 0.0
    assert result.load_milliseconds > 0.0


@pytest.mark.parametrize(
    ("contrast", "notable", "levels"), [(1.0, False, 0.0), (0.8, True, 255.0 * 0.2 * 0.3)]
)
def test_new_faces_are_judged_as_pictures(tmp_path, contrast, notable, levels):
    latents = np.random.default_rng(2).normal(size=(2 * SAMPLES, 4)).astype(np.float32)
    samples = make_sample_sets(latents, decoded(Decoder(), latents))
    pale = Decoder(function=lambda d, latent: 0.5 + contrast * (d.image(latent) - 0.5))
    result = check(write(tmp_path, pale), samples=samples)
    assert (result.sample_distance > NOTABLE_DISTANCE) == notable
    assert result.sample_error == pytest.approx(levels, rel=0.3, abs=1e-3)


@pytest.mark.parametrize(
    ("decoder", "problem"),
    [
        (Decoder(np.full((4, SIZE * SIZE * 3), np.nan)), "image holds NaN or infinity"),
        (Decoder(np.zeros((4, SIZE * SIZE * 3))), "constant output"),
        (Decoder(function=lambda d, latent: 2.0 * d.image(latent)), "pixels from .* expected 0 to 1"),
        (
            Decoder(-np.random.default_rng(0).normal(size=(4, SIZE * SIZE * 3))),
            "only .* dB from the float32 model",
        ),
    ],
)
def test_a_wrong_image_is_found(tmp_path, decoder, problem):
    (found,) = check(write(tmp_path, decoder)).problems[:1]
    assert re.search(problem, found)


def test_a_model_that_collapsed_is_exported_with_a_remark(tmp_path):
    collapsed = Decoder(np.full((4, SIZE * SIZE * 3), 1e-5))
    result = check(write(tmp_path, collapsed), reference=collapsed)
    assert result.problems == []
    (remark,) = result.remarks
    assert "the model itself gives every input the same image" in remark


def test_wrong_signatures_are_found(tmp_path):
    (problem,) = check(write(tmp_path, Decoder()), shape=(1, SIZE, SIZE, 4)).problems
    assert "signature decode: expected" in problem


def test_a_lost_model_card_is_found(tmp_path):
    (problem,) = check(write(tmp_path, Decoder()), card=b"another").problems
    assert "model card" in problem


def test_flex_operations_are_found_in_a_file_and_refused_in_a_conversion(tmp_path):
    flex = Decoder(function=lambda d, latent: tf.math.cumprod(d.image(latent), axis=1))
    with pytest.raises(UserError, match="TF Select ops: Cumprod"):
        write(tmp_path, flex)
    (problem,) = check(write(tmp_path, flex, allow_flex=True)).problems
    assert "CUSTOM FlexCumprod" in problem


def test_a_file_that_is_not_tflite_ends_the_process_and_not_the_export(tmp_path):
    (tmp_path / "decoder.tflite").write_bytes(b"\x1c\x00\x00\x00TFL3" + bytes(200))
    (problem,) = check(tmp_path / "decoder.tflite").problems
    assert "LiteRT ended with status" in problem


def test_metadata_survives_and_the_file_still_runs(tmp_path):
    path = write(tmp_path, Decoder())
    assert read_metadata(path) == CARD
    assert operations(path)["decode"] == ["FULLY_CONNECTED", "LOGISTIC", "RESHAPE"]
    assert len(only_signatures(path, {"decode"})) > 4 * 4 * SIZE * SIZE * 3
    (tmp_path / "plain.tflite").write_bytes(convert(tmp_path / "saved_model", ["decode"], "float32", {}))
    assert read_metadata(tmp_path / "plain.tflite") is None


def test_the_reason_is_one_line_of_a_long_log():
    log = (
        "loc(fused): noise\n" * 200
        + "Some ops are not supported\nTF Select ops: Erf, Roll\nDetails:\n"
        + "x\n" * 50
    )
    assert first_reason(log) == "TF Select ops: Erf, Roll"
