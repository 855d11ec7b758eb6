import numpy as np
import pytest
from correlated_faces import correlated_faces

from facevae import latents


@pytest.fixture
def random():
    return np.random.default_rng(0)


# ---------------------------------------------------------------------------------------------------------
# KL, active units
# ---------------------------------------------------------------------------------------------------------


def test_kl_of_the_prior_is_zero_and_of_a_shifted_narrow_gaussian_the_closed_form():
    mean = np.zeros((5, 3), np.float32)
    log_variance = np.zeros((5, 3), np.float32)
    mean[:, 1] = 2.0
    log_variance[:, 2] = np.log(0.25)
    kl = latents.kl_per_dimension(mean, log_variance)
    assert kl.dtype == np.float32
    np.testing.assert_allclose(kl, [0.0, 2.0, 0.5 * (0.25 - 1.0 + np.log(4.0))], rtol=1e-6)
    assert latents.dimensions_by_kl(mean, log_variance).tolist() == [1, 2, 0]


def test_active_units_are_those_whose_mean_varies(random):
    mean = np.zeros((1000, 4), np.float32)
    mean[:, 1] = 3.0  # constant: carries nothing, however far from 0
    mean[:, 2] = random.standard_normal(1000)
    mean[:, 3] = 0.05 * random.standard_normal(1000)  # variance 0.0025
    assert latents.active_units(mean) == 1
    assert latents.active_units(mean, threshold=0.001) == 2


# ---------------------------------------------------------------------------------------------------------
# Attribute directions
# ---------------------------------------------------------------------------------------------------------


def test_the_regression_gives_back_known_directions_of_correlated_attributes(random):
    mean, attributes, directions = correlated_faces(random)
    found = latents.attribute_directions(mean, attributes)
    assert found.dtype == np.float32
    # Five standard errors of the least certain coefficient: noise 0.5, variance given the others 0.12.
    np.testing.assert_allclose(found, directions, atol=5 * 0.5 / np.sqrt(20_000 * 0.12))


def test_an_attribute_without_variation_has_no_direction(random):
    mean = random.standard_normal((60, 4)).astype(np.float32)
    attributes = np.stack([np.ones(60), np.zeros(60), random.random(60) < 0.5], axis=1).astype(np.uint8)
    found = latents.attribute_directions(mean, attributes)
    assert np.isfinite(found).all()
    np.testing.assert_array_equal(found[:2], 0.0)
    assert np.linalg.norm(found[2]) > 0.0


def test_directions_refuse_what_does_not_belong_together():
    with pytest.raises(ValueError, match=r"received \(3, 2\) and \(4, 1\)"):
        latents.attribute_directions(np.zeros((3, 2)), np.zeros((4, 1)))


# ---------------------------------------------------------------------------------------------------------
# Interpolation, traversal
# ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("spherical", [False, True])
def test_interpolation_includes_both_ends_exactly(random, spherical):
    start, end = random.standard_normal((2, 50)).astype(np.float32)
    between = latents.interpolate(start, end, 7, spherical)
    assert between.shape == (7, 50)
    assert between.dtype == np.float32
    np.testing.assert_array_equal(between[0], start)
    np.testing.assert_array_equal(between[-1], end)


def test_the_linear_middle_is_the_average_and_the_spherical_one_keeps_the_norm():
    start, end = np.array([3.0, 0.0], np.float32), np.array([0.0, 3.0], np.float32)
    np.testing.assert_allclose(latents.interpolate(start, end, 3)[1], [1.5, 1.5])
    spherical = latents.interpolate(start, end, 4, spherical=True)
    angles = np.degrees(np.arctan2(spherical[:, 1], spherical[:, 0]))
    np.testing.assert_allclose(angles, [0.0, 30.0, 60.0, 90.0], atol=1e-4)
    np.testing.assert_allclose(np.linalg.norm(spherical, axis=1), 3.0, rtol=1e-6)


