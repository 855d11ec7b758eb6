"""ICC profiles: pictures are converted to sRGB; damaged profiles change nothing."""

import io

import icc_profiles
import numpy as np
import pytest
from PIL import Image, ImageCms

from facevae.data.images import read_face

PIXELS = np.random.default_rng(0).integers(0, 256, (32, 32, 3)).astype(np.uint8)


def face(image, profile, kind="PNG"):
    buffer = io.BytesIO()
    image.save(buffer, kind, **({} if profile is None else {"icc_profile": profile}))
    return read_face(buffer.getvalue(), "square", 32).astype(float)


@pytest.mark.parametrize("space", ["DISPLAY_P3", "ADOBE_RGB", "PROPHOTO"])
@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_colours_of_other_spaces_become_srgb(space, kind):
    numbers = getattr(icc_profiles, space)
    converted = face(Image.fromarray(PIXELS), icc_profiles.rgb_profile(*numbers), kind)
    assert np.abs(converted - icc_profiles.as_srgb(PIXELS, *numbers)).max() <= 1.5
    assert np.abs(converted - PIXELS).mean() > 10


@pytest.mark.parametrize("kind", ["JPEG", "WEBP", "AVIF"])
def test_lossy_formats_bring_their_profile(kind):
    flat = np.tile(np.array([200, 60, 30], np.uint8), (32, 32, 1))
    converted = face(Image.fromarray(flat), icc_profiles.rgb_profile(*icc_profiles.DISPLAY_P3), kind)
    assert np.abs(converted - icc_profiles.as_srgb(flat, *icc_profiles.DISPLAY_P3)).max() <= 5
    assert converted[0, 0, 0] > 210


def test_grey_follows_its_curve():
    grey = PIXELS[..., 0]
    linear = (grey / 255) ** 1.8
    expected = 255 * np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
    converted = face(Image.fromarray(grey), icc_profiles.grey_profile(1.8))
    assert np.abs(converted - expected[..., None]).max() <= 1.5


@pytest.mark.parametrize("kind", ["JPEG", "TIFF"])
def test_inks_are_what_their_profile_says(kind):
    image = Image.new("CMYK", (32, 32))
    image.paste((255, 0, 0, 0), (0, 0, 16, 32))
    converted = face(image, icc_profiles.cmyk_profile(), kind)
    # An ink alone has a lightness L* of 25: ((25 + 16) / 116) ** 3 = 0.0442 of white's light, 59 in sRGB.
    assert np.abs(converted[:, 2:14] - 59).max() <= 3
    assert converted[:, 18:30].min() >= 253


def test_transparency_and_palettes_keep_their_profile():
    profile = icc_profiles.rgb_profile(*icc_profiles.DISPLAY_P3)
    expected = icc_profiles.as_srgb(PIXELS, *icc_profiles.DISPLAY_P3)
    image = Image.fromarray(PIXELS).convert("RGBA")
    alpha = np.full((32, 32), 255, np.uint8)
    alpha[:8] = 0
    image.putalpha(Image.fromarray(alpha))
    converted = face(image, profile)
    assert np.abs(converted[8:] - expected[8:]).max() <= 1.5
    assert (converted[:8] == 255).all()
    palette = Image.fromarray(PIXELS).quantize(16)
    colours = np.asarray(palette.convert("RGB"))
    assert (
        np.abs(face(palette, profile) - icc_profiles.as_srgb(colours, *icc_profiles.DISPLAY_P3)).max() <= 1.5
    )


def test_srgb_under_any_name_changes_no_pixel():
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    np.testing.assert_array_equal(face(Image.fromarray(PIXELS), profile), PIXELS)


@pytest.mark.parametrize(
    "profile",
    [
        b"not a profile",
        icc_profiles.rgb_profile(*icc_profiles.PROPHOTO)[:200],
        icc_profiles.grey_profile(1.8),  # of another kind of picture
        icc_profiles.cmyk_profile(),
        icc_profiles.rgb_profile(*icc_profiles.PROPHOTO).replace(b"rXYZ", b"none"),
        icc_profiles.rgb_profile(0.3 * icc_profiles.PROPHOTO[0], 1.8),  # it makes white a dark grey
    ],
)
def test_damaged_and_foreign_profiles_change_no_pixel(profile):
    np.testing.assert_array_equal(face(Image.fromarray(PIXELS), profile), PIXELS)


def test_flipped_bits_in_a_profile_never_cost_the_picture():
    whole = icc_profiles.rgb_profile(*icc_profiles.ADOBE_RGB)
    random = np.random.default_rng(0)
    for _ in range(100):
        flipped = bytearray(whole)
        for place in random.integers(0, len(whole), 4):
            flipped[place] ^= 1 << random.integers(8)
        assert face(Image.fromarray(PIXELS), bytes(flipped)).shape == (32, 32, 3)
