"""Float images that leave [0, 1] are refused at the first batch in every method, and the weights do not change."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from facevae.errors import UserError
from facevae.model import VAE
from facevae.model.image_range import check_range

TINY = {"image_size": 32, "latent_dim": 4, "width": 8}
REFUSED = (
    r"^images: expected float32 in \[0, 1\], received values from 0 to 255: divide by 255, "
    r"or pass uint8 in \[0, 255\]\.$"
)


@pytest.fixture
def images(blob_images):
    """`float32[12, 32, 32, 3]` in [0, 1], each with a black and a white pixel."""
    images = blob_images(12).astype(np.float32) / 255.0
    images[:, 0, 0], images[:, 0, 1] = 0.0, 1.0
    return images


@pytest.fixture(scope="module")
def model():
    model = VAE(**TINY)
    model.compile("adam")
    return model


# ------------------------------------------------------------------------------
# The message
# ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("lowest", "highest", "message"),
    [
        (0.0, 255.0, "received values from 0 to 255: divide by 255, or pass uint8"),
        (-1.0, 1.0, "received values from -1 to 1: add 1 and divide by 2, or pass uint8"),
        (-2.1, 2.6, "received values from -2.1 to 2.6: scale them to"),
        (0.0, 1.5, "received values from 0 to 1.5: scale them to"),
        (0.0, 65535.0, "received values from 0 to 65535: scale them to"),
        (0.0, np.nan, "received 1 values that are NaN or infinite in a batch of 1"),
        (-np.inf, 1.0, "received 1 values that are NaN or infinite in a batch of 1"),
    ],
)
def test_the_message_names_the_values_and_how_to_scale_them(lowest, highest, message):
    images = np.full((1, 4, 4, 3), 0.5, np.float32)
    images[0, 0, 0, :2] = lowest, highest
    with pytest.raises(UserError, match=rf"images: expected float32 in \[0, 1\], {message}"):
        check_range(images)


def test_the_whole_range_and_rounding_beyond_it_are_accepted():
    images = np.linspace(-0.0009, 1.0009, 48, dtype=np.float32).reshape(1, 4, 4, 3)
    check_range(images)
    check_range(images[:0])


# ------------------------------------------------------------------------------
# Every method that takes images
# ------------------------------------------------------------------------------


def dataset(images):
    return tf.data.Dataset.from_tensor_slices(images).batch(4)


def generator(images):
    for start in range(0, len(images), 4):
        yield (images[start : start + 4],)


WAYS = {
    "fit an array": lambda model, images: model.fit(images, batch_size=4, verbose=0),
    "fit a data set": lambda model, images: model.fit(dataset(images), shuffle=False, verbose=0),
    "fit with attributes": lambda model, images: model.fit(images, np.ones((12, 2)), batch_size=4, verbose=0),
    "fit a generator": lambda model, images: model.fit(
        generator(images), steps_per_epoch=3, shuffle=False, verbose=0
    ),
    "validate in fit": lambda model, images: model.fit(
        np.zeros((4, 32, 32, 3), np.uint8), validation_data=dataset(images), verbose=0
    ),
    "evaluate": lambda model, images: model.evaluate(images, batch_size=4, verbose=0),
    "train_on_batch": lambda model, images: model.train_on_batch(images),
    "test_on_batch": lambda model, images: model.test_on_batch(images),
    "predict": lambda model, images: model.predict(images, batch_size=4, verbose=0),
    "encode": lambda model, images: model.encode(images),
    "call": lambda model, images: model(images),
}


@pytest.mark.parametrize("way", WAYS)
def test_the_first_batch_of_each_call_is_checked(way, model, images):
    """Refused, accepted, and refused again: each call is checked anew."""
    for _ in range(2):
        with pytest.raises(UserError, match="received values from 0 to 255: divide by 255") as caught:
            WAYS[way](model, images * 255.0)
        if way != "call":  # Keras adds the arguments of what it called
            assert len(str(caught.value).splitlines()) == 1
            assert caught.value.__cause__ is None
        WAYS[way](model, images)


def test_a_refused_batch_changes_nothing(images):
    model = VAE(**TINY)
    model.compile("adam")
    model.optimizer.build(model.trainable_variables)
    model.total_steps.assign(100.0)  # not set, each `fit` sets it when it begins
    variables = [*model.variables, *model.optimizer.variables]
    before = [np.array(variable) for variable in variables]
    for wrong in (images * 255.0, images * 2.0 - 1.0, np.where(images == 1.0, np.nan, images)):
        with pytest.raises(UserError, match=r"images: expected float32 in \[0, 1\]"):
            model.fit(wrong, batch_size=4, verbose=0)
    for variable, value in zip(variables, before, strict=True):
        np.testing.assert_array_equal(variable, value, err_msg=variable.path)


def test_only_the_first_batch_of_a_call_is_checked(model, images):
    images[4:] *= 1.5
    model.evaluate(images, batch_size=4, verbose=0)
    with pytest.raises(UserError, match=r"from 0 to 1\.5"):
        model.evaluate(images[4:], batch_size=4, verbose=0)


def test_a_validation_before_the_first_step_does_not_replace_its_check(model, images):
    class Validate(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            self.model.evaluate(images, batch_size=4, verbose=0)

    with pytest.raises(UserError, match=REFUSED):
        model.fit(images * 255.0, batch_size=4, callbacks=[Validate()], verbose=0)


@pytest.mark.parametrize(
    "compilation",
    [
        {"jit_compile": True},
        {"jit_compile": True, "dtype": "mixed_float16"},
        {"run_eagerly": True},
        {"steps_per_execution": 2},
    ],
    ids=str,
)
def test_the_first_batch_is_checked_however_the_step_is_compiled(compilation, images):
    model = VAE(**TINY, dtype=compilation.pop("dtype", "float32"))
    model.compile("adam", **compilation)
    for _ in range(2):
        with pytest.raises(UserError, match=REFUSED):
            model.fit(images * 255.0, batch_size=4, verbose=0)
        model.fit(images, batch_size=4, verbose=0)
    assert int(model.global_step) == 6