@pytest.mark.parametrize("factor", [1.0, 2.0, -1.0, 0.0])
def test_spherical_interpolation_of_parallel_latents_is_linear(factor):
    start = np.array([1.0, 2.0, -1.0], np.float32)
    between = latents.interpolate(start, factor * start, 5, spherical=True)
    np.testing.assert_allclose(between, latents.interpolate(start, factor * start, 5), atol=1e-6)


def test_interpolation_refuses_one_step_and_different_shapes():
    with pytest.raises(ValueError, match=r"steps: expected at least 2, .* received 1"):
        latents.interpolate(np.zeros(2), np.ones(2), 1)
    with pytest.raises(ValueError, match=r"received \(2,\) and \(3,\)"):
        latents.interpolate(np.zeros(2), np.ones(3), 5)


def test_a_traversal_changes_one_dimension():
    latent = np.array([1.0, 2.0, 3.0], np.float32)
    faces = latents.traversal(latent, 1, np.array([-3.0, 0.0, 3.0]))
    np.testing.assert_array_equal(faces, [[1, -3, 3], [1, 0, 3], [1, 3, 3]])
    np.testing.assert_array_equal(latent, [1, 2, 3])


def test_traversals_go_through_the_values_that_faces_have_in_the_dimensions_that_they_use():
    # Means ±2 and ±1 in dimensions 2 and 0, dimension 1 unused; variances 0.5 everywhere, 1 where unused.
    mean = np.array([[1.0, 0.0, 12.0], [-1.0, 0.0, 8.0]] * 50, np.float32)
    log_variance = np.log(np.broadcast_to([0.5, 1.0, 0.5], mean.shape)).astype(np.float32)
    latent = np.array([5.0, 6.0, 7.0], np.float32)
    dimensions = latents.informative_dimensions(mean, log_variance, 3)
    assert dimensions.tolist() == [2, 0]
    moved = latents.traversals(latent, dimensions, mean, log_variance)
    assert moved.dtype == np.float32
    steps = np.arange(-3.0, 4.0)
    np.testing.assert_allclose(moved[:7, 2], 10.0 + steps * np.sqrt(4.0 + 0.5), rtol=1e-6)
    np.testing.assert_allclose(moved[7:, 0], steps * np.sqrt(1.0 + 0.5), rtol=1e-6, atol=1e-6)
    assert (moved[:7, :2] == latent[:2]).all()
    assert (moved[7:, 1:] == latent[1:]).all()
    assert latents.informative_dimensions(mean, log_variance, 1).tolist() == [2]


def test_no_dimension_is_informative_where_the_encoder_uses_none():
    zeros = np.zeros((10, 3), np.float32)
    assert latents.informative_dimensions(zeros, zeros, 3).tolist() == []


def test_edits_add_so_many_times_each_direction():
    directions = np.array([[1.0, 0.0], [0.0, 2.0]], np.float32)
    edited = latents.attribute_edits(np.array([3.0, 4.0], np.float32), directions, np.array([-1.0, 0.0, 0.5]))
    assert edited.dtype == np.float32
    assert edited.tolist() == [[2, 4], [3, 4], [3.5, 4], [3, 2], [3, 4], [3, 5]]


# ---------------------------------------------------------------------------------------------------------
# Normality
# ---------------------------------------------------------------------------------------------------------


def test_normality_rejects_only_the_dimensions_that_are_not_standard_normal(random):
    samples = random.standard_normal((5000, 12)).astype(np.float32)
    result = latents.normality(samples)
    assert not result.rejected.any()
    assert result.detectable == pytest.approx(1.358 / np.sqrt(5000), rel=0.02)  # Kolmogorov's asymptotic 5 %
    assert "rejected for 0 of 12" in str(result)
    samples[:, 3] = random.uniform(-np.sqrt(3), np.sqrt(3), 5000)  # mean 0, variance 1, no Gaussian
    samples[:, 7] *= 0.5
    samples[:, 9] += 1.0
    result = latents.normality(samples)
    assert np.flatnonzero(result.rejected).tolist() == [3, 7, 9]
    # The distance of N(1, 1) from N(0, 1) is 2 Φ(1/2) − 1.
    assert result.distance[9] == pytest.approx(0.3829, abs=0.02)
