"""The t-SNE map: groups stay together, few faces and one dimension are enough."""

import numpy as np
import pytest

from facevae.exploration import latent_map


@pytest.fixture
def random():
    return np.random.default_rng(0)


def test_the_map_keeps_groups_together(random):
    groups = np.repeat(np.arange(3), 30)
    centres = 6.0 * random.standard_normal((3, 10))
    mean = centres[groups] + random.standard_normal((90, 10))
    positions = latent_map.two_dimensional_map(mean)
    assert positions.shape == (90, 2)
    assert np.isfinite(positions).all()
    np.testing.assert_array_equal(positions, latent_map.two_dimensional_map(mean))
    agreement = latent_map.map_agreement(positions, np.stack([groups == 0, random.random(90) < 0.5], axis=1))
    assert agreement[0] > 0.8
    assert agreement[0] > agreement[1] + 0.5


def test_the_map_of_few_faces_or_one_dimension_is_still_a_map(random):
    assert latent_map.two_dimensional_map(random.standard_normal((6, 1))).shape == (6, 2)
    with pytest.raises(ValueError, match="at least 5 faces to lay out, received 4"):
        latent_map.two_dimensional_map(random.standard_normal((4, 3)))


def test_attributes_of_a_kind_are_shown_once_before_others_follow():
    names = ["Black_Hair", "Blond_Hair", "Smiling", "Grinning", "Male", "Never"]
    columns = [
        [0, 0, 1, 1, 0, 0, 1, 1],
        [1, 1, 0, 0, 0, 0, 0, 0],
        [0, 1] * 4,
        [0, 1] * 4,
        [0] * 4 + [1] * 4,
        [0] * 8,
    ]
    attributes = np.array(columns, np.uint8).T
    # Never has no face, so nothing can be seen of it; who grins smiles.
    agreement = np.array([0.9, 0.8, 0.5, 0.4, 0.3, 1.0])
    shown = [names[index] for index in latent_map.different_in_kind(attributes, names, agreement, 4)]
    assert shown[:3] == ["Black_Hair", "Smiling", "Male"]
    assert shown[3] not in shown[:3]
