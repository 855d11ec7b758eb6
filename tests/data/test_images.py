"""Decoding one picture file: colours, orientation, crop, scale, and the reasons to refuse it."""

import struct
import zlib

import numpy as np
import pytest
from encoded_pictures import STORED_AS, encoded, smooth_picture
from PIL import Image

from facevae.data import images
from facevae.data.images import BadPictureError, read_face


def png_header(width, height):
    """A PNG file that claims a size and has hardly any content."""

    def chunk(name, content):
        return (
            struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))
        )

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(bytes(1000)))
        + chunk(b"IEND", b"")
    )


def test_lossless_square_picture_of_the_right_size_keeps_every_pixel():
    pixels = smooth_picture(32, 32)
    np.testing.assert_array_equal(read_face(encoded(pixels), "square", 32), pixels)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "TIFF"])
def test_orientation_tag_is_applied(orientation, kind):
    upright = Image.fromarray(smooth_picture(48, 48))
    stored_as = STORED_AS[orientation]
    stored = upright if stored_as is None else upright.transpose(stored_as)
    exif = Image.Exif()
    exif[0x0112] = orientation
    options = {"quality": 100, "subsampling": 0} if kind == "JPEG" else {}
    face = read_face(encoded(stored, kind, exif=exif, **options), "square", 48)
    assert np.abs(face.astype(int) - np.asarray(upright)).max() <= (4 if kind == "JPEG" else 0)


def test_grey_palette_and_bilevel_become_rgb():
    pixels = smooth_picture(32, 32)
    grey = Image.fromarray(pixels).convert("L")
    np.testing.assert_array_equal(read_face(encoded(grey), "square", 32), np.asarray(grey.convert("RGB")))
    palette = Image.fromarray(pixels).quantize(16)
    np.testing.assert_array_equal(
        read_face(encoded(palette), "square", 32), np.asarray(palette.convert("RGB"))
    )
    bilevel = grey.convert("1")
    np.testing.assert_array_equal(
        read_face(encoded(bilevel), "square", 32), np.asarray(bilevel.convert("RGB"))
    )


def test_cmyk_becomes_the_same_colours():
    pixels = smooth_picture(32, 32)
    face = read_face(encoded(Image.fromarray(pixels).convert("CMYK"), "JPEG", quality=100), "square", 32)
    assert np.abs(face.astype(int) - pixels).mean() < 4


@pytest.mark.parametrize("mode", ["RGBA", "LA"])
def test_transparency_is_laid_over_white(mode):
    image = Image.fromarray(smooth_picture(32, 32)).convert(mode)
    alpha = np.zeros((32, 32), np.uint8)
    alpha[:16], alpha[16:24] = 255, 51
    image.putalpha(Image.fromarray(alpha))
    face = read_face(encoded(image), "square", 32).astype(float)
    opaque = np.asarray(image.convert("RGB")).astype(float)
    np.testing.assert_array_equal(face[:16], opaque[:16])
    assert np.abs(face[16:24] - (0.2 * opaque[16:24] + 0.8 * 255)).max() <= 1
    np.testing.assert_array_equal(face[24:], 255)


def test_transparent_palette_entry_is_white():
    image = Image.fromarray(smooth_picture(32, 32)).quantize(8)
    transparent = np.asarray(image) == 3
    face = read_face(encoded(image, transparency=3), "square", 32)
    assert transparent.any()
    np.testing.assert_array_equal(face[transparent], 255)


@pytest.mark.parametrize("kind", ["PNG", "TIFF", "PPM"])
def test_16_bits_are_scaled_to_8(kind):
    values = np.linspace(0, 65535, 32 * 32).reshape(32, 32).astype(np.uint16)
    face = read_face(encoded(Image.fromarray(values), kind), "square", 32)
    assert np.abs(face - (values / 257)[..., None]).max() <= 0.51


@pytest.mark.parametrize("tags", [{0xC612: b"\1\4\0\0"}, {0xFE: 1}])
def test_camera_raws_named_tif_are_refused_instead_of_their_preview(tags):
    exif = Image.Exif()
    for tag, value in tags.items():
        exif[tag] = value
    with pytest.raises(BadPictureError, match=r"camera raw: develop it to JPEG or TIFF"):
        read_face(encoded(smooth_picture(), "TIFF", exif=exif), "square", 32)


