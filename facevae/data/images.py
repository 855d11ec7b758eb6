"""One picture file into one upright, cropped, resized RGB face."""

import functools
import io

import numpy as np
from PIL import Image

# Decoders that read pixels and nothing else. EPS, for one, would start an interpreter on the file's content.
FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "GIF", "TIFF", "PPM")
SUFFIXES = (
    ".jpg",
    ".jpeg",
    ".jfif",
    ".png",
    ".webp",
    ".bmp",
    ".gif",
    ".tif",
    ".tiff",
    ".ppm",
    ".pgm",
    ".mpo",
)

MINIMUM_SIDE = 16  # pixels; nothing smaller shows a face
MAXIMUM_PIXELS = 50_000_000  # a large camera's picture, 0.5 GB while it is decoded; more is refused unread

_ORIENTATION_TAG = 0x0112
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

    The first frame of an animation is taken; the orientation tag is applied; transparency is laid over white;
    16-bit values are scaled to 8; the crop is centred.

    Args:
        encoded: path of a picture file, or its content.
        crop: "square" (the largest) or the side of the square in pixels.
        size: side of the result in pixels.

    Returns:
        uint8[size, size, 3].

    Raises:
        BadPictureError: the file is unreadable, truncated, too small, too large or of an unknown kind.
    """
    try:
        with Image.open(
            io.BytesIO(encoded) if isinstance(encoded, bytes) else encoded, formats=FORMATS
        ) as image:
            _check_size(image)
            return _face(image, crop, size)
    except BadPictureError:
        raise
    except Image.UnidentifiedImageError:
        raise BadPictureError(f"not a picture of a known kind ({', '.join(FORMATS)})") from None
    except MemoryError:
        raise BadPictureError("needs more memory than there is") from None
    # A damaged file makes Pillow's decoders raise nearly anything: OSError, SyntaxError, struct.error, ...
    except Exception as error:
        raise BadPictureError(f"{error or 'decoding failed'} ({type(error).__name__})") from None


def upright_rgb(image: Image.Image) -> Image.Image:
    """The picture's first frame as 8-bit RGB, turned as its orientation tag says, transparency over white.

    Raises:
        BadPictureError: pixel values without a known range (32-bit integers beyond 16 bits, floating point).
    """
    image = _rotated(image)
    if image.mode == "RGB" and "transparency" not in image.info:
        return image
    if image.mode.startswith("I"):  # 16-bit grey, under any of Pillow's names for it
        values = np.asarray(image).astype(np.int64)
        if values.min() < 0 or values.max() > 65535:
            raise BadPictureError("integer pixels beyond 16 bits have no known range")
        return Image.fromarray(((values * 255 + 32767) // 65535).astype(np.uint8)).convert("RGB")
    if image.mode == "F":
        raise BadPictureError("floating-point pixels have no known range")
    if "transparency" in image.info or image.mode in ("RGBA", "RGBa", "LA", "La", "PA"):
        image = image.convert("RGBA")
        white = Image.new("RGBA", image.size, "white")
        return Image.alpha_composite(white, image).convert("RGB")
    return image.convert("RGB")


def centre_crop(pixels: np.ndarray, crop: str | int) -> np.ndarray:
    """The centred square of uint8[height, width, 3], a view; half a pixel is rounded towards the top left.

    Args:
        pixels: the picture.
        crop: "square" for the largest square, or its side in pixels.

    Raises:
        BadPictureError: the picture is smaller than the crop.
    """
    height, width = pixels.shape[:2]
    side = min(height, width) if crop == "square" else int(crop)
    if side > min(height, width):
        raise BadPictureError(f"{width}x{height} pixels, smaller than the crop of {side}x{side}")
    top, left = (height - side) // 2, (width - side) // 2
    return pixels[top : top + side, left : left + side]


def resize(pixels: np.ndarray, size: int) -> np.ndarray:
    """Resizes a square picture: downwards by exact area averaging, upwards by bicubic interpolation.

    Averaging gives each new pixel the mean of the area it covers, partial pixels counted by their part.
    (Pillow's BOX counts them wholly or not at all: 5 grey levels off, on average, on 89 pixels made 64.)

    Args:
        pixels: uint8[side, side, 3].
        size: side of the result.

    Returns:
        uint8[size, size, 3].
    """
    side = len(pixels)
    if side == size:
        return pixels
    if side < size:
        return np.asarray(Image.fromarray(pixels).resize((size, size), Image.Resampling.BICUBIC))
    averaged = _average_rows(pixels, size)
    averaged = _average_rows(np.ascontiguousarray(averaged.swapaxes(0, 1)), size)
    averaged += 0.5
    return averaged.astype(np.uint8).swapaxes(0, 1)


def _check_size(image: Image.Image) -> None:
    width, height = image.size
    if width * height > MAXIMUM_PIXELS:
        raise BadPictureError(
            f"its header claims {width}x{height} pixels, more than {MAXIMUM_PIXELS:,} in all"
        )
    if min(width, height) < MINIMUM_SIDE:
        raise BadPictureError(
            f"{width}x{height} pixels, too small for a face (at least {MINIMUM_SIDE} a side)"
        )


def _face(image: Image.Image, crop: str | int, size: int) -> np.ndarray:
    return np.ascontiguousarray(resize(centre_crop(np.asarray(upright_rgb(image)), crop), size))


def _rotated(image: Image.Image) -> Image.Image:
    image.load()  # before the tag is read: Pillow turns TIFFs by itself while loading
    try:
        orientation = image.getexif().get(_ORIENTATION_TAG)
    except Exception:  # a damaged tag block does not spoil the pixels beside it
        return image
    return image.transpose(_TURN[orientation]) if orientation in _TURN else image


@functools.lru_cache(maxsize=256)
def _area_weights(side: int, size: int) -> tuple[np.ndarray, np.ndarray]:
    """Rows under each new row, int64[taps, size], and the part of it each fills, float32[taps, size, 1]."""
    edges = np.arange(size + 1) * (side / size)
    taps = int(np.ceil(side / size)) + 1
    rows = np.floor(edges[:-1, None]).astype(np.int64) + np.arange(taps)
    covered = np.minimum(rows + 1, edges[1:, None]) - np.maximum(rows, edges[:-1, None])
    weights = np.clip(covered, 0, None) * (size / side)
    return np.minimum(rows, side - 1).T.copy(), weights.T.astype(np.float32)[..., None]


def _average_rows(pixels: np.ndarray, size: int) -> np.ndarray:
    """Numbers [side, columns, 3] to float32[size, columns, 3]."""
    _, columns, channels = pixels.shape
    rows, weights = _area_weights(len(pixels), size)
    flat = pixels.reshape(len(pixels), -1)
    total = np.multiply(flat[rows[0]], weights[0], dtype=np.float32)
    part = np.empty_like(total)
    for tap_rows, tap_weights in zip(rows[1:], weights[1:], strict=True):
        total += np.multiply(flat[tap_rows], tap_weights, out=part)
    return total.reshape(size, columns, channels)
