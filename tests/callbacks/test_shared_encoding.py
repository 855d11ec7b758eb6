"""One encoding of the fixed faces per epoch, and how latents that are not finite are left out."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from callback_helpers import LinearVAE, faces_of, read, steps, train

from callbacks import (
    EmbeddingProjector,
    LatentFigures,
    LatentStatistics,
    ReconstructionPictures,
    SharedEncoding,
)
from facevae.errors import UserError
from facevae.tensorboard import projector as tensorboard_projector


def test_the_faces_are_encoded_once_per_epoch_for_all_callbacks(tmp_path, blob_images):
    class Counting(LinearVAE):
        def __init__(self):
            super().__init__()
            self.encoded_batches = tf.Variable(0)

        def encode(self, images):
            self.encoded_batches.assign_add(1)
            return super().encode(images)

        def call(self, images):  # training must not increase the counter
            mean, log_variance = super().encode(images)
            self.add_loss(1e-4 * tf.reduce_mean(log_variance**2))
            return self.decode(mean)

    pictures = blob_images(20, 16)
    faces = faces_of(pictures)
    model = Counting()
    model.compile("adam", "mse")
    kinds = (ReconstructionPictures, LatentStatistics, LatentFigures)
    train(pictures, [kind(faces, tmp_path) for kind in kinds], epochs=3, model=model)
    assert model.encoded_batches.numpy() == 3


def test_the_encoding_is_the_models_whatever_the_batches(blob_images):
    pictures = blob_images(300, 16)
    faces = SharedEncoding(pictures)
    model = LinearVAE()
    faces.attach(model)
    encodings = faces.encodings(0)
    mean, log_variance = model.encode(pictures)
    np.testing.assert_allclose(encodings.mean, mean, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(encodings.log_variance, log_variance, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(faces.decode(mean), model.decode(mean), rtol=1e-5, atol=1e-6)
    assert (encodings.indices == np.arange(300)).all()


def test_the_faces_of_a_split_are_drawn_once_and_without_repetition(blob_dataset):
    faces = SharedEncoding.of_records(blob_dataset.validation, blob_dataset.attribute_names, count=10)
    again = SharedEncoding.of_records(blob_dataset.validation, blob_dataset.attribute_names, count=10)
    assert (faces.images == again.images).all()
    assert len(np.unique(faces.images.reshape(10, -1), axis=0)) == 10
    assert faces.attributes.shape == (10, 2)


def test_latents_that_are_not_finite_are_left_out_with_a_warning(tmp_path, blob_images):
    pictures = blob_images(20, 16)
    pictures[3] = 0

    class Fragile(LinearVAE):
        def encode(self, images):
            mean, log_variance = super().encode(images)
            light = tf.reduce_mean(tf.cast(images, tf.float32), axis=[1, 2, 3])
            return tf.where(light[:, None] > 0.0, mean, np.nan), log_variance

    model = Fragile(4, 16)
    model.compile("adam", "mse")
    faces = faces_of(pictures)
    callbacks = [
        kind(faces, tmp_path)
        for kind in (ReconstructionPictures, LatentFigures, LatentStatistics, EmbeddingProjector)
    ]
    with pytest.warns(UserWarning, match="1 of 20 faces have latents that are not finite"):
        train(pictures[4:], callbacks, epochs=1, model=model)
    assert 3 not in faces.encodings(0).indices
    accumulator = read(tmp_path)
    assert steps(accumulator, "1 reconstructions/of validation faces") == [1]
    clouds = tensorboard_projector.read_config(tmp_path)
    assert len(clouds) == 2  # the faces, and they with N(0, 1)
    for each in clouds:
        points = np.fromfile(tmp_path / each.points, "<f4").reshape(each.shape)
        assert np.isfinite(points).all()
        rows = (tmp_path / each.columns).read_text().splitlines()[1:]
        assert len(rows) == len(points)
        names = [row.split("\t")[0] for row in rows]
        assert "face 3" not in names
        assert names[names.index("face 2") + 1] == "face 4"


def test_all_latents_not_finite_writes_nothing_and_goes_on(tmp_path, blob_images):
    class Broken(LinearVAE):
        def encode(self, images):
            mean, log_variance = super().encode(images)
            return mean * np.nan, log_variance

    pictures = blob_images(8, 16)
    model = Broken()
    model.compile("adam", "mse")
    with pytest.warns(UserWarning, match="8 of 8 faces"):
        train(pictures, [ReconstructionPictures(SharedEncoding(pictures), tmp_path)], epochs=1, model=model)
    assert read(tmp_path).Tags()["tensors"] == []


def test_a_model_without_encode_is_told_what_to_add(tmp_path, blob_images):
    pictures = blob_images(8, 16)
    model = keras.Sequential([keras.layers.Rescaling(1 / 255), keras.layers.Conv2D(3, 1)])
    model.compile("adam", "mse")
    with pytest.raises(UserError, match=r"a Sequential without encode and decode\. Add them"):
        train(pictures, [ReconstructionPictures(SharedEncoding(pictures), tmp_path)], model=model)


def test_an_encode_that_gives_no_pair_is_told_what_is_expected(blob_images):
    class OnlyMean(LinearVAE):
        def encode(self, images):
            return super().encode(images)[0]

    faces = SharedEncoding(blob_images(8, 16))
    faces.attach(OnlyMean())
    with pytest.raises(
        UserError, match=r"mean and log_variance, each \[faces, latent_dim\], received \[8, 4\]"
    ):
        faces.encodings(0)


@pytest.mark.parametrize("shape", [(0, 16, 16, 3), (4, 16, 16), (4, 16, 16, 1)])
def test_arrays_that_are_not_images_are_refused(shape):
    with pytest.raises(UserError, match=r"at least one image, \[faces, height, width, 3\], received"):
        SharedEncoding(np.zeros(shape, np.uint8))


@pytest.mark.parametrize(
    ("factor", "offset", "message"),
    [
        (1.0, 0.0, r"values from 0 to 255: divide by 255, or pass uint8"),
        (2.0 / 255.0, -1.0, r"values from -1 to 1: add 1 and divide by 2"),
        (np.nan, 0.0, r"values that are NaN"),
    ],
)
def test_float_images_that_leave_their_range_are_refused(factor, offset, message, blob_images):
    images = blob_images(8, 16).astype(np.float32)
    images[0, 0, 0] = [0.0, 0.0, 255.0]
    with pytest.raises(UserError, match=rf"images: expected float32 in \[0, 1\], received .*{message}"):
        SharedEncoding(images * np.float32(factor) + np.float32(offset))
    SharedEncoding(images / 255.0)


def test_attributes_of_other_faces_are_refused(blob_images):
    with pytest.raises(UserError, match=r"expected \[8, 1\].*received \[7, 1\]"):
        SharedEncoding(blob_images(8, 16), np.zeros((7, 1)), ["Smiling"])