def test_avif_is_read_with_its_orientation_and_its_first_frame():
    exif = Image.Exif()
    exif[0x0112] = 6
    upright = smooth_picture(48, 48)
    stored = Image.fromarray(upright).transpose(Image.Transpose.ROTATE_90)
    face = read_face(encoded(stored, "AVIF", quality=95, exif=exif), "square", 48)
    assert np.abs(face.astype(int) - upright).mean() <= 3
    frames = [Image.fromarray(np.full((32, 32, 3), value, np.uint8)) for value in (40, 200)]
    content = encoded(frames[0], "AVIF", save_all=True, append_images=frames[1:])
    assert np.abs(read_face(content, "square", 32).astype(int) - 40).max() <= 2
    with pytest.raises(BadPictureError):
        read_face(content[: len(content) // 2], "square", 32)


def test_large_avif_is_refused_by_its_header(monkeypatch):
    monkeypatch.setattr(images, "MAXIMUM_PIXELS", 1900)
    with pytest.raises(BadPictureError, match=r"more than 1,900 pixels \(40x48\)"):
        read_face(encoded(smooth_picture(), "AVIF"), "square", 32)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(100), "HEIC file: convert it to JPEG"),
        (b"\0\0\0\x18ftypmif1\0\0\0\0mif1heic" + bytes(100), "HEIC file: convert it to JPEG"),
        (b"PK\3\4" + bytes(100), "zip archive: unpack it"),
        (b"version https://git-lfs.github.com/spec/v1\n", "Git LFS pointer"),
        (b"8BPS" + bytes(100), "Photoshop file: convert it to JPEG or PNG"),
    ],
)
def test_what_is_no_picture_is_named_by_its_content(content, reason):
    with pytest.raises(BadPictureError, match=reason):
        read_face(content, "square", 32)


def test_floating_point_pixels_are_refused():
    image = Image.fromarray(np.zeros((32, 32), np.float32))
    with pytest.raises(BadPictureError, match="floating-point"):
        read_face(encoded(image, "TIFF"), "square", 32)


@pytest.mark.parametrize("kind", ["GIF", "PNG", "WEBP", "TIFF", "MPO"])
def test_first_frame_of_an_animation_is_taken(kind):
    frames = [Image.fromarray(np.full((32, 32, 3), value, np.uint8)) for value in (40, 200)]
    options = {"lossless": True} if kind == "WEBP" else {}
    content = encoded(frames[0], kind, save_all=True, append_images=frames[1:], **options)
    assert np.abs(read_face(content, "square", 32).astype(int) - 40).max() <= (1 if kind == "MPO" else 0)


def test_contents_decide_and_not_the_suffix(tmp_path):
    path = tmp_path / "a picture – 画.jpg"
    path.write_bytes(encoded(smooth_picture(32, 32)))
    np.testing.assert_array_equal(read_face(str(path), "square", 32), smooth_picture(32, 32))


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "not a picture"),
        (b"this is text, whatever its name says", "not a picture"),
        (bytes(5000), "not a picture"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 64 64\n", "not a picture"),
        (encoded(smooth_picture(), "JPEG")[:700], "truncated"),
        (encoded(smooth_picture(1, 1)), "1x1 pixels, too small"),
        (encoded(smooth_picture(15, 400)), "400x15 pixels, too small"),
    ],
)
def test_unusable_files_are_refused_with_the_reason(content, reason):
    with pytest.raises(BadPictureError, match=reason):
        read_face(content, "square", 32)


@pytest.mark.parametrize("side", [20_000, 8_000])
@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
def test_headers_that_claim_huge_pictures_are_refused_before_decoding(side):
    with pytest.raises(BadPictureError, match=r"pixels|bomb"):
        read_face(png_header(side, side), "square", 32)


def test_missing_file_is_refused_and_not_fatal(tmp_path):
    with pytest.raises(BadPictureError, match="No such file"):
        read_face(str(tmp_path / "none.jpg"), "square", 32)


def outcome_of(content):
    try:
        return read_face(content, "square", 32)
    except BadPictureError as error:
        return error


def test_mutated_files_raise_nothing_but_refusals():
    random = np.random.default_rng(0)
    originals = [
        encoded(smooth_picture(), "JPEG"),
        encoded(smooth_picture()),
        encoded(smooth_picture(), "TIFF", compression="tiff_lzw"),
        encoded(smooth_picture(), "WEBP"),
        encoded(Image.fromarray(smooth_picture()).quantize(8), "GIF"),
        encoded(smooth_picture(), "BMP"),
    ]
    read = refused = 0
    for number in range(300):
        content = bytearray(originals[number % len(originals)])
        if number % 3 == 0:
            content = content[: random.integers(len(content))]
        else:
            for place in random.integers(0, len(content), 1 + number % 20):
                content[place] ^= 1 << random.integers(8)
        outcome = outcome_of(bytes(content))
        if isinstance(outcome, BadPictureError):
            refused += len(str(outcome)) > 0
        else:
            read += outcome.shape == (32, 32, 3) and outcome.dtype == np.uint8
    assert read + refused == 300
    assert read > 20
    assert refused > 100


def test_native_celeba_is_cropped_to_its_centred_178_square(real_faces):
    pictures = sorted((real_faces.parent / "faces_native").rglob("*.jpg"))
    assert pictures
    for path in pictures:
        with Image.open(path) as image:
            assert image.size == (178, 218)
            expected = np.asarray(image.convert("RGB").crop((0, 20, 178, 198)))
        np.testing.assert_array_equal(read_face(str(path), "square", 178), expected)
