import math

import numpy as np
import pytest

from facevae.evaluation import metrics


@pytest.fixture
def gaussian():
    return np.random.default_rng(0).standard_normal((400, 6))


# ------------------------------------------------------------------------------
# Reconstructions
# ------------------------------------------------------------------------------


def test_psnr_of_a_constant_error():
    np.testing.assert_allclose(metrics.psnr([0.1**2, 0.01**2]), [20.0, 40.0], rtol=1e-9)
    assert metrics.psnr([0.0])[0] == math.inf
    assert math.isnan(metrics.psnr([math.nan])[0])


def test_ssim_is_1_for_equal_images_and_less_for_others(blob_images):
    images = blob_images(4).astype(np.float32) / 255.0
    np.testing.assert_allclose(metrics.ssim(images, images), 1.0, atol=1e-6)
    noisy = np.clip(images + np.random.default_rng(0).normal(0.0, 0.2, images.shape), 0.0, 1.0)
    assert (metrics.ssim(images, noisy.astype(np.float32)) < 0.9).all()
    assert np.isnan(metrics.ssim(images, images * np.float32(np.nan))).all()


def test_ssim_of_two_constant_images_is_its_luminance_term():
    # Dark images: TensorFlow computes variances as differences of float32 squares, whose rounding error must stay
    # small beside SSIM's constant 0.03².
    first, second = (np.full((1, 32, 32, 3), value, np.float32) for value in (0.05, 0.15))
    expected = (2 * 0.05 * 0.15 + 0.01**2) / (0.05**2 + 0.15**2 + 0.01**2)
    np.testing.assert_allclose(metrics.ssim(first, second), expected, rtol=1e-4)


# ------------------------------------------------------------------------------
# Likelihood
# ------------------------------------------------------------------------------


def test_bits_per_dimension_are_the_entropy_of_the_quantised_gaussian():
    mean, sigma = 0.5, 20.0 / 255.0
    levels = np.arange(-100, 356)  # far beyond 0 and 255, so that no mass is cut off
    edges = (np.append(levels, 356) - 0.5) / 255.0
    cumulative = np.array([0.5 * (1.0 + math.erf((edge - mean) / sigma / math.sqrt(2.0))) for edge in edges])
    masses = np.diff(cumulative)
    entropy = -(masses[masses > 0] * np.log2(masses[masses > 0])).sum()
    log_density = -0.5 * ((levels / 255.0 - mean) / sigma) ** 2 - math.log(sigma * math.sqrt(2.0 * math.pi))
    pixel_values = 12
    elbo = pixel_values * (masses * log_density).sum()
    assert metrics.bits_per_dimension(elbo, pixel_values) == pytest.approx(entropy, abs=1e-3)


def test_the_uniform_density_costs_log2_of_255_bits():
    assert metrics.bits_per_dimension(0.0, 100) == pytest.approx(math.log2(255))


def test_the_implied_variance_turns_the_weighted_error_into_the_likelihood():
    pixel_values, weight, mse = 64 * 64 * 3, 10_000.0, np.array([0.01, 0.02])
    variance = metrics.implied_variance(weight, pixel_values)
    negative = 0.5 * pixel_values * (math.log(2.0 * math.pi * variance) + mse / variance)
    assert np.diff(negative)[0] == pytest.approx(weight * 0.01)
    assert math.sqrt(variance) == pytest.approx(0.784, abs=1e-3)


# ------------------------------------------------------------------------------
# Fréchet distance, precision and recall
# ------------------------------------------------------------------------------


def test_frechet_distance_of_a_set_with_itself_is_0(gaussian):
    assert metrics.frechet_distance(gaussian, gaussian) == pytest.approx(0.0, abs=1e-9)


def test_frechet_distance_of_a_shifted_set_is_the_squared_distance_of_the_means(gaussian):
    shift = np.array([1.0, -2.0, 0.0, 0.5, 0.0, 3.0])
    correlated = gaussian @ np.random.default_rng(1).standard_normal((6, 6))
    assert metrics.frechet_distance(correlated, correlated + shift) == pytest.approx(shift @ shift)


def test_frechet_distance_of_commuting_covariances(gaussian):
    centred = gaussian - gaussian.mean(axis=0)
    expected = (0.5**2 * centred.var(axis=0, ddof=1)).sum()  # Σ (σ − σ/2)²
    assert metrics.frechet_distance(centred, 0.5 * centred) == pytest.approx(expected)
    assert metrics.frechet_distance(0.5 * centred, centred) == pytest.approx(expected)


def test_frechet_distance_of_fewer_faces_than_features_and_of_one_feature():
    few = np.random.default_rng(0).standard_normal((5, 20))
    assert metrics.frechet_distance(few, few + 1.0) == pytest.approx(20.0)
    assert metrics.frechet_distance(few[:, :1], few[:, :1] + 2.0) == pytest.approx(4.0)


