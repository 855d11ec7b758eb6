"""Linear readings, directions and distances, where their values are known in closed form."""

import numpy as np
import pytest
from correlated_faces import correlated_faces

from facevae.editing import readings


def test_the_reading_of_a_linear_logit_is_that_logit():
    random = np.random.default_rng(0)
    latents = random.standard_normal((5000, 4)).astype(np.float32)
    true = np.array([[1.0, 0.0], [0.0, -2.0], [0.5, 0.0], [0.0, 0.0]])
    weights, bias = readings.linear_reading(latents, latents @ true + [0.3, -1.0])
    np.testing.assert_allclose(weights, true, atol=0.01)
    np.testing.assert_allclose(bias, [0.3, -1.0], atol=0.01)


def test_a_direction_has_little_of_an_attribute_that_mostly_comes_with_it():
    mean, attributes, true = correlated_faces(np.random.default_rng(1))
    found = readings.directions(mean, attributes)
    for index in (0, 1):
        has = attributes[:, index] > 0
        difference = mean[has].mean(axis=0) - mean[~has].mean(axis=0)
        assert _cosine(found[index], true[index]) > _cosine(difference, true[index]) + 0.05
    assert _cosine(found[2], true[2]) > 0.99
    constant = readings.directions(mean, np.ones_like(attributes))
    np.testing.assert_allclose(constant, 0.0, atol=1e-9)


def test_balanced_accuracy_is_the_mean_of_both_classes_and_0_where_there_is_one():
    has = np.array([[1, 1], [1, 1], [0, 1], [0, 1], [0, 1], [0, 1]])
    said = np.array([[1, 1], [0, 1], [0, 1], [0, 1], [0, 1], [1, 1]], bool)
    np.testing.assert_allclose(readings.balanced_accuracy(said, has), [(0.5 + 0.75) / 2, 0.0])


def test_distances_are_those_of_mahalanobis_and_an_edit_ends_within_reach():
    random = np.random.default_rng(2)
    latents = random.standard_normal((20_000, 2)) * [1.0, 2.0]
    faces = readings.Faces.of(latents, 0.999)
    assert faces.distance(np.array([[0.0, 4.0]]))[0] == pytest.approx(4.0, rel=0.05)
    assert faces.reach == pytest.approx(
        13.8, rel=0.1
    )  # the quantile of chi-squared with 2 degrees of freedom
    ends = np.arange(1.0, 9.0)
    assert faces.end(np.zeros((1, 2)), np.array([1.0, 0.0]), ends) == 3.0
    assert faces.end(np.zeros((1, 2)), np.array([0.0, 1.0]), ends) == 7.0
    assert faces.end(np.zeros((1, 2)), np.array([9.0, 0.0]), ends) == 0.0


def _cosine(one, other):
    return one @ other / np.linalg.norm(one) / np.linalg.norm(other)
