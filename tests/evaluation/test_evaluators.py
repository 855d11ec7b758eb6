import argparse
import dataclasses
import json
import math
import re

import keras
import numpy as np
import pytest
from PIL import Image
from places import BENCHMARKS
from tensorboard.backend.event_processing.event_file_loader import EventFileLoader
from tensorboard.plugins.hparams import metadata as hparams_metadata
from tensorboard.plugins.hparams import plugin_data_pb2
from tensorboard.plugins.hparams.metrics import run_tag_from_session_and_metric
from tensorboard.util import tensor_util

from callbacks import HyperParameters
from facevae import evaluation
from facevae.configuration.choosing import from_preset
from facevae.data import Records
from facevae.errors import UserError
from facevae.evaluation import commands, evaluators, feature_classifier, patches
from facevae.evaluation.image_sets import ImageSet, choose_indices, write_png
from facevae.model import VAE
from facevae.run.encodings import encode_faces
from facevae.run.opened_run import OpenedRun
from facevae.run.run_folder import RunFolder


@pytest.fixture
def evaluated(tmp_path, blob_dataset, monkeypatch):
    """A function that makes an untrained run with 16 test blobs, evaluated with 16 samples and 16 patches of each."""
    monkeypatch.setattr(patches, "MOST_PATCHES_PER_IMAGE", 16)

    def evaluated(seed=0, count=16, dataset=blob_dataset, **options) -> evaluation.EvaluatedRun:
        run = RunFolder(tmp_path / "run")
        run.save(from_preset("demo", image_size=32, steps_per_epoch=3))
        keras.utils.set_random_seed(0)
        opened = OpenedRun(run.path, "best")
        opened.model = VAE(image_size=32, latent_dim=4, width=8, **options)
        opened.dataset = dataset
        return evaluation.EvaluatedRun(opened, count, seed, ())

    return evaluated


@pytest.fixture
def encodings(evaluated, blob_dataset):
    return encode_faces(evaluated().model, blob_dataset.test)


@pytest.fixture
def untrained_classifier(monkeypatch):
    classifier = feature_classifier.FeatureClassifier(
        feature_classifier.build_network(32, 2), {"sha256": "0" * 64, "validation_accuracy": None}
    )
    monkeypatch.setattr(commands, "cached_classifier", lambda dataset: classifier)
    return classifier


def answer_with(model, images, mean=0.0, log_variance=0.0):
    """Replaces a model's networks: the decoder always returns `images`, the encoder always the same posterior."""
    model.decode = lambda latents, training=False: np.resize(images, (len(latents), 32, 32, 3))
    model.decode = _as_tensor(model.decode)
    posterior = np.full(4, mean, np.float32), np.full(4, log_variance, np.float32)
    model.encode = lambda images, training=False: [np.tile(part, (len(images), 1)) for part in posterior]


def _as_tensor(function):
    import tensorflow as tf

    return lambda *arguments: tf.constant(function(*arguments), tf.float32)


def encodings_of(one):
    return encode_faces(one.model, one.dataset.test)


def written(run):
    """The events of the newest evaluation and their summary values, by tag, as TensorBoard reads them."""
    newest = sorted(run.evaluation_logs.iterdir())[-1]
    return {
        value.tag: (event, value)
        for event in EventFileLoader(str(newest)).Load()
        for value in event.summary.value
    }


def hparams_columns(run):
    """The metrics that the HParams tab lists, as written at the start of training."""
    (file,) = (run.logs / "train").glob("events*")
    return next(
        plugin_data_pb2.HParamsPluginData.FromString(value.metadata.plugin_data.content).experiment
        for event in EventFileLoader(str(file)).Load()
        for value in event.summary.value
        if value.tag == hparams_metadata.EXPERIMENT_TAG
    ).metric_infos


def measured(evaluator, evaluated):
    encodings = encode_faces(evaluated.model, evaluated.dataset.test)
    return {name: float(value) for name, value in evaluator(evaluated, encodings)}


def test_reconstruction_metrics_for_a_known_error(evaluated, blob_dataset):
    perfect = evaluated()
    images = blob_dataset.test.images(slice(None)) / np.float32(255.0)
    answer_with(perfect.model, images * np.float32(0.9) + np.float32(0.05))
    off = images * np.float32(0.1) - np.float32(0.05)
    mse = (off**2).mean(axis=(1, 2, 3))
    found = measured(evaluators.reconstruction, perfect)
    assert found["reconstruction/mse"] == pytest.approx(mse.mean(), rel=1e-4)
    assert found["reconstruction/psnr"] == pytest.approx((-10 * np.log10(mse)).mean(), rel=1e-4)
    assert 0.5 < found["reconstruction/ssim"] < 1.0


