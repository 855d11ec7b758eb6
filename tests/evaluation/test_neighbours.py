import numpy as np
import pytest

from facevae.data import Records
from facevae.evaluation import neighbours


@pytest.fixture
def records():
    images = np.random.default_rng(0).integers(0, 256, (1100, 8, 8, 3), dtype=np.uint8)
    return Records(images, None, [str(number) for number in range(1100)], np.arange(1100))


def test_a_training_face_is_its_own_nearest_and_the_distance_is_the_pixels_root_mean_square(records):
    image = np.clip(records.images(np.array([700])).astype(np.float32) / 255.0, 0.1, 0.9)
    indices, distances = neighbours.nearest_faces(image, records, count=3)
    assert indices[0, 0] == 700
    expected = np.sqrt(np.mean((records.images(np.array([700])) / 255.0 - image) ** 2))
    assert distances[0, 0] == pytest.approx(expected, rel=1e-4)
    assert (np.diff(distances[0]) >= 0).all()
    assert len(set(indices[0])) == 3


def test_neighbours_equal_those_of_a_direct_search(records):
    images = np.random.default_rng(1).random((5, 8, 8, 3), np.float32)
    indices, distances = neighbours.nearest_faces(images, records, count=4, mirrored=False)
    faces = records.images(slice(None)) / 255.0
    for image, found, distance in zip(images, indices, distances, strict=True):
        plain = np.sqrt(((faces - image) ** 2).mean(axis=(1, 2, 3)))
        np.testing.assert_array_equal(found, np.argsort(plain)[:4])
        np.testing.assert_allclose(distance, np.sort(plain)[:4], rtol=1e-4)


def test_a_mirrored_training_face_is_found_unless_mirrors_are_left_out(records):
    mirrored = records.images(np.array([42]))[:, :, ::-1]
    indices, distances = neighbours.nearest_faces(mirrored, records)
    assert indices[0, 0] == 42
    assert distances[0, 0] == pytest.approx(0.0, abs=1e-3)
    assert neighbours.nearest_faces(mirrored, records, mirrored=False)[1][0, 0] > 0.1


def test_more_neighbours_than_faces_are_refused(records):
    with pytest.raises(ValueError, match=r"count: expected 1 to 1,100, .* received 1101"):
        neighbours.nearest_faces(np.zeros((1, 8, 8, 3), np.float32), records, count=1101)
