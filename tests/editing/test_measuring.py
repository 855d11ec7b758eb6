"""Edits measured on a model whose pictures are known functions of its latents."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from facevae.editing import measuring
from facevae.errors import UserError

NAMES = ("Bright", "Warm", "Never_Seen")


class Lamp:
    """A model that draws the first latent as brightness and the second as warmth; the third shows nowhere."""

    image_size, latent_dim = 32, 3

    def decode(self, latents):
        bright = 0.5 + 0.1 * latents[:, 0]
        warm = 0.1 * latents[:, 1]
        colours = tf.stack([bright + warm, bright, bright - warm], axis=-1)
        return tf.clip_by_value(colours, 0.0, 1.0)[:, tf.newaxis, tf.newaxis] * tf.ones([1, 32, 32, 1])


@pytest.fixture(scope="module")
def measured():
    keras.utils.set_random_seed(0)
    random = np.random.default_rng(0)
    has = random.random((1500, 3)) < [0.5, 0.4, 0.1]
    latents = (np.where(has, 1.0, -1.0) + 0.25 * random.standard_normal((1500, 3))).astype(np.float32)
    return measuring.measure(Lamp(), NAMES, latents, has.astype(np.uint8))


def test_what_shows_in_pictures_is_offered_and_what_does_not_is_not(measured):
    assert sorted(measured.offered_names) == ["Bright", "Warm"]
    measured.check_offered(measured.index("bright"))
    with pytest.raises(UserError, match=r"cannot change Never_Seen.*(Bright, Warm|Warm, Bright)"):
        measured.check_offered(2)


def test_strength_1_moves_the_median_face_over_the_limit_and_2_nearly_all(measured):
    """The latents of faces with and without an attribute lie around 1 and −1, and 0 is between them."""
    for index in (0, 1):
        along = measured.directions[index, index]
        assert along == pytest.approx(1.0, abs=0.15)
        assert np.abs(np.delete(measured.directions[index], index)).max() < 0.2 * along
        assert measured.flipped[index] >= measuring.FLIPPED
        assert measured.others[index] <= measuring.MOST_OTHERS


def test_sliders_go_to_twice_the_strength_at_least(measured):
    for index in (0, 1):
        assert -4.0 <= measured.minimum[index] <= -2.0
        assert 2.0 <= measured.maximum[index] <= 4.0


def test_of_too_few_faces_nothing_is_measured_and_all_is_offered():
    latents = np.eye(3, dtype=np.float32)[np.arange(90) % 3]
    attributes = (latents > 0.5).astype(np.uint8)
    few = measuring.measure(Lamp(), NAMES, latents, attributes)
    assert few.offered_names == list(NAMES)
    assert few.reader is None
    assert "too few faces" in few.strength_note
    assert np.isfinite(few.directions).all()


def test_half_the_faces_have_flipped_between_the_strengths_tried_around_it():
    shares = np.array([0.0, 0.2, 0.4, 0.6, 0.9, 1.0])
    assert measuring.crossing(shares) == pytest.approx(1.25)
    assert measuring.crossing(np.array([0.0, 1.0, 1.0, 1.0, 1.0, 1.0])) == pytest.approx(0.25)
    assert measuring.crossing(np.full(6, 0.3)) == np.inf
