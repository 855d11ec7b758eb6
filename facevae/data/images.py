"""Decodes one picture file to an upright, cropped and resized RGB image."""

import contextlib
import functools
import io
import os
from collections.abc import Iterator

import numpy as np
import scipy.sparse
from PIL import Image

from facevae.data.colours import as_srgb
from facevae.data.kinds import RAW, START, Kind, kind_of, kind_of_file

# Decoders that read pixels and nothing else. EPS, for one, would start an interpreter on the file's content.
FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "GIF", "TIFF", "PPM", "AVIF")
# Files with these are not opened before they are decoded; others are, to see what they hold.
SUFFIXES = (
    *(".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".apng", ".webp", ".avif", ".bmp", ".dib", ".gif", ".tif"),
    *(".tiff", ".ppm", ".pgm", ".pbm", ".pnm", ".mpo"),
)

MINIMUM_SIDE = 16  # pixels; nothing smaller shows a face
# A large camera's picture, up to 1 GB while it is decoded; larger ones are refused unread.
MAXIMUM_PIXELS = 50_000_000
# Of a file, 5 for each of those pixels: a decoder would read terabytes of zeros to their end.
MAXIMUM_BYTES = 250_000_000

# A JPEG is decoded at 1/2, 1/4 or 1/8 of its size if that leaves at least this many pixels for each side of a resulting
# pixel: the first number where the borders of resulting pixels fall between decoded ones, the second where they cut
# through them. The face then differs from one decoded in full by at most 0.3 grey levels on average
# (benchmarks/preparation.md); with 1.5 pixels that are cut through it would be four times that.
_ALIGNED_PIXELS_LEFT, _CUT_PIXELS_LEFT = 2, 5

_ORIENTATION_TAG = 0x0112
_REDUCED_TAG, _DNG_VERSION_TAG = 0x00FE, 0xC612  # TIFF 6.0, NewSubfileType; DNG 1.7, DNGVersion
_TURN = {  # what makes a picture upright, by the value of its orientation tag (Exif 2.3, 4.6.4)
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


class BadPictureError(ValueError):
    """A file that gives no usable face; the message is the reason, without the file's name."""


def read_face(encoded: str | bytes, crop: str | int, size: int) -> np.ndarray:
    """Decodes, crops and resizes one picture.

    The first frame of an animation is taken; the orientation tag is applied; colours with a profile are converted to
    sRGB; transparency is laid over white; 16-bit values are scaled to 8; the crop is centred. JPEGs much larger than
    the result are decoded at a fraction of their size, which changes it by 0.3 grey levels on average.

    Args:
        encoded: path of a picture file, or its content.
        crop: "square" (the largest) or the side of the square in pixels.
        size: side of the result in pixels.

    Returns:
        uint8[size, size, 3].

    Raises:
        BadPictureError: the file is unreadable, truncated, too small, too large or of an unknown kind.
    """
    with _opened(encoded) as image:
        reduction = reduce_while_decoding(image, crop, size)
        return crop_and_resize(np.asarray(upright_rgb(image)), reduction, crop, size)


def read_upright(encoded: str | bytes, longest: float) -> np.ndarray:
    """Decodes one picture as a whole: its first frame, upright and in sRGB.

    Args:
        encoded: path of a picture file, or its content.
        longest: of a JPEG that stays longer than that, a half, a quarter or an eighth of its size is decoded, pixels.

    Returns:
        uint8[height, width, 3].

    Raises:
        BadPictureError: as `read_face`.
    """
    with _opened(encoded) as image:
        reduction = next((r for r in (8, 4, 2) if max(image.size) >= r * longest), 1)
        image.draft(None, (image.width // reduction, image.height // reduction))
        return np.asarray(upright_rgb(image))


@contextlib.contextmanager
def _opened(encoded: str | bytes) -> Iterator[Image.Image]:
    """A picture that is not decoded yet; whatever goes wrong in the block becomes a `BadPictureError`."""
    try:
        if not isinstance(encoded, bytes) and os.stat(encoded).st_size > MAXIMUM_BYTES:
            raise BadPictureError(f"more than {MAXIMUM_BYTES:,} bytes, too large for a picture")
        with Image.open(
            io.BytesIO(encoded) if isinstance(encoded, bytes) else encoded, formats=FORMATS
        ) as image:
            _check_size(image)
            _refuse_previews(image)
            yield image
    except BadPictureError:
        raise
    except Image.DecompressionBombError:
        raise BadPictureError(f"its header claims more than {MAXIMUM_PIXELS:,} pixels") from None
    except MemoryError:
        raise BadPictureError("needs more memory than there is") from None
    # A damaged file makes Pillow's decoders raise nearly anything: OSError, SyntaxError, struct.error, ...
    except Exception as error:
        raise BadPictureError(_reason(encoded, error)) from None


def upright_rgb(image: Image.Image) -> Image.Image:
    """The picture's first frame as 8-bit sRGB, turned as its orientation tag says, transparency over white.

    Raises:
        BadPictureError: pixel values without a known range (32-bit integers beyond 16 bits, floating point).
    """
    image = _rotated(image)
    profile = image.info.get("icc_profile")
    if image.mode == "RGB" and "transparency" not in image.info:
        return as_srgb(image, profile)
    if image.mode.startswith("I"):  # 16-bit grey, under any of Pillow's names for it
        return as_srgb(_eight_bits(image), profile)
    if image.mode == "F":
        raise BadPictureError("floating-point pixels have no known range")
    if "transparency" in image.info or image.mode in ("RGBA", "RGBa", "LA", "La", "PA"):
        alpha = image.convert("RGBA").getchannel("A")
        opaque = as_srgb(image.convert("L" if image.mode in ("L", "LA", "La") else "RGB"), profile)
        opaque.putalpha(alpha)
        white = Image.new("RGBA", image.size, "white")
        return Image.alpha_composite(white, opaque).convert("RGB")
    return as_srgb(image, profile)


def _eight_bits(image: Image.Image) -> Image.Image:
    values = np.asarray(image)
    if values.min() < 0 or values.max() > 65535:
        raise BadPictureError("integer pixels beyond 16 bits have no known range")
    values = values.astype(np.uint32)  # once, and in place from here: large pictures fill the memory
    values *= 255
    values += 32767
    values //= 65535
    return Image.fromarray(values.astype(np.uint8))


def reduce_while_decoding(image: Image.Image, crop: str | int, size: int) -> int:
    """Sets a JPEG that is not loaded yet to be decoded at the smallest scale that leaves enough pixels.

    Returns:
        1, 2, 4 or 8: the factor by which each side is reduced.
    """
    width, height = image.size
    top, left, side = centred_square(width, height, crop)
    for reduction in (8, 4, 2):
        if width % reduction or height % reduction:
            continue  # its last pixels would cover less than the others
        aligned = not (top % reduction or left % reduction or side % (reduction * size))
        if side >= reduction * size * (_ALIGNED_PIXELS_LEFT if aligned else _CUT_PIXELS_LEFT):
            # It has no effect on other formats.
            image.draft(None, (width // reduction, height // reduction))
            return width // image.width
    return 1


def crop_and_resize(pixels: np.ndarray, reduction: int, crop: str | int, size: int) -> np.ndarray:
    """Crops the centred square of an image and resizes it.

    Args:
        pixels: uint8[height, width, 3].
        reduction: the factor by which they were reduced while decoding.
        crop: "square" or the side of the square, in pixels of the image in full size.
        size: side of the result in pixels.

    Returns:
        uint8[size, size, 3].
    """
    height, width = (reduction * side for side in pixels.shape[:2])
    top, left, side = centred_square(width, height, crop)
    if reduction > 1:
        return _average(pixels, top / reduction, left / reduction, side / reduction, size)
    return np.ascontiguousarray(resize(pixels[top : top + side, left : left + side], size))


def resize(pixels: np.ndarray, size: int) -> np.ndarray:
    """Resizes a square image: downwards by exact area averaging, upwards by bicubic interpolation.

    Averaging gives each new pixel the mean of the area it covers, with partly covered pixels weighted by that part.
    (Pillow's BOX counts them wholly or not at all: 5 grey levels off, on average, from 89 pixels to 64.)

    Args:
        pixels: uint8[side, side, 3].
        size: side of the result in pixels.

    Returns:
        uint8[size, size, 3].
    """
    side = len(pixels)
    if side == size:
        return pixels
    if side < size:
        return np.asarray(Image.fromarray(pixels).resize((size, size), Image.Resampling.BICUBIC))
    return _average(pixels, 0.0, 0.0, side, size)


def _check_size(image: Image.Image) -> None:
    width, height = image.size
    if width * height > MAXIMUM_PIXELS:
        raise BadPictureError(f"its header claims more than {MAXIMUM_PIXELS:,} pixels ({width}x{height})")
    if min(width, height) < MINIMUM_SIDE:
        raise BadPictureError(
            f"{width}x{height} pixels, too small for a face (at least {MINIMUM_SIDE} a side)"
        )


def _refuse_previews(image: Image.Image) -> None:
    """Refuses camera raws, which are TIFF inside: their first image is a small preview, or undeveloped."""
    if image.format == "TIFF":
        tags = getattr(image, "tag_v2", {})
        if _DNG_VERSION_TAG in tags or tags.get(_REDUCED_TAG) == 1:
            raise BadPictureError(_named(RAW))


def _reason(encoded: str | bytes, error: Exception) -> str:
    """Why a file that could not be decoded is no picture: by what it is, else by what the decoder says."""
    kind = None
    with contextlib.suppress(OSError):
        kind = kind_of(encoded[:START]) if isinstance(encoded, bytes) else kind_of_file(encoded)
    if kind is not None and not kind.is_read:
        return _named(kind)
    if isinstance(error, Image.UnidentifiedImageError):
        return f"not a picture of a known kind ({', '.join(FORMATS)})"
    return f"{error or 'decoding failed'} ({type(error).__name__})"


def _named(kind: Kind) -> str:
    return f"not a picture that is read ({kind.one}: {kind.advice_for(1)})"


def centred_square(width: int, height: int, crop: str | int) -> tuple[int, int, int]:
    """Top, left and side of the crop; half a pixel is rounded towards the top left."""
    side = min(height, width) if crop == "square" else int(crop)
    if side > min(height, width):
        raise BadPictureError(f"{width}x{height} pixels, smaller than the crop of {side}x{side}")
    return (height - side) // 2, (width - side) // 2, side


def _rotated(image: Image.Image) -> Image.Image:
    image.load()  # before the tag is read: Pillow turns TIFFs by itself while loading
    try:
        orientation = image.getexif().get(_ORIENTATION_TAG)
    except Exception:  # a damaged tag block does not spoil the pixels beside it
        return image
    return image.transpose(_TURN[orientation]) if orientation in _TURN else image


def _average(pixels: np.ndarray, top: float, left: float, side: float, size: int) -> np.ndarray:
    """Averages a square of uint8[height, width, 3], whose edges may lie inside pixels, to uint8[size, size, 3]."""
    height, width = pixels.shape[:2]
    rows, _ = _area_weights(height, top, side, size, 1)
    _, columns = _area_weights(width, left, side, size, 3)
    averaged = rows @ pixels.reshape(height, -1).astype(np.float32) @ columns
    averaged += 0.5
    return averaged.astype(np.uint8, order="C").reshape(size, size, 3)


@functools.lru_cache(maxsize=256)
def _area_weights(
    length: int, start: float, side: float, size: int, channels: int
) -> tuple[scipy.sparse.csr_array, scipy.sparse.csc_array]:
    """The weight of each of `length` pixels in each of `size` new ones that divide [start, start + side].

    Returns:
        float32[size * channels, length * channels], for rows of pixels with interleaved channels, and its transpose.
    """
    edges = np.minimum(start + np.arange(size + 1) * (side / size), length)
    taps = np.floor(edges[:-1, None]).astype(np.int32) + np.arange(
        int(np.ceil(side / size)) + 1, dtype=np.int32
    )
    covered = np.minimum(taps + 1, edges[1:, None]) - np.maximum(taps, edges[:-1, None])
    shape = (size, channels, taps.shape[1])
    weights = np.broadcast_to((covered * (size / side)).astype(np.float32)[:, None], shape)
    places = taps[:, None] * channels + np.arange(channels, dtype=np.int32)[:, None]
    used = weights > 0
    row_ends = np.cumsum(used.sum(-1).ravel(), dtype=np.int32)
    averaging = scipy.sparse.csr_array(
        (weights[used], places[used], np.insert(row_ends, 0, 0)), shape=(size * channels, length * channels)
    )
    return averaging, averaging.T
