import keras
import numpy as np
import pytest
import tensorflow as tf
from model_noise import noise_of

from facevae.model import VAE
from facevae.model.trainer import VALIDATION_SEED

TINY = {"image_size": 32, "latent_dim": 6, "width": 8}


# ------------------------------------------------------------------------------
# Images in, images out
# ------------------------------------------------------------------------------


def test_shapes_dtypes_and_ranges(blob_images):
    model = VAE(**TINY)
    images = blob_images(3)
    mean, log_variance = model.encode(images)
    assert mean.shape == log_variance.shape == (3, 6)
    for faces in (model.decode(mean), model(images), model.sample(3)):
        faces = np.asarray(faces)
        assert faces.shape == (3, 32, 32, 3)
        assert faces.dtype == np.float32
        assert faces.min() >= 0.0
        assert faces.max() <= 1.0


def test_uint8_and_float32_images_are_encoded_alike(blob_images):
    model = VAE(**TINY)
    images = blob_images(3)
    np.testing.assert_allclose(
        model.encode(images)[0], model.encode(images.astype(np.float32) / 255)[0], rtol=1e-5, atol=1e-6
    )


@pytest.mark.parametrize("count", [0, 1, 300])
def test_any_number_of_images_and_latents_is_encoded_and_decoded(count, blob_images):
    model = VAE(**TINY)
    images = blob_images(count)
    mean, log_variance = model.encode_all(images)
    reconstructions = model.decode_all(mean)
    shapes = ((mean, (count, 6)), (log_variance, (count, 6)), (reconstructions, (count, 32, 32, 3)))
    for array, shape in shapes:
        assert isinstance(array, np.ndarray)
        assert (array.dtype, array.shape) == (np.float32, shape)
    for found, expected in zip((mean, log_variance), model.encode(images), strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(reconstructions, model.decode(mean), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("dtype", ["float64", "int32", "float16"])
def test_other_dtypes_are_refused(dtype, blob_images):
    with pytest.raises(ValueError, match=r"expected uint8 in .* or float32 .* received"):
        VAE(**TINY).encode(blob_images(1).astype(dtype))


def test_wrong_shape_is_refused(blob_images):
    with pytest.raises(
        ValueError, match=r"expected the shape \[batch, 32, 32, 3\], received \(2, 64, 64, 3\)"
    ):
        VAE(**TINY).encode(blob_images(2, size=64))


@pytest.mark.parametrize("network", ["reference", "compact"])
@pytest.mark.parametrize("image_size", [32, 64, 128, 256])
def test_every_size_of_both_families_encodes_and_decodes(network, image_size):
    model = VAE(image_size=image_size, latent_dim=4, network=network, width=8)
    mean, _ = model.encode(np.zeros((1, image_size, image_size, 3), np.uint8))
    assert model.decode(mean).shape == (1, image_size, image_size, 3)


def test_sampling_is_a_function_of_the_seed_and_temperature_scales_the_noise():
    model = VAE(**TINY)
    latents = model.sample_latents(4, seed=1)
    np.testing.assert_array_equal(latents, model.sample_latents(4, seed=1))
    np.testing.assert_allclose(model.sample_latents(4, seed=1, temperature=0.5), 0.5 * latents)
    assert not np.array_equal(latents, model.sample_latents(4, seed=2))
    with pytest.raises(ValueError, match="no fitted density"):
        model.sample_latents(4, sample_from="density")


# ------------------------------------------------------------------------------
# Losses and trackers
# ------------------------------------------------------------------------------


def test_validation_reports_the_closed_form_of_its_parts(blob_images):
    model = VAE(**TINY, kl_weight=2.0, free_bits=3.0)
    model.compile("sgd")
    model.variance.assign(0.05)
    images = blob_images(10)
    mean, log_variance = (t.numpy().astype(np.float64) for t in model.encode(images))
    noise = noise_of(model, 8, VALIDATION_SEED).numpy()
    latents = mean + np.exp(0.5 * log_variance) * np.concatenate([noise, noise[:2]])
    mse = (
        ((images / 255.0 - model.decode(latents.astype(np.float32)).numpy()) ** 2).mean(axis=(1, 2, 3)).mean()
    )
    kl = 0.5 * (mean**2 + np.exp(log_variance) - 1 - log_variance).sum(axis=1).mean()
    reconstruction = 0.5 * 3072 * (np.log(2 * np.pi * 0.05) + mse / 0.05)

    # 8 faces, then 2: the uneven last batch counts by its faces.
    results = model.evaluate(images, batch_size=8, verbose=0, return_dict=True)
    assert results["mse"] == pytest.approx(mse, rel=2e-3)
    assert results["kl_loss"] == pytest.approx(kl, rel=1e-3)
    assert results["reconstruction_loss"] == pytest.approx(reconstruction, rel=2e-3)
    assert results["loss"] == pytest.approx(reconstruction + 2.0 * kl, rel=2e-3)


def test_attributes_beside_the_images_are_ignored(blob_images):
    images = blob_images(8)
    results = []
    for data in (images, (images, np.ones((8, 3), np.uint8))):
        keras.utils.set_random_seed(0)
        model = VAE(**TINY)
        model.compile("sgd")
        results.append(
            model.fit(tf.data.Dataset.from_tensor_slices(data).batch(4), shuffle=False, verbose=0).history
        )
    assert results[0] == results[1]
    assert {"loss", "reconstruction_loss", "kl_loss", "mse"} <= set(results[0])


def test_training_learns_and_stores_its_sigma(blob_images):
    keras.utils.set_random_seed(0)
    model = VAE(**TINY)
    model.compile(keras.optimizers.Adam(2e-3))
    history = model.fit(blob_images(256), batch_size=32, epochs=12, verbose=0).history
    assert history["mse"][-1] < 0.25 * history["mse"][0]
    assert float(model.variance) == pytest.approx(history["mse"][-1], rel=1.0)
    assert int(model.global_step) == 96
    assert int(model.not_finite_step) == -1


def test_a_step_that_is_not_finite_is_noted(blob_images):
    model = VAE(**TINY)
    model.compile(keras.optimizers.SGD(0.0))
    images = blob_images(16).astype(np.float32) / 255
    images[9] = np.nan
    model.fit(images, batch_size=4, shuffle=False, verbose=0)
    assert int(model.not_finite_step) == 2


def test_free_bits_change_what_is_minimised_and_not_what_is_reported(blob_images):
    images = tf.constant(blob_images(8).astype(np.float32) / 255)
    results = []
    for free_bits in (0.0, 5.0):
        keras.utils.set_random_seed(0)
        model = VAE(**TINY, free_bits=free_bits)
        model.compile("sgd")
        results.append(model.compute_gradients(images, noise_of(model, 8))[0])
    np.testing.assert_array_equal(results[0]["kl_loss"], results[1]["kl_loss"])
    assert float(results[1]["loss"]) > float(results[0]["loss"])


def test_extreme_log_variances_stay_finite(blob_images):
    for extreme in (-1e4, 1e4):
        model = VAE(**TINY)
        model.encoder.get_layer("log_variance").bias.assign(np.full(6, extreme, np.float32))
        model.compile("sgd")
        results, gradients = model.compute_gradients(model.to_float(blob_images(4)), noise_of(model, 4))
        assert np.isfinite(results["kl_loss"]).all()
        assert all(np.isfinite(gradient).all() for gradient in gradients)


# ------------------------------------------------------------------------------
# XLA and mixed precision
# ------------------------------------------------------------------------------


@pytest.mark.parametrize("network", ["reference", "compact"])
def test_xla_gives_the_same_losses_and_gradients(network, blob_images):
    outcomes = []
    for jit_compile in (False, True):
        keras.utils.set_random_seed(0)
        model = VAE(**TINY, network=network)
        model.compile("sgd", jit_compile=jit_compile)
        outcomes.append(model.compute_gradients(model.to_float(blob_images(8)), noise_of(model, 8)))
    (plain, plain_gradients), (compiled, compiled_gradients) = outcomes
    for name in plain:
        np.testing.assert_allclose(compiled[name], plain[name], rtol=1e-4, equal_nan=False)
    largest = max(float(tf.norm(gradient)) for gradient in plain_gradients)
    for ours, expected in zip(compiled_gradients, plain_gradients, strict=True):
        assert float(tf.norm(ours - expected)) <= 1e-4 * max(float(tf.norm(expected)), 1e-2 * largest)


def test_mixed_float16_makes_progress(blob_images):
    keras.utils.set_random_seed(0)
    model = VAE(**TINY, dtype="mixed_float16")
    model.compile(keras.optimizers.Adam(2e-3), jit_compile=True)
    history = model.fit(blob_images(64), batch_size=16, epochs=6, verbose=0).history
    assert history["mse"][-1] < 0.6 * history["mse"][0]


def test_mixed_float16_takes_the_step_that_float32_takes_and_logs_the_unscaled_loss(blob_images):
    """Fails when the loss is not scaled: the optimizer would then divide unscaled gradients by the scale."""
    outcomes = []
    for dtype in ("float32", "mixed_float16"):
        keras.utils.set_random_seed(0)
        model = VAE(**TINY, dtype=dtype)
        model.compile(keras.optimizers.SGD(1e-5), jit_compile=True)
        kernel = model.decoder.layers[1].kernel
        before = kernel.numpy()
        logs = model.train_on_batch(blob_images(16), return_dict=True)
        outcomes.append((logs, kernel.numpy() - before))
    (logs, step), (mixed_logs, mixed_step) = outcomes
    for name in ("loss", "kl_loss", "gradient_norm"):
        assert mixed_logs[name] == pytest.approx(logs[name], rel=0.02)
    assert np.linalg.norm(step) > 0
    # 16-bit gradients are off by some percent; a missing scale by a factor of eight.
    assert np.linalg.norm(mixed_step - step) < 0.2 * np.linalg.norm(step)


def test_statistics_and_images_are_float32_under_mixed_precision(blob_images):
    model = VAE(**TINY, dtype="mixed_bfloat16")
    mean, log_variance = model.encode(blob_images(2))
    assert mean.dtype == log_variance.dtype == model.decode(mean).dtype == tf.float32
    assert model.encoder.layers[2].compute_dtype == "bfloat16"
    floats = blob_images(2).astype(np.float32) / 255
    np.testing.assert_allclose(model(floats), model(blob_images(2)), atol=0.02, equal_nan=False)


# ------------------------------------------------------------------------------
# Saved and loaded
# ------------------------------------------------------------------------------


def test_keras_file_loads_in_safe_mode_with_density_sigma_and_compilation(tmp_path, blob_images):
    from facevae.model.density import Mixture

    model = VAE(**TINY, density_components=3, sample_from="density")
    model.compile("adam")
    model.fit(blob_images(8), batch_size=4, verbose=0)
    model.density = Mixture(
        np.array([0.4, 0.6], np.float32), np.ones((2, 6), np.float32), np.stack([np.eye(6)] * 2)
    )
    model.save(tmp_path / "vae.keras")
    loaded = keras.saving.load_model(tmp_path / "vae.keras", safe_mode=True)
    assert isinstance(loaded, VAE)
    assert float(loaded.variance) == float(model.variance)
    np.testing.assert_array_equal(loaded.density.weights, model.density.weights)
    np.testing.assert_allclose(loaded.sample(3, seed=2), model.sample(3, seed=2), atol=1e-6)
    loaded.fit(blob_images(8), batch_size=4, verbose=0)
    assert int(loaded.global_step) == 4


def test_float32_copy_of_a_mixed_model_is_close_to_it(blob_images):
    model = VAE(**TINY, dtype="mixed_bfloat16")
    copy = model.float32_copy()
    assert {layer.dtype_policy.name for layer in copy.encoder.layers} == {"float32"}
    np.testing.assert_allclose(copy(blob_images(4)), model(blob_images(4)), atol=0.02, equal_nan=False)
