"""A small classifier that reads attributes from decoded pictures.

It learns from pictures that the model has decoded, which are softer than photographs, so that it reads those that edits
are. A face counts as having an attribute where its probability is above 1/2.
"""

import dataclasses

import keras
import numpy as np
import tensorflow as tf
from keras import layers
from tqdm import tqdm

from facevae.model import VAE
from facevae.model.batches import in_batches
from facevae.model.layers import BatchNormalization
from facevae.model.optimizers import Adam

SEED = 0
EPOCHS, MOST_STEPS, BATCH, LEARNING_RATE = 10, 600, 64, 3e-3
DROPOUT = 0.3
READ_AT_ONCE = 96
SIDE = 64  # larger pictures are averaged down to it: attributes show there


@dataclasses.dataclass(frozen=True)
class Reader:
    """Reads attributes of the faces that a model decodes.

    Attributes:
        model: whose pictures are read.
        network: from images `float32[batch, size, size, 3]` in [0, 1] to logits.
    """

    model: VAE
    network: keras.Model

    def logits(self, latents: np.ndarray) -> np.ndarray:
        """Logits `float32[count, attributes]` of the decoded latents `float32[count, latent_dim]`."""
        return in_batches(self._read, latents.astype(np.float32), READ_AT_ONCE, fixed=True)[0]

    def of_pictures(self, pictures: np.ndarray) -> np.ndarray:
        """Logits `float32[count, attributes]` of pictures as `decoded` gives them."""
        return in_batches(self._look, pictures, fixed=True)[0]

    @tf.function(reduce_retracing=True)
    def _read(self, latents):
        return self.network(self.model.decode(latents), training=False)

    @tf.function(reduce_retracing=True)
    def _look(self, pictures):
        return self.network(tf.cast(pictures, tf.float32) * (1.0 / 255.0), training=False)


def decoded(model: VAE, latents: np.ndarray) -> np.ndarray:
    """The pictures `uint8[count, size, size, 3]` of latents `float32[count, latent_dim]`."""

    @tf.function
    def decode(part):
        return tf.cast(tf.round(255.0 * model.decode(part)), tf.uint8)

    return in_batches(decode, latents, fixed=True, progress="Decoding faces")[0]


def build_network(image_size: int, attributes: int) -> keras.Model:
    """The untrained network, with the same initial weights each time."""
    images = keras.Input((image_size, image_size, 3), name="image")
    x = layers.Rescaling(1.0, -0.5, dtype="float32")(images)
    if image_size > SIDE:
        x = layers.AveragePooling2D(image_size // SIDE, dtype="float32")(x)
    for number, (filters, size, stride) in enumerate(((48, 4, 4), (64, 3, 2), (96, 3, 2), (128, 3, 2))):
        kernel = keras.initializers.HeNormal(seed=SEED + number)
        x = layers.Conv2D(
            filters, size, stride, "same", use_bias=False, kernel_initializer=kernel, dtype="float32"
        )(x)
        x = layers.ReLU(dtype="float32")(BatchNormalization(momentum=0.9, dtype="float32")(x))
    x = layers.Dropout(DROPOUT, seed=SEED, dtype="float32")(layers.Flatten(dtype="float32")(x))
    kernel = keras.initializers.GlorotUniform(seed=SEED)
    logits = layers.Dense(attributes, kernel_initializer=kernel, dtype="float32", name="attributes")(x)
    return keras.Model(images, logits, name="attribute_reader")


def train_reader(model: VAE, pictures: np.ndarray, attributes: np.ndarray) -> Reader:
    """Trains a reader on decoded faces: cross-entropy, Adam with a cosine schedule, random flips.

    Args:
        model: whose pictures it will read.
        pictures: `uint8[faces, size, size, 3]`, at least one; see `decoded`.
        attributes: `[faces, attributes]` of 0 and 1.
    """
    network = build_network(model.image_size, attributes.shape[1])
    batch = min(BATCH, len(pictures))
    steps = min(MOST_STEPS, EPOCHS * (len(pictures) // batch))
    optimizer = Adam(keras.optimizers.schedules.CosineDecay(LEARNING_RATE, steps))
    optimizer.build(network.trainable_variables)
    labels = attributes.astype(np.float32)

    @tf.function
    def learn(images, wanted):
        with tf.GradientTape() as tape:
            logits = network(tf.cast(images, tf.float32) * (1.0 / 255.0), training=True)
            loss = tf.reduce_mean(tf.nn.sigmoid_cross_entropy_with_logits(wanted, logits))
        optimizer.apply(tape.gradient(loss, network.trainable_variables), network.trainable_variables)

    random, order = np.random.default_rng(SEED), np.empty(0, np.int64)
    for _ in tqdm(range(steps), "Learning to read attributes", unit="batch", delay=1, leave=False):
        if len(order) < batch:
            order = random.permutation(len(pictures))
        chosen, order = order[:batch], order[batch:]
        images = pictures[chosen]
        mirrored = random.random(batch) < 0.5
        images[mirrored] = images[mirrored, :, ::-1]
        learn(tf.constant(images), tf.constant(labels[chosen]))
    return Reader(model, network)
