"""A VAE in a user's own `fit`: its schedules, and what Keras' models can be asked for before and after."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from facevae.errors import UserError
from facevae.model import VAE

TINY = {"image_size": 32, "latent_dim": 4, "width": 8}
SCHEDULED = {**TINY, "kl_warmup": 0.5, "shift": 2}
UNKNOWN = r"^kl_warmup, shift: expected to know how many steps this training takes"


class Progress(keras.callbacks.Callback):
    """Notes before each step how much of the training is done."""

    def __init__(self):
        super().__init__()
        self.seen = []

    def on_train_batch_begin(self, batch, logs=None):
        self.seen.append(float(self.model.progress()))


def _model(**settings):
    """A compiled VAE; its few steps are taken eagerly, as a graph takes longer to make."""
    model = VAE(**{**TINY, **settings})
    model.compile("adam", run_eagerly=True)
    return model


def _batches(images):
    return tf.data.Dataset.from_tensor_slices(images).batch(4)


class Sequence(keras.utils.PyDataset):
    def __init__(self, images):
        super().__init__()
        self.images = images

    def __len__(self):
        return 2

    def __getitem__(self, index):
        return (self.images[4 * index : 4 * index + 4],)


def _endless(images):
    while True:
        yield (images[:4],)


WAYS = {
    "an array": lambda images: {"x": images, "batch_size": 4},
    "a data set": lambda images: {"x": _batches(images), "shuffle": False},
    "an endless data set": lambda images: {
        "x": _batches(images).repeat(),
        "steps_per_epoch": 2,
        "shuffle": False,
    },
    "a sequence": lambda images: {"x": Sequence(images)},
    "a generator": lambda images: {"x": _endless(images), "steps_per_epoch": 2, "shuffle": False},
}


@pytest.mark.parametrize("way", WAYS)
def test_schedules_last_as_long_as_fit(way, blob_images):
    model, progress = _model(**SCHEDULED), Progress()
    model.fit(**WAYS[way](blob_images(8)), epochs=2, callbacks=[progress], verbose=0)
    assert progress.seen == [0.0, 0.25, 0.5, 0.75]


def test_the_kl_weight_rises_and_images_are_shifted_in_ones_own_fit(blob_images):
    weights = []
    images = blob_images(4)

    class Weights(keras.callbacks.Callback):
        def on_train_batch_begin(self, batch, logs=None):
            shifted = self.model.shift_images(images / np.float32(255))
            weights.append(bool(np.any(np.asarray(shifted) != images / np.float32(255))))

    model = _model(**SCHEDULED)
    history = model.fit(images, batch_size=4, epochs=4, callbacks=[Weights()], verbose=0).history
    assert weights == [True, True, False, False]
    # KL weights of 0, 1/2, 1 and 1, read off what was minimised.
    parts = zip(history["loss"], history["reconstruction_loss"], history["kl_loss"], strict=True)
    used = [(loss - reconstruction) / kl for loss, reconstruction, kl in parts]
    np.testing.assert_allclose(used, [0.0, 0.5, 1.0, 1.0], atol=0.02)


def test_a_second_fit_and_a_later_first_epoch_go_on_from_the_steps_taken(blob_images):
    model, progress = _model(**SCHEDULED), Progress()
    images = blob_images(8)
    model.fit(images, batch_size=4, epochs=2, callbacks=[progress], verbose=0)
    model.fit(images, batch_size=4, epochs=3, initial_epoch=1, callbacks=progress, verbose=0)
    assert progress.seen == [0.0, 0.25, 0.5, 0.75, 0.5, 0.625, 0.75, 0.875]


def test_an_end_that_was_set_stays(blob_images):
    model, progress = _model(**SCHEDULED), Progress()
    model.total_steps.assign(16.0)
    model.fit(_endless(blob_images(4)), steps_per_epoch=4, callbacks=[progress], shuffle=False, verbose=0)
    model.fit(blob_images(4), batch_size=4, callbacks=[progress], verbose=0)
    assert progress.seen == [0.0, 1 / 16, 2 / 16, 3 / 16, 4 / 16]
    assert float(model.total_steps) == 16.0


def test_a_callback_that_sets_the_end_has_the_last_word(blob_images):
    class Sets(keras.callbacks.Callback):
        def on_train_begin(self, logs=None):
            self.model.total_steps.assign(8.0)

    model, progress = _model(**SCHEDULED), Progress()
    model.fit(blob_images(8), batch_size=4, callbacks=[Sets(), progress], verbose=0)
    assert progress.seen == [0.0, 0.125]


def test_where_nobody_knows_the_steps_schedules_are_refused_before_the_first(blob_images):
    images = blob_images(8)
    endless = _batches(images).filter(lambda batch: True)  # as long as it is, which TensorFlow does not see
    for settings in ({"kl_warmup": 0.5}, {"shift": 2}):
        model = _model(**settings)
        with pytest.raises(UserError, match=UNKNOWN):
            model.fit(endless, shuffle=False, verbose=0)
        with pytest.raises(UserError, match=UNKNOWN):
            model.train_on_batch(images)
        with pytest.raises(UserError, match=UNKNOWN):
            model.fit(images, callbacks=keras.callbacks.CallbackList([], model=model), verbose=0)
        assert int(model.global_step) == 0
    model = _model()
    with pytest.warns(UserWarning, match="ran out of data"):  # how Keras ends an epoch of unknown length
        model.fit(endless, shuffle=False, verbose=0)
    model.train_on_batch(images)
    assert int(model.global_step) == 3


def test_batch_by_batch_schedules_follow_the_end_that_was_set(blob_images):
    model = _model(**SCHEDULED)
    model.total_steps.assign(4.0)
    model.train_on_batch(blob_images(4))
    assert float(model.progress()) == 0.25


@pytest.mark.parametrize("images", [None, np.zeros((0, 32, 32, 3), np.uint8)], ids=["None", "empty"])
def test_a_fit_of_nothing_is_refused(images):
    with pytest.raises(UserError, match=r"^x: expected .*, received none"):
        _model().fit(images, verbose=0)


@pytest.mark.parametrize("call", ["fit", "evaluate", "predict", "encode_all"])
def test_images_of_another_size_are_refused_in_one_line(call, blob_images):
    model = VAE(**TINY)
    model.compile("adam")
    arguments = {} if call == "encode_all" else {"verbose": 0}
    message = (
        r"^images: expected the shape \[batch, 32, 32, 3\], received \((8|None), 16, 16, 3\)\. Resize them"
    )
    with pytest.raises(UserError, match=message):
        getattr(model, call)(blob_images(8, 16), **arguments)


# ------------------------------------------------------------------------------
# A model that was loaded or has trained
# ------------------------------------------------------------------------------


def test_a_model_is_exported_whether_or_not_it_has_trained(tmp_path, blob_images):
    images = blob_images(4)
    for number, model in enumerate((VAE(**TINY), _model())):
        if number:
            model.fit(images, batch_size=4, verbose=0)
        model.export(tmp_path / str(number), verbose=False)
        exported = tf.saved_model.load(str(tmp_path / str(number)))
        served = exported.serve(images / np.float32(255))
        np.testing.assert_allclose(served, model.predict(images, verbose=0), atol=1e-5)


def test_the_exported_input_can_be_bytes(tmp_path, blob_images):
    model, images = VAE(**TINY), blob_images(2)
    signature = [keras.InputSpec(shape=(None, 32, 32, 3), dtype="uint8")]
    model.export(tmp_path / "bytes", verbose=False, input_signature=signature)
    exported = tf.saved_model.load(str(tmp_path / "bytes"))
    served = exported.serve(images)
    np.testing.assert_allclose(served, model.predict(images, verbose=0), atol=1e-5)


def test_a_loaded_model_predicts_and_is_summarised_and_says_when_it_must_be_compiled(blob_images):
    model, lines = VAE(**TINY), []
    model.summary(print_fn=lambda text, **_: lines.append(text))
    assert "encoder" in lines[0]
    assert model.predict(blob_images(2), verbose=0).shape == (2, 32, 32, 3)
    for call in (model.evaluate, model.fit, model.train_on_batch):
        with pytest.raises(ValueError, match=r"You must call `compile\(\)` before using the model"):
            call(blob_images(2))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"count": -1}, "count: expected a whole number from 0 to 1,000,000,000, received -1"),
        ({"count": 1.5}, "count: expected a whole number from 0 to 1,000,000,000, received 1.5"),
        ({"count": 2, "seed": -1}, "seed: expected at least 0 and at most 2147483647, received -1"),
        (
            {"count": 2, "temperature": float("nan")},
            "temperature: expected a number from 0 to 10, received nan",
        ),
        ({"count": 2, "temperature": -1}, "temperature: expected a number from 0 to 10, received -1"),
        ({"count": 2, "temperature": "hot"}, "temperature: expected a number from 0 to 10, received 'hot'"),
        ({"count": 2, "sample_from": "normal"}, "sample_from: expected prior or density, received 'normal'"),
        (
            {"count": 2, "sample_from": "density"},
            "sample_from: expected prior, received density: this model has no fitted density",
        ),
    ],
)
def test_samples_are_asked_for_within_the_command_lines_limits(arguments, message):
    with pytest.raises(UserError, match=f"^{message}"):
        VAE(**TINY).sample(**arguments)
