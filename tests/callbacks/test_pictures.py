"""Reconstructions, samples, traversals, interpolations and edits, written from a user's own fit."""

import keras
import numpy as np
import pytest
from callback_helpers import LinearVAE, cells_of_card, faces_of, images, read, steps, train

from callbacks import (
    AttributeEditPictures,
    InterpolationPictures,
    ReconstructionPictures,
    SamplePictures,
    SharedEncoding,
    TraversalPictures,
)
from callbacks.attribute_edit_pictures import usual_face
from callbacks.face_callback import is_due
from facevae.errors import UserError
from facevae.figures import as_bytes, cards

RECONSTRUCTIONS = "1 reconstructions/of validation faces"
PRIOR = "2 samples/from the prior"
DENSITY = "2 samples/from the fitted density"
TRAVERSALS = "3 traversals/of the most informative dimensions"
INTERPOLATIONS = "4 interpolations/between validation faces"
EDITS = "5 attribute edits/of a validation face"


def last_row(card):
    """The five faces of 16 by 16 pixels in the last row of a card, `int[5, 16, 16, 3]`."""
    return cells_of_card(card, 16)[-1].astype(int)


def test_a_users_own_model_shows_its_pictures_every_epoch(tmp_path, blob_images):
    pictures = blob_images(20, 16)
    faces = faces_of(pictures)
    kinds = (
        ReconstructionPictures,
        SamplePictures,
        TraversalPictures,
        InterpolationPictures,
        AttributeEditPictures,
    )
    train(pictures, [kind(faces, tmp_path) for kind in kinds], epochs=3)
    accumulator = read(tmp_path)
    assert set(accumulator.Tags()["tensors"]) == {RECONSTRUCTIONS, PRIOR, TRAVERSALS, INTERPOLATIONS, EDITS}
    assert all(steps(accumulator, tag) == [1, 2, 3] for tag in accumulator.Tags()["tensors"])
    assert len(list(tmp_path.glob("events*"))) == 1  # one file: TensorBoard reads files one after the other


def test_the_reconstructions_are_the_models_below_their_originals(tmp_path, blob_images):
    pictures = blob_images(5, 16)
    model = train(pictures, [ReconstructionPictures(SharedEncoding(pictures), tmp_path)], epochs=1)
    originals, reconstructions = cards.reconstructions_of(images(read(tmp_path), RECONSTRUCTIONS)[1], 16)
    assert (originals == pictures).all()
    np.testing.assert_allclose(reconstructions.astype(int), as_bytes(model(pictures).numpy()), atol=1)


