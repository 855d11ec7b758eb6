import numpy as np
import pytest

from facevae.evaluation import patches


def test_a_constant_image_has_no_detail_outside_the_coarsest_level():
    levels = patches.laplacian_pyramid(np.full((2, 64, 64, 3), 0.3, np.float32))
    assert [level.shape for level in levels] == [(2, 64, 64, 3), (2, 32, 32, 3), (2, 16, 16, 3)]
    np.testing.assert_allclose(levels[0], 0.0, atol=1e-6)
    np.testing.assert_allclose(levels[1], 0.0, atol=1e-6)
    np.testing.assert_allclose(levels[2], 0.3, atol=1e-6)


def test_a_checkerboard_lies_in_the_finest_level_alone():
    checkerboard = (np.indices((64, 64)).sum(axis=0) % 2).astype(np.float32)
    images = np.broadcast_to(checkerboard[None, :, :, None], (1, 64, 64, 3))
    levels = patches.laplacian_pyramid(images)
    np.testing.assert_allclose(levels[0], images - 0.5, atol=1e-6)
    np.testing.assert_allclose(levels[1], 0.0, atol=1e-6)


def test_patches_are_in_the_order_of_their_images():
    images = np.zeros((3, 16, 16, 3), np.uint8)
    images[:] = np.array([0, 51, 102])[:, None, None, None]
    found = patches.laplacian_patches(images, 4, seed=0)[16]
    assert found.shape == (12, 7, 7, 3)
    np.testing.assert_allclose(found[:, 0, 0, 0], np.repeat([0.0, 0.2, 0.4], 4), atol=1e-6)
    ramp = np.broadcast_to(np.arange(16, dtype=np.uint8)[:, None, None], (1, 16, 16, 3))
    steps = np.diff(patches.laplacian_patches(ramp, 50, seed=1)[16], axis=1) * 255
    np.testing.assert_allclose(steps, 1.0, atol=1e-4)  # neighbours in a patch are neighbours in the image


def test_patches_depend_on_the_seed_alone(blob_images):
    images = blob_images(2)
    first, same, other = (patches.laplacian_patches(images, 8, seed)[32] for seed in (0, 0, 1))
    np.testing.assert_array_equal(first, same)
    assert not np.array_equal(first, other)


def test_patch_distance_is_0_for_equal_images_and_grows_with_colour_contrast_and_blur(blob_images):
    random = np.random.default_rng(0)
    images = np.clip(blob_images(40) // 2 + random.integers(0, 60, (40, 32, 32, 3)), 0, 255).astype(np.uint8)

    def distances(others):
        references, samples = (patches.laplacian_patches(both, 16) for both in (images, others))
        return [patches.patch_distance(references[side], samples[side]) for side in (32, 16)]

    assert distances(images) == pytest.approx([0.0, 0.0], abs=1e-3)
    fine, coarse = distances(images + np.uint8(40))
    assert fine == pytest.approx(0.0, abs=1.0)  # the finest level does not contain the mean colour
    assert coarse > 100.0
    assert min(distances(images // 2)) > 100.0
    blurred = images.reshape(40, 16, 2, 16, 2, 3).mean(axis=(2, 4)).repeat(2, 1).repeat(2, 2).astype(np.uint8)
    fine, coarse = distances(blurred)
    assert fine > 3.0 * coarse


def test_the_number_of_patches_is_bounded():
    assert patches.patches_per_image(10) == 128
    assert patches.patches_per_image(10_000) == 6
    assert patches.patches_per_image(10**6) == 1