@pytest.mark.parametrize("likelihood", ["calibrated_gaussian", "weighted_mse"])
def test_the_elbo_is_that_of_the_gaussian_decoder(evaluated, blob_dataset, likelihood):
    one = evaluated(likelihood=likelihood, mse_weight=1000.0)
    images = blob_dataset.test.images(slice(None)) / np.float32(255.0)
    answer_with(one.model, images + np.float32(0.1), mean=2.0, log_variance=0.0)
    one.model.variance.assign(0.02)
    variance = 0.02 if likelihood == "calibrated_gaussian" else 3072 / 2000.0
    found = measured(evaluators.likelihood, one)
    kl = 4 * 0.5 * 2.0**2
    expected = -0.5 * 3072 * (math.log(2 * math.pi * variance) + 0.01 / variance) - kl
    assert found["likelihood/sigma"] == pytest.approx(math.sqrt(variance), rel=1e-4)
    assert found["likelihood/kl"] == pytest.approx(kl, rel=1e-4)
    assert found["likelihood/elbo"] == pytest.approx(expected, rel=1e-4)
    bits = (-expected / 3072 + math.log(255)) / math.log(2)
    assert found["likelihood/bits_per_dimension"] == pytest.approx(bits, rel=1e-4)


def test_posterior_collapse_is_reported(evaluated, untrained_classifier):
    collapsed = evaluated()
    answer_with(collapsed.model, np.full((1, 32, 32, 3), 0.5, np.float32))
    result = evaluation.evaluate(collapsed)
    assert result.metrics["likelihood/kl"] == 0.0
    assert result.metrics["likelihood/active_units"] == 0
    assert result.metrics["likelihood/unused_units"] == 4
    assert "Posterior collapse: 4 of 4 latent dimensions carry less than 0.01 nats." in result.notes
    assert "active units        0 of 4" in evaluation.table(result)


def test_distances_are_0_for_the_references_themselves_and_large_for_grey_images(
    evaluated, blob_dataset, untrained_classifier
):
    one = evaluated()
    order = np.random.default_rng(0).choice(16, 16, replace=False)
    answer_with(one.model, blob_dataset.test.images(order) / np.float32(255.0))
    encodings = encode_faces(one.model, blob_dataset.test)
    same = dict(evaluators.image_set_distances(one, encodings, untrained_classifier))
    assert same["samples/frechet_distance"] == pytest.approx(0.0, abs=1e-4)
    assert (same["samples/precision"], same["samples/recall"]) == (1.0, 1.0)
    for name in ("sharpness_2_4", "sharpness_4_8", "sharpness_8_16"):
        assert same[f"samples/{name}"] == pytest.approx(1.0)
    assert same["samples/sliced_wasserstein_32"] == pytest.approx(0.0, abs=1e-3)
    assert same["samples/count"] == 16

    answer_with(one.model, np.full((1, 32, 32, 3), 0.5, np.float32))
    grey = dict(evaluators.image_set_distances(one, encodings, untrained_classifier))
    for name in ("frechet_distance", "sliced_wasserstein_32", "sliced_wasserstein_16"):
        assert grey[f"samples/{name}"] > 2.0 * grey[f"validation_faces/{name}"]
    assert grey["samples/recall"] == 0.0
    assert grey["samples/sharpness_2_4"] == 0.0
    assert grey["samples/lattice_2"] == grey["samples/lattice_4"] == 1.0


