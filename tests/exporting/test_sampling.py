"""The compact form of the fitted density."""

import numpy as np
import pytest

from facevae.exporting.sampling import CompactMixture, compact, divergence, log_likelihood
from facevae.model.density import Mixture


def mixture_with_a_shared_basis(dimensions=6, components=3):
    random = np.random.default_rng(0)
    basis = random.normal(size=(dimensions, dimensions))
    factors = basis * random.uniform(0.3, 2.0, (components, 1, dimensions))
    scales = np.linalg.cholesky(factors @ factors.transpose(0, 2, 1))
    weights = np.array([0.5, 0.3, 0.2][:components]) / sum([0.5, 0.3, 0.2][:components])
    return Mixture(
        *(a.astype(np.float32) for a in (weights, random.normal(size=(components, dimensions)), scales))
    )


def test_covariances_that_share_a_basis_are_found_exactly():
    mixture = mixture_with_a_shared_basis()
    compacted = compact(mixture).as_mixture()
    for before, after in zip(mixture.scales, compacted.scales, strict=True):
        np.testing.assert_allclose(before @ before.T, after @ after.T, rtol=1e-3, atol=1e-4)
    assert abs(divergence(mixture, compact(mixture))) < 1e-4


def test_a_single_component_loses_nothing():
    mixture = mixture_with_a_shared_basis(components=1)
    assert abs(divergence(mixture, compact(mixture))) < 1e-6
    assert compact(mixture).thresholds().shape == (0,)


def test_other_covariances_cost_something_but_less_than_one_covariance_for_all():
    random = np.random.default_rng(1)
    covariances = np.stack([np.cov(random.normal(size=(5, 12))) for _ in range(3)])
    means, weights = np.zeros((3, 5), np.float32), np.full(3, 1 / 3, np.float32)
    mixture = Mixture(weights, means, np.linalg.cholesky(covariances).astype(np.float32))
    pooled = np.linalg.cholesky(covariances.mean(axis=0)).astype(np.float32)
    same = CompactMixture(weights, means, np.ones((3, 5), np.float32), pooled)
    assert 0.0 < divergence(mixture, compact(mixture)) < 0.5 * divergence(mixture, same)


def test_log_likelihood_of_a_standard_normal_has_its_closed_form():
    mixture = Mixture(np.ones(1, np.float32), np.zeros((1, 4), np.float32), np.eye(4, dtype=np.float32)[None])
    latents = np.array([[0, 0, 0, 0], [1, -2, 0, 3]], np.float32)
    expected = -0.5 * (latents**2).sum(axis=1) - 2.0 * np.log(2.0 * np.pi)
    np.testing.assert_allclose(log_likelihood(latents, mixture), expected, rtol=1e-6)


def test_noise_becomes_latents_with_the_moments_of_the_mixture():
    mixture = mixture_with_a_shared_basis()
    noise = np.random.default_rng(2).standard_normal((200_000, 7), dtype=np.float32)
    latents = compact(mixture).latents(noise)
    mean = mixture.weights @ mixture.means
    np.testing.assert_allclose(latents.mean(axis=0), mean, atol=0.03)
    inner = np.einsum("k,kij,klj->il", mixture.weights, mixture.scales, mixture.scales)
    offsets = mixture.means - mean
    covariance = inner + np.einsum("k,ki,kj->ij", mixture.weights, offsets, offsets)
    np.testing.assert_allclose(np.cov(latents.T), covariance, atol=0.02 * np.abs(covariance).max())


@pytest.mark.parametrize(
    ("last", "component"), [(-9.0, 0), (-0.1, 0), (0.1, 1), (0.8, 1), (0.9, 2), (9.0, 2)]
)
def test_the_last_number_chooses_the_component(last, component):
    # Shares 0.5, 0.3 and 0.2 meet at the normal quantiles 0 and 0.84.
    compacted = compact(mixture_with_a_shared_basis())
    noise = np.zeros((1, 7), np.float32)
    noise[0, -1] = last
    np.testing.assert_allclose(compacted.latents(noise)[0], compacted.means[component], atol=1e-6)
