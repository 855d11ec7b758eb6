"""The reference network against the same network in plain Keras."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers
from model_noise import noise_of

from facevae.model import VAE


def plain_keras_reference(size, latent_dim):
    def block(x, layer, filters):
        x = layer(filters, 3, strides=2, padding="same")(x)
        return layers.LeakyReLU(0.3)(layers.BatchNormalization()(x))

    x = image = keras.Input((size, size, 3))
    for filters in (32, 64, 64, 64):
        x = block(x, layers.Conv2D, filters)
    x = layers.Flatten()(x)
    encoder = keras.Model(image, [layers.Dense(latent_dim)(x), layers.Dense(latent_dim)(x)])
    x = latent = keras.Input((latent_dim,))
    x = layers.Reshape((size // 16, size // 16, 64))(layers.Dense((size // 16) ** 2 * 64)(x))
    for filters in (64, 64, 32):
        x = block(x, layers.Conv2DTranspose, filters)
    x = layers.Conv2DTranspose(3, 3, strides=2, padding="same", activation="sigmoid")(x)
    return encoder, keras.Model(latent, x)


def test_reference_equals_a_plain_keras_build():
    keras.utils.set_random_seed(0)
    model = VAE(image_size=64, latent_dim=20, network="reference", likelihood="weighted_mse")
    model.compile("sgd")
    encoder, decoder = plain_keras_reference(64, 20)
    encoder.set_weights(model.encoder.get_weights())
    decoder.set_weights(model.decoder.get_weights())
    # Images that vary everywhere: in flat ones whole regions lie at LeakyReLU's kink, where rounding decides the slope.
    coarse = tf.random.stateless_uniform([16, 8, 8, 3], [1, 2])
    images = tf.clip_by_value(tf.image.resize(coarse, [64, 64], "bicubic"), 0.0, 1.0)
    noise = noise_of(model, 16)

    variables = encoder.trainable_variables + decoder.trainable_variables
    with tf.GradientTape() as tape:
        mean, log_variance = encoder(images, training=True)
        reconstructions = decoder(mean + tf.exp(0.5 * log_variance) * noise, training=True)
        kl = 0.5 * tf.reduce_sum(mean**2 + tf.exp(log_variance) - 1 - log_variance, axis=1)
        loss = tf.reduce_mean(10000 * tf.reduce_mean((images - reconstructions) ** 2, axis=[1, 2, 3]) + kl)
    expected = tape.gradient(loss, variables)

    results, gradients = model.compute_gradients(images, noise)
    assert float(results["loss"]) == pytest.approx(float(loss), rel=1e-4)
    largest = max(float(tf.norm(gradient)) for gradient in expected)
    for ours, plain in zip(gradients, expected, strict=True):
        # The gradient of a bias before a BatchNorm is rounding alone: it is compared with the largest gradient.
        assert float(tf.norm(ours - plain)) <= 1e-4 * max(float(tf.norm(plain)), 1e-2 * largest)
    moving = model.encoder.non_trainable_variables + model.decoder.non_trainable_variables
    plain_moving = encoder.non_trainable_variables + decoder.non_trainable_variables
    for ours, plain in zip(moving, plain_moving, strict=True):
        np.testing.assert_allclose(ours, plain, rtol=1e-4, atol=1e-7, equal_nan=False)


def test_reference_parameter_count_is_pinned():
    model = VAE(image_size=128, latent_dim=200, network="reference", dropout=0.25)
    # Convolutions 896 + 18,496 + 2 × 36,928, BatchNorm 4 × (32 + 3 × 64), two heads of 4,096 × 200 + 200.
    assert model.encoder.count_params() == 93_248 + 896 + 2 * 819_400
    # 200 × 4,096 + 4,096; transposed convolutions 2 × 36,928 + 18,464 + 867; BatchNorm 4 × (64 + 64 + 32).
    assert model.decoder.count_params() == 823_296 + 93_187 + 640