def test_real_faces_are_measured_beside_the_same_blurred(evaluated, blob_dataset, untrained_classifier):
    random = np.random.default_rng(0)
    noise = [
        Records(
            random.integers(90, 166, (16, 32, 32, 3), np.uint8), np.ones((16, 2)), ["x"] * 16, np.arange(16)
        )
        for _ in range(2)
    ]
    one = evaluated(dataset=dataclasses.replace(blob_dataset, validation=noise[0], test=noise[1]))
    found = dict(evaluators.image_set_distances(one, encodings_of(one), untrained_classifier))
    assert found["validation_faces/count"] == found["blurred_faces/count"] == 16
    assert found["validation_faces/sharpness_2_4"] == pytest.approx(1.0, abs=0.03)
    # White noise has equal power everywhere, of which the filter (σ half a pixel, for images of 32 pixels) keeps this.
    offsets, frequencies = np.arange(-2, 3), np.fft.fftfreq(32)
    weights = np.exp(-2.0 * offsets**2)
    kept = weights / weights.sum() @ np.cos(2.0 * np.pi * offsets[:, None] * frequencies)
    radius = np.hypot(frequencies[:, None], frequencies)
    band = (radius > 0.25) & (radius <= 0.5)
    expected = np.sqrt((np.outer(kept, kept)[band] ** 2).mean())
    assert found["blurred_faces/sharpness_2_4"] == pytest.approx(expected, abs=0.03)
    for name in ("sliced_wasserstein_32", "frechet_distance", "kernel_distance"):
        assert found[f"blurred_faces/{name}"] > 2.0 * abs(found[f"validation_faces/{name}"])


def test_samples_of_the_density_and_of_the_prior_are_both_measured(evaluated, encodings):
    from facevae.model import density

    one = evaluated(sample_from="density", density_components=1)
    names = {name.split("/")[0] for name, _ in evaluators.image_set_distances(one, encodings)}
    assert names == {
        "validation_faces",
        "blurred_faces",
        "reconstructions",
        "samples",
    }  # no density is fitted yet: samples come from the prior
    one.model.density = density.fit(np.random.default_rng(0).normal(3.0, 0.1, (50, 4)).astype(np.float32), 1)
    found = dict(evaluators.image_set_distances(one, encodings))
    assert {name.split("/")[0] for name in found} == names | {"prior"}
    assert found["samples/sliced_wasserstein_16"] != found["prior/sliced_wasserstein_16"]


def test_memorisation_is_found_for_repeated_training_faces_and_not_for_repeated_test_faces(
    evaluated, blob_dataset
):
    one = evaluated()
    answer_with(one.model, blob_dataset.train.images(slice(16)) / np.float32(255.0))
    found = measured(evaluators.memorisation, one)
    assert found["memorisation/samples"] == pytest.approx(0.0, abs=2e-3)
    assert found["memorisation/test_faces"] > 0.01
    assert found["memorisation/nearer_than_test_faces"] == 1.0

    answer_with(one.model, blob_dataset.test.images(slice(16)) / np.float32(255.0))
    found = measured(evaluators.memorisation, one)
    assert found["memorisation/samples"] == pytest.approx(found["memorisation/test_faces"])
    assert found["memorisation/nearer_than_test_faces"] <= 1 / 16


def test_the_seed_determines_every_random_draw(evaluated, untrained_classifier):
    first, same, other = (evaluation.evaluate(evaluated(seed=seed)).metrics for seed in (0, 0, 1))
    assert first == same
    assert first["samples/sliced_wasserstein_32"] != other["samples/sliced_wasserstein_32"]
    assert first["likelihood/elbo"] != other["likelihood/elbo"]
    assert first["reconstruction/mse"] == other["reconstruction/mse"]


def test_without_attributes_the_feature_metrics_are_left_out_with_a_note(evaluated, blob_dataset):
    bare = dataclasses.replace(blob_dataset, attribute_names=())
    result = evaluation.evaluate(evaluated(dataset=bare))
    assert not any("frechet" in name or "precision" in name for name in result.metrics)
    assert "samples/sliced_wasserstein_32" in result.metrics
    text = evaluation.table(result)
    assert "blobs has no attributes" in text
    assert "Fréchet distance, precision and recall are left out" in " ".join(text.split())
    assert "Fréchet distance  " not in text


def test_weights_that_are_not_finite_are_refused_with_advice(evaluated, untrained_classifier):
    broken = evaluated()
    broken.model.decoder.set_weights([weight * np.nan for weight in broken.model.decoder.get_weights()])
    with pytest.raises(
        UserError,
        match=r"decoder: expected finite pixels, received some that are not finite. .*--learning-rate",
    ):
        evaluation.evaluate(broken)
    broken = evaluated()
    broken.model.variance.assign(np.nan)
    with pytest.raises(UserError, match="likelihood/elbo is nan, expected a finite value"):
        evaluation.evaluate(broken)


