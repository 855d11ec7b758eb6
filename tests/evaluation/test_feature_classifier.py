import pathlib
import subprocess
import sys

import numpy as np
import pytest

from facevae.data import FaceDataset, Records, prepare
from facevae.evaluation import feature_classifier, metrics
from facevae.evaluation.degradations import blurred
from facevae.evaluation.metric import FEATURES_VERSION


@pytest.fixture
def prepared(tmp_path):
    """A function that makes a data set in a cache folder; the attribute "Bright" means brighter rows at the top."""

    def prepared(brightness: int = 100, corrected: int = 0) -> FaceDataset:
        folder = tmp_path / "cache" / "blobs-square-32-0"
        folder.mkdir(parents=True, exist_ok=True)

        def split(count, seed):
            random = np.random.default_rng(seed)
            images = random.integers(0, 100, (count, 32, 32, 3), dtype=np.uint8)
            bright = random.integers(0, 2, count, dtype=np.uint8)
            images[bright > 0, :8] += (
                brightness  # at the top, so that flipping left to right does not move it
            )
            bright[:corrected] = 1 - bright[:corrected]
            attributes = np.stack([bright, np.ones_like(bright)], axis=1)
            return Records(images, attributes, [str(i) for i in range(count)], np.arange(count))

        splits = (split(128, 0), split(64, 1), split(64, 2))
        return FaceDataset("blobs", 32, ("Bright", "Always"), *splits, left_out={}, folder=folder)

    return prepared


@pytest.fixture(scope="module")
def trained():
    """A function that trains a classifier on a data set, once."""
    made = []

    def trained(dataset):
        made[:] = made or [feature_classifier.train_classifier(dataset.train, dataset.validation)]
        return made[0]

    return trained


def test_it_predicts_the_attributes_of_validation_faces(prepared, trained):
    classifier = trained(prepared())
    assert classifier.details["validation_accuracy"] > 0.9
    assert classifier.details["seed"] == feature_classifier.SEED
    assert classifier.details["version"] == FEATURES_VERSION
    assert classifier.details["steps"] == feature_classifier.EPOCHS * 2


def test_its_accuracy_is_the_mean_over_faces_with_and_without_each_attribute_that_has_both(
    prepared, monkeypatch
):
    monkeypatch.setattr(feature_classifier, "MOST_STEPS", 2)
    dataset = prepared()
    classifier = feature_classifier.train_classifier(dataset.train, dataset.validation)
    logits = classifier.network(dataset.validation.images(slice(None)), training=False)[1].numpy()
    predicted, bright = logits[:, 0] > 0.0, dataset.validation.attributes(slice(None))[:, 0] > 0
    expected = (predicted[bright].mean() + (~predicted[~bright]).mean()) / 2.0  # "Always" is left out
    assert classifier.details["validation_accuracy"] == pytest.approx(expected, abs=1e-4)
    none = Records(np.zeros((0, 32, 32, 3), np.uint8), np.zeros((0, 2), np.uint8), [], np.arange(0))
    classifier = feature_classifier.train_classifier(dataset.train, none)
    assert classifier.details["validation_accuracy"] is None


def test_features_are_finite_and_do_not_depend_on_the_batch(prepared):
    dataset = prepared()
    network = feature_classifier.build_network(32, 2)
    classifier = feature_classifier.FeatureClassifier(network, {})
    images = dataset.test.images(slice(None))
    features = classifier.features(images)
    assert features.shape == (64, 128)
    assert np.isfinite(features).all()
    np.testing.assert_allclose(features[:3], classifier.features(images[:3]), atol=1e-5)
    many = classifier.features(np.tile(images, (5, 1, 1, 1)))
    np.testing.assert_allclose(many, np.tile(features, (5, 1)), atol=1e-5)


@pytest.mark.parametrize("image_size", [64, 128])
def test_every_image_size_gives_128_features(image_size):
    images = np.zeros((1, image_size, image_size, 3), np.uint8)
    network = feature_classifier.build_network(image_size, 3)
    assert [output.shape for output in network(images)] == [(1, 128), (1, 3), (1, 5)]


