import math

import numpy as np
import pytest
import tensorflow as tf

from facevae.evaluation import degradations
from facevae.evaluation.degradations import KINDS, blurred, degraded


@pytest.fixture
def faces(blob_images):
    return tf.constant(blob_images(6 * len(KINDS), size=64) / np.float32(255.0))


def test_blur_keeps_a_wave_at_the_height_that_the_gaussian_gives_it():
    sigma, wavelength = 1.5, 8.0
    wave = np.cos(2.0 * np.pi * (np.arange(64) + 0.5) / wavelength).astype(
        np.float32
    )  # even about both borders
    images = np.broadcast_to(0.5 + 0.4 * wave[None, None, :, None], (2, 64, 64, 3))
    expected = 0.5 + (images - 0.5) * math.exp(-2.0 * math.pi**2 * sigma**2 / wavelength**2)
    np.testing.assert_allclose(blurred(tf.constant(images), sigma), expected, atol=2e-4)


def test_each_part_is_degraded_in_its_own_way(faces):
    worse, amounts = degraded(faces, tf.constant([0, 1]))
    assert worse.shape == faces.shape
    assert float(tf.reduce_min(worse)) >= 0.0
    assert float(tf.reduce_max(worse)) <= 1.0
    kinds = np.repeat(np.arange(len(KINDS)), 6)
    amounts = amounts.numpy()
    assert (amounts[np.arange(len(kinds)), kinds] > 0.0).all()
    assert (amounts.sum(axis=1) == amounts[np.arange(len(kinds)), kinds]).all()  # of no other kind
    assert amounts.max() <= 1.0
    changed = np.abs(worse.numpy() - faces.numpy()).mean(axis=(1, 2, 3))
    assert (changed > 0.0).all()


def test_the_seed_determines_every_draw(faces):
    first, same, other = (degraded(faces, tf.constant([0, step])) for step in (1, 1, 2))
    np.testing.assert_array_equal(first[0], same[0])
    assert np.abs(first[0].numpy() - other[0].numpy()).max() > 0.01


def test_blended_and_joined_faces_lie_between_a_face_and_the_one_before(faces):
    worse, amounts = degraded(faces, tf.constant([0, 3]))
    part = slice(2 * 6, 3 * 6)
    own, before = faces[part].numpy(), np.roll(faces[part].numpy(), 1, 0)
    share = 0.5 * amounts.numpy()[part, 2][:, None, None, None]
    np.testing.assert_allclose(worse[part], (1.0 - share) * own + share * before, atol=1e-5)
    part = slice(3 * 6, 4 * 6)
    own, before = faces[part].numpy(), np.roll(faces[part].numpy(), 1, 0)
    joined = worse[part].numpy()
    assert (np.minimum(own, before) - 1e-5 <= joined).all()
    assert (joined <= np.maximum(own, before) + 1e-5).all()


def test_a_pattern_repeats_and_keeps_the_brightness(faces):
    flat = tf.fill(faces.shape, 0.5)
    worse, amounts = degraded(flat, tf.constant([0, 4]))
    pattern = worse[4 * 6 :].numpy() - 0.5
    side = degradations.PATTERN_SIDE
    np.testing.assert_allclose(pattern[:, side:], pattern[:, :-side], atol=1e-6)
    np.testing.assert_allclose(pattern.mean(axis=(1, 2, 3)), 0.0, atol=1e-6)
    strength = amounts.numpy()[4 * 6 :, 4] * degradations.MOST_PATTERN
    np.testing.assert_allclose(pattern.std(axis=(1, 2, 3)) / strength, 1.0, atol=0.5)
