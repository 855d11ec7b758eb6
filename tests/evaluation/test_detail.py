import math

import numpy as np
import pytest

from facevae.evaluation import detail
from facevae.evaluation.degradations import blurred


def waves(wavelength, side=64):
    """Two images of diagonal waves, each along its own diagonal, `uint8[2, side, side, 3]`."""
    y, x = np.indices((side, side)) / math.sqrt(2.0)
    grey = np.stack([np.sin(2.0 * np.pi * (x + sign * y) / wavelength) for sign in (1.0, -1.0)])
    return np.repeat(np.rint(127.5 + 100.0 * grey).astype(np.uint8)[..., None], 3, axis=-1)


@pytest.mark.parametrize(("wavelength", "band"), [(3.0, 0), (6.0, 1), (12.0, 2)])
def test_blur_keeps_the_share_of_an_octave_that_its_filter_has_there(wavelength, band):
    images, sigma = waves(wavelength), 0.8
    soft = np.rint(255.0 * blurred(images / np.float32(255.0), sigma).numpy()).astype(np.uint8)
    found = detail.sharpness(detail.band_powers(soft), detail.band_powers(images))
    expected = math.exp(-2.0 * math.pi**2 * sigma**2 / wavelength**2)
    assert found[band] == pytest.approx(expected, rel=0.02)


def test_detail_lies_in_the_octave_of_its_wavelength():
    for band, wavelength in enumerate((3.0, 6.0, 12.0)):
        powers = detail.band_powers(waves(wavelength))
        assert powers[band] > 0.98 * powers.sum()


def test_half_the_contrast_is_half_as_sharp_and_brightness_changes_nothing(blob_images):
    images = blob_images(6) // 2
    faint = images // 2 * 2  # even, so that half of them are whole numbers
    powers = detail.band_powers(faint)
    np.testing.assert_allclose(detail.sharpness(detail.band_powers(faint // 2), powers), 0.5, rtol=1e-9)
    np.testing.assert_allclose(detail.sharpness(detail.band_powers(faint + 50), powers), 1.0, rtol=1e-9)


def test_sums_over_batches_are_those_of_the_whole_set(blob_images):
    images = blob_images(6)
    for sums in (detail.band_powers, detail.grid_steps):
        np.testing.assert_allclose(sums(images[:2]) + sums(images[2:]), sums(images), rtol=1e-9)


@pytest.mark.parametrize("period", [2, 4])
def test_the_lattice_of_a_known_grid(period):
    # Cells of one grey each, 10 apart from their neighbours, on a ramp of 1 a pixel: steps of 11 or 9 across borders
    # (10 in the mean, as cells go up and down in turn), of 1 elsewhere.
    side = 64
    place = np.arange(side)
    line = place + 10 * (place // period % 2)
    grey = np.broadcast_to(line, (side, side))
    images = np.repeat(np.stack([grey, grey.T])[..., None], 3, axis=-1).astype(np.uint8)
    borders = np.arange(period, side, period)
    across = np.abs(1 + 10 * np.where(borders // period % 2, 1, -1)).mean()
    found = detail.lattice(detail.grid_steps(images))
    assert found[detail.PERIODS.index(period)] == pytest.approx(across / 1.0)


def test_a_ramp_and_a_flat_image_have_no_lattice():
    ramp = np.broadcast_to(np.arange(64, dtype=np.uint8)[:, None, None], (64, 64, 3))[None]
    np.testing.assert_allclose(detail.lattice(detail.grid_steps(ramp)), 1.0)
    np.testing.assert_allclose(detail.lattice(detail.grid_steps(np.zeros_like(ramp))), 1.0)
    cells = np.kron(np.indices((16, 16)).sum(0) % 2, np.ones((4, 4), np.uint8)).astype(np.uint8)
    assert detail.lattice(detail.grid_steps(np.repeat(cells[None, ..., None], 3, -1)))[1] == np.inf


def test_values_that_are_not_finite_give_no_good_result():
    broken = np.full((1, 32, 32, 3), np.nan)
    assert np.isnan(detail.sharpness(detail.band_powers(broken), np.ones(3))).all()
    assert np.isnan(detail.lattice(detail.grid_steps(broken))).all()
