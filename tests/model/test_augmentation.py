import numpy as np
import pytest
import tensorflow as tf

from facevae.model import VAE
from facevae.model.augmentation import shifted

SIDE = 8


@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
def test_images_are_shifted_and_mirrored_at_the_border(dtype):
    images = np.random.default_rng(0).integers(0, 256, (3, SIDE, SIDE, 3)).astype(dtype)
    moves = np.array([[0, 0], [2, -1], [-SIDE, SIDE]], np.int32)
    for image, move, found in zip(
        images, moves, shifted(tf.constant(images), tf.constant(moves)), strict=True
    ):
        wide = np.pad(image, ((SIDE, SIDE), (SIDE, SIDE), (0, 0)), "symmetric")
        (down, right) = SIDE + move
        np.testing.assert_array_equal(found, wide[down : down + SIDE, right : right + SIDE])


@pytest.fixture
def model():
    model = VAE(image_size=32, latent_dim=2, width=8, shift=2, seed=3)
    model.total_steps.assign(100.0)
    return model


def shifts_of_step(model, images, step):
    """By how much each image was shifted in a step, `int[batch, 2]`."""
    model.global_step.assign(step)
    found = []
    for image, result in zip(images, model.shift_images(tf.constant(images)).numpy(), strict=True):
        wide = np.pad(image, ((2, 2), (2, 2), (0, 0)), "symmetric")
        fits = [(y, x) for y in range(5) for x in range(5) if (wide[y : y + 32, x : x + 32] == result).all()]
        assert len(fits) == 1
        found += fits
    return np.array(found) - 2


def test_each_training_image_is_shifted_by_its_own_random_amount_of_at_most_the_shift(model):
    images = np.random.default_rng(0).random((64, 32, 32, 3), np.float32)
    moves = np.concatenate([shifts_of_step(model, images, step) for step in range(4)])
    assert {tuple(move) for move in moves} == {(y, x) for y in range(-2, 3) for x in range(-2, 3)}
    assert np.abs(moves.mean(axis=0)).max() < 0.4  # about five standard errors
    np.testing.assert_array_equal(shifts_of_step(model, images, 2), moves[128:192])  # a function of the step


def test_images_are_not_shifted_in_the_second_half_of_the_training(model):
    images = np.random.default_rng(0).random((8, 32, 32, 3), np.float32)
    assert shifts_of_step(model, images, 49).any()
    assert not shifts_of_step(model, images, 51).any()