def test_precision_and_recall_of_identical_and_of_disjoint_sets(gaussian):
    assert metrics.precision_and_recall(gaussian, gaussian) == (1.0, 1.0)
    assert metrics.precision_and_recall(gaussian, gaussian + 100.0) == (0.0, 0.0)


def test_a_generator_of_half_the_modes_is_precise_and_misses_the_other_half(gaussian):
    both = np.concatenate([gaussian[:200], gaussian[200:] + 100.0])
    samples = gaussian[:200] + np.random.default_rng(1).normal(0.0, 1e-3, (200, 6))
    precision, recall = metrics.precision_and_recall(both, samples)
    assert precision == 1.0
    assert recall == pytest.approx(0.5, abs=0.01)


def test_precision_and_recall_are_those_of_a_plain_search():
    random = np.random.default_rng(2)
    references, samples = random.standard_normal((40, 2)), 1.5 * random.standard_normal((30, 2))

    def share_inside(points, manifold):
        inside = 0
        for point in points:
            for centre in manifold:
                radius = np.sort(np.linalg.norm(manifold - centre, axis=1))[3]
                if np.linalg.norm(point - centre) <= radius:
                    inside += 1
                    break
        return inside / len(points)

    expected = share_inside(samples, references), share_inside(references, samples)
    assert metrics.precision_and_recall(references, samples) == expected


# ------------------------------------------------------------------------------
# Kernel distance
# ------------------------------------------------------------------------------


def test_kernel_distance_is_that_of_a_plain_sum_over_pairs():
    random = np.random.default_rng(3)
    first, second = random.standard_normal((5, 2)), random.standard_normal((4, 2)) + 1.0

    def kernel(x, y):
        return (x @ y / 2.0 + 1.0) ** 3

    def within(points):
        pairs = [kernel(x, y) for i, x in enumerate(points) for j, y in enumerate(points) if i != j]
        return sum(pairs) / len(pairs)

    between = np.mean([kernel(x, y) for x in first for y in second])
    expected = 1000.0 * (within(first) + within(second) - 2.0 * between)
    assert metrics.kernel_distance(first, second) == pytest.approx(expected)


def test_kernel_distance_does_not_depend_on_the_number_of_samples():
    random = np.random.default_rng(4)
    references = random.standard_normal((2000, 6))
    for count in (100, 2000):
        equal = [metrics.kernel_distance(references, random.standard_normal((count, 6))) for _ in range(10)]
        assert abs(np.mean(equal)) < 3.0 * np.std(equal) / 10**0.5 + 1.0
    assert metrics.kernel_distance(references, random.standard_normal((100, 6)) + 1.0) > 500.0


# ------------------------------------------------------------------------------
# Sliced Wasserstein distance
# ------------------------------------------------------------------------------


def test_sliced_wasserstein_of_a_set_with_itself_in_any_order_is_0(gaussian):
    assert metrics.sliced_wasserstein(gaussian, gaussian[::-1]) == pytest.approx(0.0, abs=1e-6)


def test_sliced_wasserstein_of_a_shifted_set_is_the_mean_projection_of_the_shift(gaussian):
    assert metrics.sliced_wasserstein(gaussian[:, :1], gaussian[:, :1] + 2.5) == pytest.approx(2.5, rel=1e-5)
    # In 3 dimensions the mean of |cos| between a vector and a random direction is 1/2.
    shift = np.array([0.0, 3.0, 4.0])
    found = metrics.sliced_wasserstein(gaussian[:, :3], gaussian[:, :3] + shift, directions=20_000)
    assert found == pytest.approx(2.5, rel=0.02)


def test_sliced_wasserstein_is_the_same_for_the_same_seed_only(gaussian):
    wide = gaussian * np.arange(1, 7)
    distances = [metrics.sliced_wasserstein(gaussian, wide, seed) for seed in (0, 0, 1)]
    assert distances[0] == distances[1] != distances[2]


def test_sets_of_different_sizes_are_refused(gaussian):
    with pytest.raises(ValueError, match=r"expected the same shape, received \(400, 6\) and \(399, 6\)"):
        metrics.sliced_wasserstein(gaussian, gaussian[1:])


@pytest.mark.parametrize("bad", [np.nan, np.inf])
@pytest.mark.parametrize(
    "distance",
    [
        metrics.frechet_distance,
        metrics.kernel_distance,
        metrics.precision_and_recall,
        metrics.sliced_wasserstein,
    ],
)
def test_features_that_are_not_finite_are_refused(gaussian, distance, bad):
    broken = gaussian.copy()
    broken[3, 2] = bad
    for arguments in ((gaussian, broken), (broken, gaussian)):
        with pytest.raises(ValueError, match="expected finite values, received 1 that are not"):
            distance(*arguments)


@pytest.mark.parametrize(
    "distance", [metrics.frechet_distance, metrics.kernel_distance, metrics.precision_and_recall]
)
def test_too_few_features_are_refused(gaussian, distance):
    with pytest.raises(ValueError, match="samples: expected at least"):
        distance(gaussian, gaussian[:1])
