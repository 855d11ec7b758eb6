"""Arguments that a VAE cannot take are refused with a message that names them."""

import inspect
import json
import re

import keras
import numpy as np
import pytest
import tensorflow as tf

from facevae.configuration.config import Config
from facevae.errors import UserError
from facevae.model import SETTINGS, VAE

TINY = {"image_size": 32, "latent_dim": 4, "width": 8}

# Argument, a value that it does not take, and the message.
REFUSED = [
    ("image_size", 48, "one of 32, 64, 128, 256, received 48"),
    ("image_size", "64", "one of 32, 64, 128, 256, received '64'. Did you mean 64?"),
    ("image_size", 64.0, "one of 32, 64, 128, 256, received 64.0"),
    ("latent_dim", 0, "at least 1 and at most 1024, received 0"),
    ("latent_dim", True, "a whole number, received True"),
    ("latent_dim", 4.0, "a whole number, received 4.0"),
    ("network", "resnet", "one of reference, compact, detailed, received 'resnet'"),
    ("network", "compct", "one of reference, compact, detailed, received 'compct'. Did you mean compact?"),
    ("network", None, "one of reference, compact, detailed, received None"),
    ("width", 7, "at least 8 and at most 256, received 7"),
    ("dropout", 1.0, "at least 0.0 and at most 0.9, received 1.0"),
    ("likelihood", "bernouli", "one of calibrated_gaussian, weighted_mse, received 'bernouli'"),
    (
        "likelihood",
        "weighted-mse",
        "one of calibrated_gaussian, weighted_mse, received 'weighted-mse'. Did you mean weighted_mse?",
    ),
    ("mse_weight", 0, "at least 0.001 and at most 1000000000.0, received 0.0"),
    ("kl_weight", -1, "at least 0.0 and at most 10000.0, received -1.0"),
    ("kl_weight", "1", "a number, received '1'. Give a number from 0.0 to 10000.0"),
    ("kl_warmup", 1.5, "at least 0.0 and at most 1.0, received 1.5"),
    ("free_bits", float("nan"), "a number, received nan"),
    ("free_bits", float("inf"), "a number, received inf"),
    ("sample_from", "normal", "one of prior, density, received 'normal'"),
    ("density_components", -1, "at least 0 and at most 100, received -1"),
    ("shift", -3, "at least 0 and at most 16, received -3"),
    ("seed", "a", "a whole number, received 'a'"),
    ("seed", -1, "at least 0 and at most 2147483647, received -1"),
]


@pytest.mark.parametrize(("name", "value", "message"), REFUSED)
def test_an_argument_is_refused_by_its_name(name, value, message):
    with pytest.raises(UserError, match=f"^{name}: expected {re.escape(message)}"):
        VAE(**{name: value})


def test_every_argument_is_a_field_of_the_configuration_and_refuses_something():
    arguments = [
        name for name in inspect.signature(VAE.__init__).parameters if name not in ("self", "kwargs")
    ]
    assert arguments == list(SETTINGS)
    assert {name for name, *_ in REFUSED} == set(arguments) <= set(Config.__dataclass_fields__)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            {"dropout": 0.25},
            "dropout: expected 0 with the network compact, which has none, received 0.25. Leave it out, or choose",
        ),
        (
            {"sample_from": "density"},
            "density_components: expected at least 1 with sample_from density, received 0",
        ),
        ({"latent_dims": 4}, "Unrecognized keyword arguments passed to VAE: {'latent_dims': 4}"),
    ],
)
def test_contradictions_and_unknown_arguments_are_refused(arguments, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        VAE(**arguments)


def test_numbers_of_numpy_are_taken_and_saved_as_plain_ones(tmp_path):
    numbers = {
        **{"image_size": np.int64(32), "latent_dim": np.uint8(4), "width": np.int32(8)},
        **{"mse_weight": np.float32(2.0), "kl_weight": np.float64(0.5), "kl_warmup": np.float16(0.25)},
        **{"free_bits": 0, "density_components": np.int16(2), "shift": np.int8(1), "seed": np.uint64(7)},
    }
    model = VAE(**numbers)
    for name, value in numbers.items():
        assert getattr(model, name) == value
        assert type(getattr(model, name)) in (int, float)
    json.dumps({name: model.get_config()[name] for name in SETTINGS})
    model.save(tmp_path / "vae.keras")
    assert keras.saving.load_model(tmp_path / "vae.keras").latent_dim == 4


# ------------------------------------------------------------------------------
# Arguments of Keras that the model would ignore
# ------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["loss", "loss_weights", "metrics", "weighted_metrics"])
def test_losses_and_metrics_are_refused(name):
    with pytest.raises(
        UserError, match=rf"^{name}: expected None, received \['mse'\]\. The model minimises its own"
    ):
        VAE(**TINY).compile("adam", **{name: ["mse"]})


def test_positional_losses_and_other_values_of_jit_compile_are_refused():
    with pytest.raises(UserError, match=r"^loss: expected None, received 'mse'"):
        VAE(**TINY).compile("adam", "mse")
    with pytest.raises(UserError, match=r"^jit_compile: expected True or False, received 'auto'"):
        VAE(**TINY).compile("adam", jit_compile="auto")


WEIGHTED = {
    "sample_weight": lambda model, images: model.fit(images, sample_weight=np.ones(8), verbose=0),
    "sample_weight beside targets": lambda model, images: model.fit(
        images, np.ones(8), sample_weight=np.ones(8), verbose=0
    ),
    "class_weight": lambda model, images: model.fit(images, np.ones(8), class_weight={1: 2.0}, verbose=0),
    "a data set of three": lambda model, images: model.fit(
        tf.data.Dataset.from_tensor_slices((images, np.ones(8), np.ones(8))).batch(4),
        shuffle=False,
        verbose=0,
    ),
    "train_on_batch": lambda model, images: model.train_on_batch(images, sample_weight=np.ones(8)),
}


@pytest.mark.parametrize("way", WEIGHTED)
def test_weights_in_training_are_refused(way, blob_images):
    model = VAE(**TINY)
    model.compile("adam")
    with pytest.raises(
        UserError, match=r"^sample_weight, class_weight: expected none in training, received weights"
    ):
        WEIGHTED[way](model, blob_images(8))


def test_weights_in_evaluation_count(blob_images):
    model = VAE(**TINY)
    model.compile("adam")
    images = blob_images(4)
    whole = tf.data.Dataset.from_tensors((images, (), np.ones(4, np.float32)))
    filled = np.concatenate([images, np.zeros_like(images)])
    part = tf.data.Dataset.from_tensors((filled, (), np.repeat([1.0, 0.0], 4).astype(np.float32)))
    expected = model.evaluate(whole, verbose=0, return_dict=True)["kl_loss"]
    assert model.evaluate(part, verbose=0, return_dict=True)["kl_loss"] == pytest.approx(expected, rel=1e-5)
