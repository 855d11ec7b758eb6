"""Expectation maximisation against scikit-learn's and closed forms."""

import numpy as np
import pytest
from sklearn.mixture import GaussianMixture

from facevae.model import mixture_fit
from facevae.model.mixture_fit import REGULARISATION, Fit, maximise


@pytest.fixture(scope="module")
def latents():
    """Three well separated clusters in four dimensions, far from the origin."""
    random = np.random.default_rng(0)
    parts = [
        random.multivariate_normal(centre, np.diag(spread), 400)
        for centre, spread in (
            ([0, 0, 0, 0], [1.0, 0.5, 2.0, 1.0]),
            ([9, 0, 5, 1], [0.5, 1.0, 1.0, 2.0]),
            ([0, 9, -5, 3], [2.0, 2.0, 0.5, 0.5]),
        )
    ]
    return (np.concatenate(parts) + 100.0).astype(np.float32)


def reference(latents, covariance):
    added = REGULARISATION * float(latents.var(axis=0).mean()) + 1e-9
    mixture = GaussianMixture(
        3, covariance_type=covariance, reg_covar=added, max_iter=50, tol=1e-6, random_state=0
    )
    return mixture.fit(latents.astype(np.float64))


@pytest.mark.parametrize("covariance", ["full", "tied", "diag"])
def test_without_a_prior_the_likelihood_is_that_of_scikit_learn(latents, covariance, monkeypatch):
    monkeypatch.setattr(mixture_fit, "IMAGINARY_FACES", 0.0)
    ours, theirs = maximise(latents, 3, covariance, 0, 50, 1e-6), reference(latents, covariance)
    assert ours.score(latents) == pytest.approx(theirs.score(latents.astype(np.float64)), abs=1e-3)
    np.testing.assert_allclose(np.sort(ours.weights), np.sort(theirs.weights_), atol=1e-3)
    np.testing.assert_allclose(np.sort(ours.means, axis=0), np.sort(theirs.means_, axis=0), atol=1e-2)


def test_the_score_is_the_gaussians_log_density():
    scale = np.array([[2.0, 0.0], [1.0, 0.5]])
    one = Fit(np.ones(1), np.array([[3.0, -1.0]]), scale[None])
    points = np.array([[3.0, -1.0], [5.0, 0.0]], np.float32)
    # The determinant of the covariance is (2 * 0.5)^2 = 1; the second point is one standard deviation away.
    assert one.score(points) == pytest.approx(-np.log(2.0 * np.pi) - 0.25, abs=1e-6)
    diagonal = Fit(np.ones(1), np.zeros((1, 2)), np.array([[2.0, 0.5]]))
    assert diagonal.score(np.array([[2.0, 0.5]], np.float32)) == pytest.approx(
        -np.log(2.0 * np.pi) - 1.0, abs=1e-6
    )


def test_the_prior_draws_covariances_together(latents, monkeypatch):
    def spread(imaginary):
        monkeypatch.setattr(mixture_fit, "IMAGINARY_FACES", imaginary)
        scales = maximise(latents, 3, "full", 0, 50, 1e-6).scales
        return np.ptp(scales @ scales.transpose(0, 2, 1), axis=0).max()

    assert spread(0.0) > spread(50.0) > spread(1e5)
    assert spread(1e5) == pytest.approx(0.0, abs=1e-2)


def test_iterations_raise_the_likelihood_and_a_start_goes_on_from_there(latents):
    first = maximise(latents, 3, "full", 1, 2, 0.0)
    counted = []
    later = maximise(latents, 3, "full", 1, 30, 1e-6, first, lambda: counted.append(1))
    assert later.score(latents) >= first.score(latents) - 1e-6
    assert 0 < len(counted) < 30
    np.testing.assert_array_equal(
        maximise(latents, 3, "full", 1, 1, 0.0, first).means,
        maximise(latents, 3, "full", 9, 1, 0.0, first).means,
    )


def test_the_same_seed_gives_the_same_fit(latents):
    once, again = (maximise(latents, 3, "full", 4, 5, 0.0) for _ in range(2))
    np.testing.assert_array_equal(once.factors, again.factors)


def test_more_components_than_faces_are_refused(latents):
    with pytest.raises(ValueError, match="n_samples=2 should be >= n_clusters=3"):
        maximise(latents[:2], 3, "full", 0, 5, 0.0)