def test_samples_come_from_the_same_noise_every_epoch(tmp_path, blob_images):
    class StandsStill(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            self.model.optimizer.learning_rate = 0.0

    pictures = blob_images(16, 16)
    train(pictures, [StandsStill(), SamplePictures(SharedEncoding(pictures), tmp_path, count=10)])
    shown = images(read(tmp_path), PRIOR)
    samples = cards.samples_of(shown[1], 16)
    assert samples.shape == (10, 16, 16, 3)
    assert (shown[1] == shown[2]).all()
    assert (np.abs(np.diff(samples.astype(int), axis=0)).max(axis=(1, 2, 3)) > 0).all()


def test_interpolations_end_at_the_reconstructions_of_the_two_faces(tmp_path, blob_images):
    pictures = blob_images(4, 16)
    model = train(pictures, [InterpolationPictures(SharedEncoding(pictures), tmp_path, pairs=1)], epochs=1)
    cells = last_row(images(read(tmp_path), INTERPOLATIONS)[1])
    reconstructions = as_bytes(model(pictures).numpy()).astype(int)
    np.testing.assert_allclose(cells[0], reconstructions[0], atol=1)
    np.testing.assert_allclose(cells[-1], reconstructions[1], atol=1)


def test_traversals_leave_out_dimensions_that_the_encoder_does_not_use(tmp_path, blob_images):
    class OneDimension(LinearVAE):
        def encode(self, images):
            mean, log_variance = super().encode(images)
            return mean * [0.0, 1.0, 0.0, 0.0], log_variance

    pictures = blob_images(16, 16)
    model = OneDimension()
    model.compile("adam", "mse")
    train(pictures, [TraversalPictures(SharedEncoding(pictures), tmp_path)], epochs=1, model=model)
    shown = images(read(tmp_path), TRAVERSALS)[1]
    assert len(cells_of_card(shown, 16)) == 1


def test_a_model_that_ignores_its_latents_has_no_traversals(tmp_path, blob_images):
    class Collapsed(LinearVAE):
        def encode(self, images):
            mean, log_variance = super().encode(images)
            return 0.0 * mean, log_variance

    pictures = blob_images(16, 16)
    model = Collapsed()
    model.compile("adam", "mse")
    train(pictures, [TraversalPictures(SharedEncoding(pictures), tmp_path)], epochs=1, model=model)
    assert read(tmp_path).Tags()["tensors"] == []


@pytest.mark.parametrize("latent_dim", [1, 2, 512])
def test_every_latent_dimension_is_drawn(tmp_path, blob_images, latent_dim):
    pictures = blob_images(10, 16)
    faces = faces_of(pictures, attributes=1)
    kinds = (
        ReconstructionPictures,
        SamplePictures,
        TraversalPictures,
        InterpolationPictures,
        AttributeEditPictures,
    )
    train(pictures, [kind(faces, tmp_path) for kind in kinds], latent_dim, epochs=1)
    assert set(read(tmp_path).Tags()["tensors"]) == {
        RECONSTRUCTIONS,
        PRIOR,
        TRAVERSALS,
        INTERPOLATIONS,
        EDITS,
    }


def test_attribute_edits_refuse_faces_without_attributes_and_unknown_names(tmp_path, blob_images):
    pictures = blob_images(4, 16)
    with pytest.raises(UserError, match="Leave AttributeEditPictures out"):
        AttributeEditPictures(SharedEncoding(pictures), tmp_path)
    with pytest.raises(UserError, match=r"Attribute_0, Attribute_1, received Smiling"):
        AttributeEditPictures(faces_of(pictures), tmp_path, ["Smiling"])


def test_attribute_edits_at_strength_0_are_the_reconstruction(tmp_path, blob_images):
    pictures = blob_images(16, 16)
    callback = AttributeEditPictures(faces_of(pictures, 1), tmp_path)
    model = train(pictures, [callback], epochs=1)
    cells = last_row(images(read(tmp_path), EDITS)[1])
    np.testing.assert_allclose(cells[2], as_bytes(model(pictures[[callback.face]]).numpy())[0], atol=1)
    assert np.abs(cells[0] - cells[4]).max() > 1


def test_edits_start_from_a_face_with_the_attributes_that_most_have():
    bald, glasses, neither = [1, 0, 1], [0, 1, 1], [0, 0, 1]
    attributes = np.array([bald, glasses, neither, neither, [0, 0, 0]])
    grey = np.array([100, 100, 0, 100, 200], np.uint8).reshape(5, 1, 1, 1)  # 100 on average
    # Both in the middle have the usual attributes; the second of them looks like the mean.
    assert usual_face(attributes, np.broadcast_to(grey, (5, 16, 16, 3))) == 3


def test_traversals_pass_through_the_mean_face(tmp_path, blob_images):
    pictures = blob_images(16, 16)
    model = train(pictures, [TraversalPictures(SharedEncoding(pictures), tmp_path)], epochs=1)
    cells = last_row(images(read(tmp_path), TRAVERSALS)[1])
    mean = model.encode(pictures)[0].numpy().mean(axis=0, keepdims=True)
    np.testing.assert_allclose(cells[2], as_bytes(model.decode(mean).numpy())[0], atol=1)


def test_one_face_alone_has_no_interpolation(tmp_path, blob_images):
    train(blob_images(8, 16), [InterpolationPictures(SharedEncoding(blob_images(1, 16)), tmp_path)], epochs=1)
    assert read(tmp_path).Tags()["tensors"] == []


def test_a_folder_that_cannot_be_written_is_named_before_the_first_step(tmp_path, blob_images):
    (tmp_path / "file").write_text("in the way")
    pictures = blob_images(8, 16)
    with pytest.raises(UserError, match="file/logs' cannot be written"):
        train(pictures, [ReconstructionPictures(SharedEncoding(pictures), tmp_path / "file" / "logs")])


def test_pictures_are_written_every_epoch_to_100_and_then_thinned():
    due = [epoch for epoch in range(1, 3001) if is_due(epoch)]
    assert due[:102] == [*range(1, 101), 110, 120]
    assert len([epoch for epoch in due if epoch <= 1000]) == 190
    assert due[-3:] == [2800, 2900, 3000]


def test_the_last_epoch_is_written_also_where_it_is_not_due(tmp_path, blob_images):
    pictures = blob_images(8, 16)
    callback = ReconstructionPictures(SharedEncoding(pictures), tmp_path)
    train(pictures, [callback], initial_epoch=99, epochs=112)
    assert steps(read(tmp_path), RECONSTRUCTIONS) == [100, 110, 112]
