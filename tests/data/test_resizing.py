"""Cropping and resizing of pictures: means of areas, cubic enlargement, JPEGs decoded at a fraction of their size."""

import functools
import io

import numpy as np
import pytest
from encoded_pictures import STORED_AS, encoded, smooth_picture
from PIL import Image

from facevae.data.images import BadPictureError, read_face, resize


def interpolated(at, places, values):
    return np.interp(at, places, values)


def area_means(pixels, top, left, side, size):
    """float[size, size, 3]: means of areas whose edges may lie inside pixels, by the integral of the picture."""
    for axis, start in ((0, top), (1, left)):
        length = pixels.shape[axis]
        edges = start + np.linspace(0, side, size + 1)
        integral = np.insert(pixels.astype(float).cumsum(axis), 0, 0, axis=axis)
        line = functools.partial(interpolated, edges, np.arange(length + 1))
        at_edges = np.apply_along_axis(line, axis, integral)
        pixels = np.diff(at_edges, axis=axis) * size / side
    return pixels


@pytest.mark.parametrize(
    ("crop", "top", "left", "side"), [("square", 4, 0, 40), (32, 8, 4, 32), (33, 7, 3, 33)]
)
def test_crop_is_the_centred_square(crop, top, left, side):
    pixels = smooth_picture(48, 40)
    expected = pixels[top : top + side, left : left + side]
    np.testing.assert_array_equal(read_face(encoded(pixels), crop, side), expected)


def test_crop_larger_than_the_picture_is_refused_with_both_sizes():
    with pytest.raises(BadPictureError, match=r"40x48 pixels, smaller than the crop of 148x148"):
        read_face(encoded(smooth_picture()), 148, 32)


def test_halving_is_the_mean_of_four_pixels():
    pixels = smooth_picture(64, 64)
    mean = pixels.reshape(32, 2, 32, 2, 3).mean((1, 3))
    assert np.abs(resize(pixels, 32) - mean).max() <= 0.5


@pytest.mark.parametrize(("side", "size"), [(89, 64), (178, 64), (178, 128), (148, 64), (65, 64), (500, 33)])
def test_down_sampling_averages_the_covered_area(side, size):
    pixels = np.random.default_rng(side).integers(0, 256, (side, side, 3)).astype(np.uint8)
    expected = area_means(pixels, 0, 0, side, size)
    assert np.abs(resize(pixels, size) - expected).max() <= 0.51


def photograph_like(height, width, seed=0):
    """uint8[height, width, 3] whose detail falls off with frequency as that of photographs does."""
    frequency = np.hypot(np.fft.fftfreq(height)[:, None], np.fft.rfftfreq(width)[None])
    noise = np.fft.rfft2(np.random.default_rng(seed).standard_normal((3, height, width)))
    channels = np.fft.irfft2(noise / np.maximum(frequency, 2 / height), (height, width))
    channels = 0.7 * channels[:1] + 0.3 * channels  # colours vary less than brightness
    return np.clip(128 + 50 * channels / channels.std(), 0, 255).astype(np.uint8).transpose(1, 2, 0)


@pytest.mark.parametrize("subsampling", [0, 2])
@pytest.mark.parametrize(("height", "width", "size"), [(1024, 1024, 128), (600, 800, 32), (1032, 856, 16)])
def test_large_jpegs_decoded_at_a_fraction_of_their_size_differ_little(height, width, size, subsampling):
    content = encoded(photograph_like(height, width), "JPEG", quality=92, subsampling=subsampling)
    in_full = np.asarray(Image.open(io.BytesIO(content)))
    side = min(height, width)
    exact = area_means(in_full, (height - side) // 2, (width - side) // 2, side, size)
    face = read_face(content, "square", size)
    error = np.abs(face - exact)
    assert face.flags.c_contiguous  # it is written to the disk as it lies in memory
    assert error.mean() <= 0.25 + 0.3  # rounding to whole grey levels, and decoding at a fraction
    assert error.max() <= 8


@pytest.mark.parametrize(
    ("height", "width", "crop"), [(218, 178, "square"), (218, 178, 148), (1021, 1023, "square")]
)
def test_jpegs_that_are_not_much_larger_or_do_not_divide_are_decoded_in_full(height, width, crop):
    content = encoded(photograph_like(height, width), "JPEG", quality=92)
    side = 148 if crop == 148 else min(height, width)
    in_full = np.asarray(Image.open(io.BytesIO(content)))
    exact = area_means(in_full, (height - side) // 2, (width - side) // 2, side, 64)
    assert np.abs(read_face(content, crop, 64) - exact).max() <= 0.51


@pytest.mark.parametrize("orientation", range(1, 9))
def test_orientation_and_crop_hold_at_a_fraction_of_the_size(orientation):
    upright = smooth_picture(96, 80).repeat(8, 0).repeat(8, 1)
    exif = Image.Exif()
    exif[0x0112] = orientation
    stored = Image.fromarray(upright)
    if STORED_AS[orientation] is not None:
        stored = stored.transpose(STORED_AS[orientation])
    face = read_face(encoded(stored, "JPEG", quality=95, exif=exif), 516, 32)
    exact = area_means(upright, (768 - 516) // 2, (640 - 516) // 2, 516, 32)
    assert np.abs(face - exact).max() <= 4


def test_up_sampling_is_bicubic():
    pixels = smooth_picture(20, 20)
    expected = np.asarray(Image.fromarray(pixels).resize((32, 32), Image.Resampling.BICUBIC))
    np.testing.assert_array_equal(resize(pixels, 32), expected)