def test_an_evaluation_is_saved_in_the_run_folder_and_for_tensorboard(evaluated, untrained_classifier):
    one = evaluated()
    one.model.global_step.assign(7)
    result = evaluation.evaluate(one)
    for _ in range(2):
        evaluation.save(one.opened.run, result)
    stored = json.loads(one.opened.run.evaluation.read_text(encoding="utf-8"))
    assert stored["metrics"] == result.metrics
    assert (stored["step"], stored["epoch"]) == (7, 3)  # the third epoch of three steps has begun
    assert stored["feature_classifier"]["sha256"] == "0" * 64
    events = {
        tag: (event.step, float(tensor_util.make_ndarray(value.tensor)))
        for tag, (event, value) in written(one.opened.run).items()
    }
    assert set(events) == set(result.metrics)
    assert events["reconstruction/mse"] == (3, pytest.approx(result.metrics["reconstruction/mse"]))


def test_the_hparams_tab_finds_what_was_measured(evaluated, untrained_classifier):
    one = evaluated()
    result = evaluation.evaluate(one)
    callback = HyperParameters(one.opened.run.face_logs, {"latent_dim": 4})
    callback.on_train_begin()
    callback.on_epoch_begin(0)
    callback.on_train_end()
    wanted = [info.name for info in hparams_columns(one.opened.run) if info.name.group]
    places = [run_tag_from_session_and_metric("train", name) for name in wanted]
    assert {one.opened.run.logs / folder for folder, _ in places} == {one.opened.run.evaluation_logs}
    assert len(places) >= 6
    assert {tag for _, tag in places} <= set(result.metrics)


# ------------------------------------------------------------------------------
# Declarations
# ------------------------------------------------------------------------------


def test_a_declared_metric_appears_in_every_report(evaluated, untrained_classifier, monkeypatch):
    sharpness = evaluation.Metric(
        "sharpness/edges",
        "edges",
        "How many edges a sample has.",
        ".2f",
        "per image of {image_size} pixels",
        better="higher",
        hparams=True,
    )
    evaluator = evaluation.Evaluator("Sharpness", (sharpness,), lambda *_: iter([("sharpness/edges", 2.5)]))
    monkeypatch.setattr(evaluators, "EVALUATORS", (*evaluators.EVALUATORS, evaluator))
    one = evaluated()
    callback = HyperParameters(one.opened.run.face_logs, {"latent_dim": 4})
    callback.on_train_begin()
    callback.on_epoch_begin(0)
    callback.on_train_end()
    result = evaluation.evaluate(one)
    evaluation.save(one.opened.run, result)

    table = evaluation.table(result)
    assert "Sharpness\n  edges  2.50 per image of 32 pixels  ↑  How many edges a sample has." in table
    stored = json.loads(one.opened.run.evaluation.read_text(encoding="utf-8"))
    assert stored["metrics"]["sharpness/edges"] == 2.5
    _, curve = written(one.opened.run)["sharpness/edges"]
    assert float(tensor_util.make_ndarray(curve.tensor)) == 2.5
    assert curve.metadata.summary_description == "How many edges a sample has. Higher is better."
    (column,) = (info for info in hparams_columns(one.opened.run) if info.name.tag == "sharpness/edges")
    assert column.name.group == "evaluation"
    assert column.description == "How many edges a sample has. Higher is better."
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    import face_quality

    found = {("ours", face_quality.SHORT): stored, ("reference", 10.0): stored, ("ours", 10.0): stored}
    compared = face_quality.comparison(found, argparse.Namespace(seed=0, preset="demo"))
    assert "| sharpness: edges, per image of 32 pixels | 2.50 | 2.50 | 2.50 | 1.00 |" in compared
    assert "| reconstruction: mean squared error |" in compared
    assert "| samples: SWD 32x32 x 1000 |" in compared
    assert "SWD 64x64" not in compared  # images of 32 pixels have no such level


def test_a_value_without_a_declaration_is_refused(evaluated, untrained_classifier, monkeypatch):
    silent = evaluation.Evaluator("Silent", (), lambda *_: iter([("silent/value", 1.0)]))
    monkeypatch.setattr(evaluators, "EVALUATORS", (*evaluators.EVALUATORS, silent))
    with pytest.raises(ValueError, match="silent/value"):
        evaluation.evaluate(evaluated())


def test_every_metric_is_declared_once_and_explained():
    metrics = evaluation.declared_metrics()
    names = [metric.name for metric in metrics]
    assert len(set(names)) == len(names)
    for metric in metrics:
        assert metric.name.count("/") == 1
        assert metric.title, metric.name
        assert metric.explanation.endswith("."), metric.name