def test_it_is_trained_once_for_each_set_of_records(prepared, monkeypatch):
    monkeypatch.setattr(feature_classifier, "EPOCHS", 1)
    first = feature_classifier.cached_classifier(prepared())
    with monkeypatch.context() as patched:
        patched.setattr(feature_classifier, "train_classifier", None)
        again = feature_classifier.cached_classifier(prepared())
    assert again.details == first.details
    images = prepared().test.images(slice(None))
    np.testing.assert_array_equal(again.features(images), first.features(images))
    for other in (prepared(brightness=101), prepared(corrected=1)):
        path = feature_classifier.classifier_path(other)
        assert path != feature_classifier.classifier_path(prepared())
        assert not path.exists()


def test_waiting_for_another_process_that_trains_it_prints_a_message(prepared, monkeypatch, capsys):
    monkeypatch.setattr(feature_classifier, "EPOCHS", 1)
    lock = f"{feature_classifier.classifier_path(prepared())}.lock"
    code = "import sys, time; from facevae.files import locked\n"
    code += "with locked(sys.argv[1], 'taken'): print('locked', flush=True); time.sleep(0.5)"
    with subprocess.Popen([sys.executable, "-c", code, lock], stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout.readline() == "locked\n"
        feature_classifier.cached_classifier(prepared())
    expected = "Another process is training the feature classifier of blobs: waiting for it.\n"
    assert capsys.readouterr().out == expected


def test_training_again_gives_the_same_classifier(prepared, trained):
    dataset = prepared()
    first, second = trained(dataset), feature_classifier.train_classifier(dataset.train, dataset.validation)
    images = dataset.test.images(slice(None))
    np.testing.assert_allclose(first.features(images), second.features(images), atol=1e-3)


@pytest.mark.parametrize("damage", [b"", b"no archive", None])
def test_a_damaged_file_is_replaced(prepared, damage, monkeypatch):
    monkeypatch.setattr(feature_classifier, "EPOCHS", 1)
    dataset = prepared()
    path = feature_classifier.classifier_path(dataset)
    first = feature_classifier.cached_classifier(dataset)
    if damage is None:  # the weights do not match the stored hash
        with np.load(path) as stored:
            arrays = dict(stored)
        arrays["weight_000"] = arrays["weight_000"] + 1
        np.savez(path, **arrays)
    else:
        pathlib.Path(path).write_bytes(damage)
    again = feature_classifier.cached_classifier(dataset)
    assert again.details["sha256"] == feature_classifier.weights_hash(again.network)
    np.testing.assert_allclose(
        again.features(dataset.test.images(slice(4))),
        first.features(dataset.test.images(slice(4))),
        atol=1e-3,
    )


def test_its_features_see_blur(prepared):
    # Faces of noise lose all that they are made of; what they are, by their attributes, stays the same.
    dataset = prepared()
    classifier = feature_classifier.train_classifier(dataset.train, dataset.validation)
    faces = dataset.test.images(slice(None))
    real, others = np.split(classifier.features(faces), 2)
    distances = [metrics.frechet_distance(real, others)]
    for sigma in (0.5, 1.0):
        soft = np.rint(blurred(faces[32:].astype(np.float32), sigma)).astype(np.uint8)
        distances.append(metrics.frechet_distance(real, classifier.features(soft)))
    assert distances == sorted(distances)
    assert distances[2] > 3.0 * distances[0]


@pytest.mark.slow
def test_recall_of_blurred_photographs_falls_and_their_distance_grows(real_faces, tmp_path):
    """Inception-v3 finds a recall of 0.89, 0.75, 0.10 and 0.00 for such sets of 300 (benchmarks/experiments.md)."""
    dataset = prepare(str(real_faces), 64, cache_dir=tmp_path)
    classifier = feature_classifier.train_classifier(dataset.train, dataset.validation)
    assert classifier.details["validation_accuracy"] > 0.70
    real = classifier.features(dataset.test.images(slice(300)))
    others = dataset.test.images(slice(300, 600))
    distances, recalls = [], []
    for sigma in (0.0, 0.5, 1.0, 1.5):
        images = np.rint(blurred(others.astype(np.float32), sigma)).astype(np.uint8) if sigma else others
        features = classifier.features(images)
        distances.append(metrics.frechet_distance(real, features))
        recalls.append(metrics.precision_and_recall(real, features)[1])
    assert distances == sorted(distances)
    assert recalls == sorted(recalls, reverse=True)
    assert recalls[0] > 0.70
    assert recalls[2] < 0.15
    assert recalls[3] < 0.02
