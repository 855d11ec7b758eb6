import keras
import numpy as np
import pytest

from facevae.configuration.choosing import from_preset
from facevae.data import Records
from facevae.errors import UserError
from facevae.model import VAE
from facevae.run import encodings
from facevae.run.run_folder import RunFolder


@pytest.fixture
def model():
    keras.utils.set_random_seed(0)
    return VAE(image_size=32, latent_dim=3, width=8)


def test_every_face_is_encoded_in_the_splits_order(model, blob_dataset):
    encoded = encodings.encode_faces(model, blob_dataset.train)
    mean, log_variance = model.encode(blob_dataset.train.images(slice(None)))
    np.testing.assert_allclose(encoded.mean, mean, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(encoded.log_variance, log_variance, rtol=1e-4, atol=1e-5)
    np.testing.assert_array_equal(encoded.attributes, blob_dataset.train.attributes(slice(None)))


def test_a_part_of_a_split_keeps_faces_and_attributes_together(model, blob_dataset):
    encoded = encodings.encode_faces(model, blob_dataset.train, count=10, seed=1)
    assert len(np.unique(encoded.indices)) == 10
    mean, _ = model.encode(blob_dataset.train.images(encoded.indices))
    np.testing.assert_allclose(encoded.mean, mean, rtol=1e-4, atol=1e-5)
    np.testing.assert_array_equal(encoded.attributes, blob_dataset.train.attributes(encoded.indices))


@pytest.mark.parametrize("count", [0, 300])
def test_a_split_of_any_size_is_encoded(model, blob_images, count):
    images = blob_images(count)
    records = Records(images, None, [str(number) for number in range(count)], np.arange(count))
    encoded = encodings.encode_faces(model, records)
    assert encoded.mean.shape == encoded.log_variance.shape == (count, 3)
    np.testing.assert_allclose(encoded.mean, model.encode(images)[0], rtol=1e-4, atol=1e-5)
    np.testing.assert_array_equal(encoded.indices, np.arange(count))


def test_posterior_samples_have_the_posteriors_moments():
    mean, log_variance = (
        np.full((20_000, 2), [1.0, -2.0], np.float32),
        np.full((20_000, 2), np.log([4.0, 0.25])),
    )
    samples = encodings.Encodings(np.arange(20_000), mean, log_variance.astype(np.float32), None).sample(
        seed=1
    )
    np.testing.assert_allclose(samples.mean(axis=0), [1.0, -2.0], atol=0.05)
    np.testing.assert_allclose(samples.std(axis=0), [2.0, 0.5], atol=0.05)


def test_the_cache_is_used_until_the_encoder_changes(model, blob_dataset, tmp_path, monkeypatch):
    run = RunFolder(tmp_path)
    run.save(from_preset("demo"))
    opened = []
    monkeypatch.setattr(encodings, "MOST_TRAINING_FACES", 40)

    def kept():
        return encodings.training_encodings(run, model, lambda: opened.append(1) or blob_dataset.train)

    first, again = kept(), kept()
    assert len(opened) == 1
    assert len(first.mean) == 40
    for name in ("indices", "mean", "log_variance", "attributes"):
        np.testing.assert_array_equal(getattr(first, name), getattr(again, name))
    model.encoder.get_layer("mean").bias.assign([1.0, 2.0, 3.0])
    assert not np.array_equal(kept().mean, first.mean)
    assert len(opened) == 2
    (run.encodings / "train.npz").write_bytes(b"PK damaged")
    kept()
    assert len(opened) == 3


def test_encodings_of_another_model_need_the_data_set(model, tmp_path):
    run = RunFolder(tmp_path)
    run.save(from_preset("demo"))

    def gone():
        raise UserError("data: there is no folder.")

    with pytest.raises(UserError, match=r"train\.npz: missing or made by another model.*there is no folder"):
        encodings.training_encodings(run, model, gone)


def test_a_split_whose_names_or_attributes_have_changed_is_encoded_again(model, blob_dataset, tmp_path):
    run = RunFolder(tmp_path)
    train = blob_dataset.train
    images, attributes, names = (part(slice(None)) for part in (train.images, train.attributes, train.names))
    rows = np.arange(len(train))

    def kept(records, verified=True):
        return encodings.training_encodings(run, model, lambda: records, verified)

    kept(train)
    corrected = Records(images, 1 - attributes, names, rows)  # the table was corrected
    np.testing.assert_array_equal(kept(corrected, verified=False).attributes, attributes)
    np.testing.assert_array_equal(kept(corrected).attributes, 1 - attributes)
    # One face gone and another come: as many as before, in other places.
    moved = Records(images[::-1], attributes[::-1], names[::-1], rows)
    np.testing.assert_array_equal(kept(moved).attributes, attributes[::-1])
    np.testing.assert_allclose(kept(moved).mean, model.encode(images[::-1])[0], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    "damage",
    [
        {"indices": np.arange(47)},
        {"indices": np.arange(48)[::-1]},
        {"indices": np.arange(48) - 1},
        {"indices": np.zeros((48, 1), np.int64)},
        {"mean": np.zeros((48, 4), np.float32)},
        {"mean": np.zeros((48, 3))},
        {"log_variance": np.zeros((47, 3), np.float32)},
        {"attributes": np.zeros((47, 2), np.uint8)},
        {"attributes": np.full((48, 2), 2, np.uint8)},
        {"attributes": np.zeros((48, 2))},
        {},
    ],
)
def test_stored_arrays_that_do_not_fit_each_other_are_not_taken(model, blob_dataset, tmp_path, damage):
    run = RunFolder(tmp_path)
    opened = []

    def kept():
        return encodings.training_encodings(run, model, lambda: opened.append(1) or blob_dataset.train)

    kept()
    path = run.encodings / "train.npz"
    with np.load(path) as stored:
        arrays = dict(stored)
    np.savez(path, **{**arrays, **damage})
    kept()
    assert len(opened) == 1 + bool(damage)


def test_mirrored_faces_are_encoded_as_their_mirror_images(model, blob_dataset):
    encoded = encodings.encode_faces(model, blob_dataset.train, mirrored=True)
    mean, _ = model.encode(blob_dataset.train.images(slice(None))[:, :, ::-1])
    np.testing.assert_allclose(encoded.mean, mean, rtol=1e-4, atol=1e-5)
    assert not np.allclose(encoded.mean, encodings.encode_faces(model, blob_dataset.train).mean, atol=1e-3)
