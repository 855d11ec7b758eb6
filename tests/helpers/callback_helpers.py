"""A user's own model for the callbacks' tests, and readers of what they wrote."""

import pathlib

import keras
import numpy as np
import tensorflow as tf
from tensorboard.backend.event_processing.plugin_event_accumulator import EventAccumulator
from tensorboard.util import tensor_util

from callbacks import SharedEncoding


class LinearVAE(keras.Model):
    """A user's own model, nothing of facevae's: `encode`, `decode`, and Keras' own training step."""

    def __init__(self, latent_dim: int = 4, size: int = 16):
        super().__init__()
        self.size = size
        wide = keras.initializers.RandomNormal(stddev=0.3)  # every dimension is in use from the start
        self.mean = keras.layers.Dense(latent_dim, kernel_initializer=wide)
        self.log_variance = keras.layers.Dense(latent_dim)
        self.pixels = keras.layers.Dense(size * size * 3, activation="sigmoid")

    def encode(self, images):
        flat = tf.reshape(tf.cast(images, tf.float32) / 255.0, [-1, self.size * self.size * 3])
        return self.mean(flat), self.log_variance(flat)

    def decode(self, latents):
        return tf.reshape(self.pixels(latents), [-1, self.size, self.size, 3])

    def call(self, images):
        mean, log_variance = self.encode(images)
        self.add_loss(1e-4 * tf.reduce_mean(mean**2 + tf.exp(log_variance) - 1.0 - log_variance))
        return self.decode(mean)


def train(images, callbacks, latent_dim=4, epochs=2, initial_epoch=0, model=None):
    """Fits a `LinearVAE` for some epochs, in batches of 8."""
    if model is None:
        keras.utils.set_random_seed(0)
        model = LinearVAE(latent_dim, images.shape[1])
        # Tracing the step takes longer than the few that a test takes.
        model.compile("adam", "mse", run_eagerly=True)
    targets = images.astype(np.float32) / 255.0
    model.fit(
        images, targets, 8, epochs, initial_epoch=initial_epoch, callbacks=callbacks, verbose=0, shuffle=False
    )
    return model


def faces_of(images, attributes=2, **arguments):
    """The shared encoding of some images with so many random attributes."""
    values = np.random.default_rng(0).integers(0, 2, (len(images), attributes), dtype=np.uint8)
    values[:2] = [[0] * attributes, [1] * attributes]
    names = [f"Attribute_{number}" for number in range(attributes)]
    return SharedEncoding(images, values if attributes else None, names, **arguments)


def read(folder: pathlib.Path) -> EventAccumulator:
    """What TensorBoard's own loader makes of a run, nothing left out."""
    accumulator = EventAccumulator(str(folder), {"tensors": 0})
    accumulator.Reload()
    return accumulator


def steps(accumulator: EventAccumulator, tag: str) -> list[int]:
    """The steps at which a tag stands."""
    return [event.step for event in accumulator.Tensors(tag)]


def values(accumulator: EventAccumulator, tag: str) -> dict[int, np.ndarray]:
    """A tag's values by step."""
    return {e.step: tensor_util.make_ndarray(e.tensor_proto) for e in accumulator.Tensors(tag)}


def images(accumulator: EventAccumulator, tag: str) -> dict[int, np.ndarray]:
    """A tag's pictures by step, `uint8[height, width, 3]`."""
    return {s: tf.io.decode_png(value[2], 3).numpy() for s, value in values(accumulator, tag).items()}


def cells_of_card(card: np.ndarray, size: int) -> np.ndarray:
    """The faces of a card with labelled columns, `uint8[rows, 5, size, size, 3]`, size at most 64.

    They are 64 pixels wide and 70 apart, from the third pixel on. Rows are 70 apart, or 88 where they have captions.
    """
    pitch = next(pitch for pitch in (70, 88) if (card.shape[0] - 12) % pitch == 0)
    rows = (card.shape[0] - 12) // pitch
    bottom = card.shape[0] - 64
    tops = [bottom - pitch * row for row in reversed(range(rows))]
    step = 64 // size
    return np.array([[card[y:, 3 + 70 * column :][:64:step, :64:step] for column in range(5)] for y in tops])
