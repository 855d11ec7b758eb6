import math

import numpy as np
import pytest
import tensorflow as tf

from facevae.model import losses


def test_kl_of_shifted_and_scaled_gaussians():
    # KL(N(m, s²) ‖ N(0, 1)) = (m² + s² − 1 − log s²) / 2
    kl = losses.kl_from_standard_normal(
        tf.constant([[0.0, 1.0, 0.0]]), tf.constant([[0.0, 0.0, math.log(4.0)]])
    )
    np.testing.assert_allclose(kl, [[0.0, 0.5, (3.0 - math.log(4.0)) / 2]], rtol=1e-6, equal_nan=False)


def test_kl_agrees_with_an_estimate_from_samples():
    mean, log_variance = 0.7, -0.4
    z = mean + math.exp(0.5 * log_variance) * np.random.default_rng(0).standard_normal(400_000)
    log_ratio = -0.5 * (log_variance + (z - mean) ** 2 / math.exp(log_variance)) + 0.5 * z**2
    kl = losses.kl_from_standard_normal(tf.constant([mean]), tf.constant([log_variance]))
    assert float(kl[0]) == pytest.approx(log_ratio.mean(), abs=5e-3)


def test_gaussian_likelihood_is_the_sum_of_the_pixels_log_densities():
    random = np.random.default_rng(0)
    x, y = random.random((2, 3, 4, 4, 3)).astype(np.float32)
    sigma = 0.3
    density = np.exp(-0.5 * ((x - y) / sigma) ** 2) / (sigma * math.sqrt(2 * math.pi))
    expected = -np.log(density).sum(axis=(1, 2, 3))
    mse = losses.squared_error(tf.constant(x), tf.constant(y))
    actual = losses.gaussian_negative_log_likelihood(mse, tf.constant(sigma**2), 48)
    np.testing.assert_allclose(actual, expected, rtol=1e-5, equal_nan=False)


def test_optimal_variance_minimises_the_likelihood_and_gives_its_closed_form():
    mse = tf.constant([0.02, 0.04])
    at = {
        v: float(tf.reduce_mean(losses.gaussian_negative_log_likelihood(mse, tf.constant(v), 48)))
        for v in (0.02, 0.03, 0.04)
    }
    assert min(at, key=at.get) == 0.03
    assert at[0.03] == pytest.approx(24 * (math.log(2 * math.pi * 0.03) + 1), rel=1e-5)


def test_free_bits_leave_informative_dimensions_alone_and_floor_the_others():
    kl = tf.constant([4.0, 0.05])
    assert float(losses.with_free_bits(kl, 0.0)) == pytest.approx(4.05)
    assert float(losses.with_free_bits(kl, 0.5)) == pytest.approx(4.5)
