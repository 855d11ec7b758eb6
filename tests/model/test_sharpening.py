"""The second phase as a Keras model: its losses and gradients, and that XLA and 16 bits change nothing."""

import math

import keras
import numpy as np
import pytest
import tensorflow as tf

from facevae.model import VAE, augmentation, schedules
from facevae.model.density import Mixture
from facevae.model.sharpening import ADVERSARIAL_WEIGHT, CONSISTENCY_WEIGHT, Sharpener

FACES = np.random.default_rng(0).integers(0, 256, (16, 32, 32, 3), np.uint8)


@pytest.fixture(scope="module")
def finished():
    keras.utils.set_random_seed(0)
    vae = VAE(32, 4, "detailed", width=8, sample_from="density", density_components=3)
    vae.density = Mixture(np.array([0.25, 0.75]), np.array([[0.0] * 4, [1.0] * 4]), np.stack([np.eye(4)] * 2))
    vae.global_step.assign(100)
    vae.variance.assign(0.02)
    return vae


def sharpener(finished, precision="float32", jit_compile=False):
    keras.utils.set_random_seed(0)
    model = Sharpener.of(finished, FACES, precision)
    rates = {"beta_1": 0.0, "beta_2": 0.99}
    model.compile(
        keras.optimizers.Adam(1e-3, **rates),
        critic_optimizer=keras.optimizers.Adam(1e-3, **rates),
        jit_compile=jit_compile,
    )
    model.total_steps.assign(140)
    return model


def test_it_begins_with_the_model_of_the_likelihood(finished):
    model = sharpener(finished)
    latents = np.random.default_rng(1).standard_normal((3, 4)).astype(np.float32)
    for decoder in (model.decode, model.learner):
        np.testing.assert_array_equal(decoder(latents), finished.decode(latents))
    np.testing.assert_array_equal(model.density.means, finished.density.means)
    assert (int(model.first_step), int(model.global_step), float(model.progress())) == (100, 100, 0.0)


def test_a_step_changes_decoder_and_critic_and_leaves_encoder_and_density(finished):
    model = sharpener(finished)
    before = [np.array(v) for v in (*model.encoder.weights, model._density_means)]
    networks = {name: getattr(model, name).get_weights() for name in ("learner", "critic", "decoder")}
    logs = model.train_step(tf.constant(FACES))
    for earlier, now in zip(before, (*model.encoder.weights, model._density_means), strict=True):
        np.testing.assert_array_equal(earlier, now)
    for name, weights in networks.items():
        pairs = zip(weights, getattr(model, name).get_weights(), strict=True)
        assert any(np.any(a != b) for a, b in pairs), name
    assert int(model.global_step) == 101
    # A new critic takes all pictures for equal.
    assert float(logs["critic_loss"]) == pytest.approx(math.log(2.0), rel=1e-6)


def test_the_decoder_descends_the_loss_that_is_reported(finished):
    """The gradient that one pass through the critic yields is that of the relativistic loss, taken the long way."""
    model = sharpener(finished)
    for _ in range(3):  # a new critic has no slopes
        model.train_step(tf.constant(FACES))
    model.global_step.assign(130)  # past the rise of the adversarial weight
    images = model.to_float(FACES)
    latents, _, is_sample = model._latents(images)
    views = model._views(images)
    results, _, gradients = model._passes(images, latents, is_sample, *views)

    with tf.GradientTape() as tape:
        drawn = model.learner(latents, training=False)
        scores = model.critic(augmentation.viewed(tf.concat([images, drawn], 0), *views))
        adversarial = tf.reduce_mean(tf.nn.softplus(scores[:16] - scores[16:]))
        kept = model._kept(images, drawn, is_sample)["kept"]
        consistency = model._consistency(drawn, latents)
        loss = kept + CONSISTENCY_WEIGHT * consistency + ADVERSARIAL_WEIGHT * adversarial
    expected = tape.gradient(loss, model.learner.trainable_variables)
    assert float(results["sharpening_loss"]) == pytest.approx(float(loss), rel=1e-5)
    assert float(results["adversarial_loss"]) == pytest.approx(float(adversarial), rel=1e-5)
    for one, other in zip(gradients, expected, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-3, atol=1e-6, equal_nan=False)


