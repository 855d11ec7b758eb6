import numpy as np
import pytest

from facevae.model import density


def test_fit_recovers_two_gaussians():
    random = np.random.default_rng(0)
    left = random.multivariate_normal([-5, 0], [[1.0, 0.8], [0.8, 1.0]], 3000)
    right = random.multivariate_normal([5, 2], [[0.25, 0.0], [0.0, 4.0]], 1000)
    mixture = density.fit(np.concatenate([left, right]).astype(np.float32), components=2)
    order = np.argsort(mixture.means[:, 0])
    np.testing.assert_allclose(mixture.weights[order], [0.75, 0.25], atol=0.02)
    np.testing.assert_allclose(mixture.means[order], [[-5, 0], [5, 2]], atol=0.2)
    covariances = mixture.scales @ mixture.scales.transpose(0, 2, 1)
    np.testing.assert_allclose(covariances[order[0]], [[1.0, 0.8], [0.8, 1.0]], atol=0.1)
    np.testing.assert_allclose(covariances[order[1]], [[0.25, 0.0], [0.0, 4.0]], atol=0.35)


def test_samples_have_the_mixtures_moments_and_depend_on_the_seed_alone():
    scales = np.array([[[1.0, 0.0], [0.9, 0.4]], [[0.5, 0.0], [0.0, 0.5]]], np.float32)
    mixture = density.Mixture(
        np.array([0.3, 0.7], np.float32), np.array([[4, 0], [-4, 0]], np.float32), scales
    )
    z = mixture.sample(40_000, seed=3)
    first = z[z[:, 0] > 0]
    assert len(first) / len(z) == pytest.approx(0.3, abs=0.01)
    np.testing.assert_allclose(np.cov(first.T), scales[0] @ scales[0].T, atol=0.03)
    np.testing.assert_array_equal(z, mixture.sample(40_000, seed=3))
    assert not np.array_equal(z, mixture.sample(40_000, seed=4))


def test_temperature_zero_gives_the_means():
    mixture = density.Mixture(
        np.ones(1, np.float32), np.full((1, 3), 2.0, np.float32), np.eye(3, dtype=np.float32)[None]
    )
    np.testing.assert_array_equal(mixture.sample(5, temperature=0.0), np.full((5, 3), 2.0))


def test_few_faces_lower_the_components_and_bad_rows_are_left_out():
    latents = np.random.default_rng(0).standard_normal((30, 8)).astype(np.float32)
    latents[3] = np.nan
    mixture = density.fit(latents, components=10)
    assert len(mixture.weights) == 1
    assert np.isfinite(mixture.sample(10)).all()
    with pytest.raises(ValueError, match="at least 2 finite rows"):
        density.fit(latents[3:4], components=1)


def test_a_warm_start_starts_from_the_earlier_means():
    random = np.random.default_rng(0)
    latents = np.concatenate([random.normal(-3, 1, (500, 2)), random.normal(3, 1, (500, 2))]).astype(
        np.float32
    )
    first = density.fit(latents, 2)
    again = density.fit(latents, 2, start=first, iterations=5)
    np.testing.assert_allclose(np.sort(again.means[:, 0]), np.sort(first.means[:, 0]), atol=0.05)


def test_held_out_faces_choose_components_and_covariance():
    random = np.random.default_rng(0)

    def gaussian(centre, covariance, count):
        return random.multivariate_normal(np.full(len(covariance), centre), covariance, count)

    tilted, turned = (np.array([[1.0, c], [c, 1.0]]) for c in (0.9, -0.9))
    wide = 0.5 * np.eye(12) + 0.5
    cases = {
        "2 full": np.concatenate([gaussian(-6.0, tilted, 2000), gaussian(6.0, turned, 2000)]),
        "2 tied": np.concatenate([gaussian(-6.0, wide, 100), gaussian(6.0, wide, 100)]),
        "1 diag": gaussian(0.0, np.eye(40), 300),  # too few for 820 covariances
    }
    for expected, latents in cases.items():
        mixture, tried = density.choose(latents[:, None].astype(np.float32), most_components=5)
        assert max(tried, key=tried.__getitem__) == expected
        assert len(mixture.weights) == int(expected[0])
        assert density.summary(tried).startswith(f"Gaussians and covariance chosen: {expected}, ")
    covariance = mixture.scales[0] @ mixture.scales[0].T
    np.testing.assert_array_equal(covariance, np.diag(np.diag(covariance)))


def test_held_out_likelihood_is_that_of_the_gaussian():
    latents = np.random.default_rng(0).standard_normal((20_000, 3)).astype(np.float32)
    _, tried = density.choose(latents[:, None], most_components=1)
    # The mean log-likelihood of N(0, 1) in three dimensions is minus its entropy.
    assert tried["1 full"] == pytest.approx(-1.5 * np.log(2.0 * np.pi * np.e), abs=0.1)


def test_a_handful_of_faces_is_one_gaussian_without_a_choice():
    mixture, tried = density.choose(np.eye(4, dtype=np.float32)[:, None], most_components=10)
    assert len(mixture.weights) == 1
    assert tried == {}
    assert "Too few faces" in density.summary(tried)


def test_views_of_a_face_are_held_out_together():
    faces = np.random.default_rng(0).standard_normal((200, 1, 3)).astype(np.float32)
    _, apart = density.choose(faces, most_components=20)
    _, together = density.choose(np.repeat(faces, 2, axis=1), most_components=20)
    # Repeated faces bring no information: with a copy among the fitted ones more components would always look better.
    assert together["1 full"] == pytest.approx(apart["1 full"], abs=1e-3)


def test_faces_with_a_view_that_is_not_finite_are_left_out():
    faces = np.random.default_rng(0).standard_normal((40, 2, 3)).astype(np.float32)
    spoiled = np.concatenate([faces, faces[:1]])
    spoiled[-1, 1, 0] = np.inf
    found, expected = (density.choose(views, most_components=1)[0] for views in (spoiled, faces))
    np.testing.assert_array_equal(found.means, expected.means)
    with pytest.raises(ValueError, match="at least 2 finite rows"):
        density.choose(spoiled[-1:], most_components=1)