def test_the_table_fits_a_terminal_and_shows_directions(evaluated, untrained_classifier):
    from facevae.model import density

    one = evaluated(sample_from="density", density_components=1)
    one.model.density = density.fit(np.random.default_rng(0).normal(0.0, 1.0, (50, 4)).astype(np.float32), 1)
    text = evaluation.table(evaluation.evaluate(one))
    assert max(map(len, text.splitlines())) <= 100
    assert "↓ lower is better, ↑ higher is better, ≈ 1 is best" in text
    assert re.search(r"^  mean squared error  0\.\d{5} +↓  Mean over pixels", text, re.MULTILINE)
    assert re.search(r"^  precision +↑ ( +[01]\.\d{3}){5}$", text, re.MULTILINE)
    header, *rows = text[text.index("Compared with test faces") :].split("\n")[:7]
    assert [len(row) for row in rows] == [len(header)] * 6
    for title in ("real faces", "blurred", "reconstructions", "samples (density)", "samples (prior)"):
        assert title in header


def test_the_table_names_the_version_of_the_features(evaluated, untrained_classifier):
    result = evaluation.evaluate(evaluated())
    for details, version in (({"version": 2}, 2), ({}, 1)):  # 0.1 wrote none
        classifier = {"sha256": "0123456789ab0", "validation_accuracy": 0.75, **details}
        text = evaluation.table(dataclasses.replace(result, feature_classifier=classifier))
        expected = f"Features: version {version}, classifier 0123456789ab, balanced accuracy 75.0%"
        assert expected in text


def test_the_table_of_an_older_evaluation_leaves_out_unknown_metrics(evaluated, untrained_classifier):
    result = evaluation.evaluate(evaluated())
    fewer = {name: value for name, value in result.metrics.items() if name != "likelihood/sigma"}
    older = dataclasses.replace(result, metrics={**fewer, "reconstruction/forgotten": 1.0})
    text = evaluation.table(older)
    assert "σ of the decoder" not in text
    assert "ELBO" in text


# ------------------------------------------------------------------------------
# PNG files for other tools
# ------------------------------------------------------------------------------


def test_indices_are_chosen_without_repetition_by_the_seed():
    chosen = choose_indices(50, 20, seed=3)
    assert len(set(chosen.tolist())) == 20
    assert 0 <= chosen.min() <= chosen.max() < 50
    np.testing.assert_array_equal(chosen, choose_indices(50, 20, seed=3))
    assert sorted(choose_indices(50, 50, seed=4)) == list(range(50))


def test_saved_pictures_show_the_samples_and_test_faces(evaluated, blob_dataset, tmp_path):
    one = evaluated()
    message = evaluation.save_images(one, 12, tmp_path / "fid")
    files = {name: sorted((tmp_path / "fid" / name).iterdir()) for name in ("samples", "references")}
    assert [len(found) for found in files.values()] == [12, 12]
    sample = np.asarray(Image.open(files["samples"][3]), np.float32) / 255.0
    np.testing.assert_allclose(sample, one.model.sample(12, seed=0)[3], atol=0.5 / 255.0 + 1e-5)
    faces = {image.tobytes() for image in blob_dataset.test.images(slice(None))}
    references = {np.asarray(Image.open(file)).tobytes() for file in files["references"]}
    assert len(references) == 12
    assert references <= faces
    assert "not the protocol of CelebA's published figures" in message
    assert "crop square instead of 140, size 32x32 instead of 64x64, pictures 12 instead of 10,000" in message


def test_more_pictures_than_test_faces_and_folders_in_use_are_refused(evaluated, tmp_path):
    with pytest.raises(UserError, match=r"expected at most 16, .* received 17"):
        evaluation.save_images(evaluated(), 17, tmp_path / "fid")
    assert not (tmp_path / "fid").exists()
    (tmp_path / "fid" / "references").mkdir(parents=True)
    (tmp_path / "fid" / "references" / "mine.png").touch()
    with pytest.raises(UserError, match="holds files already"):
        evaluation.save_images(evaluated(), 4, tmp_path / "fid")
    assert not (tmp_path / "fid" / "samples").exists()


def test_a_folder_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "file").touch()
    black = ImageSet("samples", 1, lambda part: np.zeros((1, 8, 8, 3), np.uint8)[part])
    with pytest.raises(UserError, match=r"cannot be written \(Not a directory\)"):
        write_png([black], tmp_path / "file")
