"""The directions that benchmarks/attribute_directions.py compares with `facevae.latents.attribute_directions`."""

import numpy as np
import pytest
from correlated_faces import correlated_faces
from places import BENCHMARKS


@pytest.fixture
def benchmark(monkeypatch):
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    import attribute_directions

    return attribute_directions


@pytest.fixture
def random():
    return np.random.default_rng(0)


def cosine(a, b):
    return float(np.dot(a, b) / np.linalg.norm(a) / np.linalg.norm(b))


def test_the_difference_of_means_is_the_gap_and_mixes_correlated_attributes(benchmark, random):
    mean, attributes, directions = correlated_faces(random)
    found = benchmark.difference(mean, attributes)
    for index, label in enumerate(attributes.astype(bool).T):
        np.testing.assert_allclose(found[index], mean[label].mean(0) - mean[~label].mean(0), atol=1e-4)
    # P(second | first) − P(second | not first) is 0.7: so much of the second comes along with the first.
    np.testing.assert_allclose(found[0], directions[0] + 0.7 * directions[1], atol=0.05)


def test_orthogonal_leaves_nothing_along_correlated_attributes(benchmark, random):
    mean, attributes, _ = correlated_faces(random)
    gaps = benchmark.difference(mean, attributes)
    found = benchmark.orthogonal(mean, attributes)
    assert abs(cosine(found[0], gaps[1])) < 1e-5
    assert abs(cosine(found[1], gaps[0])) < 1e-5
    np.testing.assert_allclose(found[2], gaps[2], atol=1e-6)  # correlated with none


def test_the_classifiers_normal_tells_the_classes_apart_and_spans_their_gap(benchmark, random):
    mean, attributes, _ = correlated_faces(random)
    found = benchmark.classifier_normals(mean, attributes)
    gaps = benchmark.difference(mean, attributes)
    for normal, gap, label in zip(found, gaps, attributes.T, strict=True):
        assert np.dot(gap, normal) == pytest.approx(np.dot(normal, normal), rel=1e-4)
        projection = mean @ normal
        middle = (projection[label == 1].mean() + projection[label == 0].mean()) / 2
        assert np.mean((projection > middle) == label) > 0.95


@pytest.mark.parametrize("method", ["joint", "difference", "orthogonal", "classifier"])
def test_an_attribute_without_variation_has_no_direction(benchmark, random, method):
    mean = random.standard_normal((60, 4)).astype(np.float32)
    attributes = np.stack([np.ones(60), np.zeros(60), random.random(60) < 0.5], axis=1).astype(np.uint8)
    found = benchmark.METHODS[method](mean, attributes)
    assert np.isfinite(found).all()
    np.testing.assert_array_equal(found[:2], 0.0)
    assert np.linalg.norm(found[2]) > 0.0