def test_the_penalty_is_the_mean_squared_slope_of_the_critic(finished):
    """Of a linear critic the slope is its weights: the gradient of the penalty g·|w|² is 2·g·w."""
    model = sharpener(finished)
    inputs = keras.Input((32, 32, 3))
    linear = keras.layers.Dense(1, use_bias=False)(keras.layers.Flatten()(inputs))
    model.critic = keras.Model(inputs, keras.layers.Reshape(())(linear))
    (weights,) = model.critic.trainable_variables
    (gradient,) = model._penalty_gradients(tf.zeros((2, 32, 32, 3)))
    strength = 4 * float(schedules.critic_penalty(tf.constant(0.0)))
    np.testing.assert_allclose(gradient, 2 * strength * np.array(weights), rtol=1e-5, equal_nan=False)


def test_samples_have_the_moments_of_the_density(finished):
    model = sharpener(finished)
    samples = np.concatenate(
        [model._samples(tf.zeros((2000, 32, 32, 3))) for model.seed in range(3)],
    )
    np.testing.assert_allclose(samples.mean(0), 0.75, atol=0.06)
    np.testing.assert_allclose(np.cov(samples.T), np.eye(4) + 0.1875, atol=0.12)


def test_xla_and_no_xla_take_the_same_step(finished):
    plain, compiled = sharpener(finished), sharpener(finished, jit_compile=True)
    for model in (plain, compiled):
        logs = [model.train_step(tf.constant(FACES)) for _ in range(2)]
        assert all(math.isfinite(float(value)) for value in logs[-1].values())
    for one, other in zip(plain.learner.get_weights(), compiled.learner.get_weights(), strict=True):
        np.testing.assert_allclose(one, other, atol=2e-3, equal_nan=False)
    assert float(plain.train_step(tf.constant(FACES))["critic_loss"]) == pytest.approx(
        float(compiled.train_step(tf.constant(FACES))["critic_loss"]), rel=0.02
    )


def test_16_bits_take_nearly_the_same_step_and_float16_is_left_for_float32(finished):
    one, other = sharpener(finished), sharpener(finished, "mixed_bfloat16")
    values = [model.train_step(tf.constant(FACES)) for model in (one, other)]
    for name in ("critic_loss", "consistency_loss", "mse", "kl_loss"):
        assert float(values[1][name]) == pytest.approx(float(values[0][name]), rel=0.03), name
    assert Sharpener.of(finished, FACES, "mixed_float16").dtype_policy.name == "float32"


def test_a_step_that_is_not_finite_is_noted(finished):
    model = sharpener(finished)
    for weight in model.critic.trainable_variables[:1]:
        weight.assign(np.full(weight.shape, np.nan, np.float32))
    model.train_step(tf.constant(FACES))
    assert int(model.not_finite_step) == 100


def test_its_float32_copy_is_a_vae_that_draws_as_it_does(finished):
    model = sharpener(finished)
    for _ in range(3):
        model.train_step(tf.constant(FACES))
    copy = model.float32_copy()
    assert type(copy) is VAE
    np.testing.assert_array_equal(copy.sample(2, seed=3), model.sample(2, seed=3))
    assert int(copy.global_step) == 103


def test_offsets_of_views_move_both_halves_alike_and_brightness_each_picture():
    brightness, _ = augmentation.random_views(tf.constant(8), 64, tf.constant(1.0), 0, tf.constant(3))
    assert brightness.shape == (16, 1, 1, 1)
    images = tf.random.stateless_uniform([16, 64, 64, 3], [0, 0])
    seen = augmentation.viewed(images, tf.zeros_like(brightness), tf.constant([1, -2]))
    np.testing.assert_array_equal(seen[:, :63, 2:], images[:, 1:, :62])
    offsets = [
        tuple(np.array(augmentation.random_views(tf.constant(2), 64, tf.constant(1.0), 0, tf.constant(s))[1]))
        for s in range(200)
    ]
    for axis in (0, 1):
        assert {offset[axis] for offset in offsets} == {-8, -4, 0, 4, 8}
    still = sum(offset == (0, 0) for offset in offsets) / 200
    assert still == pytest.approx(1.0 - 0.3 * 24 / 25, abs=0.1)


def test_a_sharpening_begins_with_unchanged_views():
    for step in range(20):
        brightness, offset = augmentation.random_views(
            tf.constant(4), 64, tf.constant(0.0), 0, tf.constant(step)
        )
        np.testing.assert_array_equal(brightness, np.zeros((8, 1, 1, 1)))
        np.testing.assert_array_equal(offset, [0, 0])
