"""Converts pictures with an embedded ICC profile to sRGB, which is what screens and the model expect."""

import functools
import io
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

if TYPE_CHECKING:
    from PIL import ImageCms

_MOST_BYTES = 2**22  # of a profile; those of printing presses have half a million
# A transform that moves no colour by more grey levels than that is sRGB's own, under whatever name.
_SAME = 2
_DARKEST_WHITE = 200  # a grey level that no paper is darker than
_MODE_OF_SPACE = {"RGB ": "RGB", "GRAY": "L", "CMYK": "CMYK"}


def as_srgb(image: Image.Image, profile: bytes | None) -> Image.Image:
    """The picture in sRGB.

    A profile that is damaged, or of another kind of picture, is ignored: the pixels are kept.

    Args:
        image: in any mode without transparency.
        profile: the ICC profile that came with it, if any.

    Returns:
        An image in mode RGB.
    """
    mode, transform = _to_srgb(profile) if profile and len(profile) <= _MOST_BYTES else ("", None)
    fits = image.mode == mode or (mode == "RGB" and image.mode != "CMYK")
    if transform is None or not fits:
        return image if image.mode == "RGB" else image.convert("RGB")
    return transform.apply(image.convert(mode))


@functools.lru_cache(maxsize=32)
def _to_srgb(profile: bytes) -> "tuple[str, ImageCms.ImageCmsTransform | None]":
    """The mode that the profile is for, and its transform to sRGB; None where it changes nothing or is damaged."""
    from PIL import ImageCms  # takes a moment, and few pictures need it

    try:
        opened = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        mode = _MODE_OF_SPACE[opened.profile.xcolor_space]
        srgb = ImageCms.createProfile("sRGB")
        # Tables of high resolution: dark greys would be 10 levels off otherwise.
        transform = ImageCms.buildTransform(opened, srgb, mode, "RGB", flags=ImageCms.Flags.HIGHRESPRECALC)
        is_needed = _keeps_white(transform, mode) and _changes_colours(transform, mode)
        return mode, transform if is_needed else None
    except Exception:  # LittleCMS reports damage in many ways, and Pillow has no common class for them
        return "", None


def _keeps_white(transform: "ImageCms.ImageCmsTransform", mode: str) -> bool:
    """Whether white stays nearly white, as it does by every profile that is not damaged."""
    white = Image.new(mode, (1, 1), (0, 0, 0, 0) if mode == "CMYK" else "white")
    return bool(np.asarray(transform.apply(white)).min() >= _DARKEST_WHITE)


def _changes_colours(transform: "ImageCms.ImageCmsTransform", mode: str) -> bool:
    if mode == "CMYK":
        return True
    levels = np.arange(0, 256, 15, dtype=np.uint8)
    if mode == "L":
        image = Image.fromarray(levels[None])
    else:
        image = Image.fromarray(np.stack(np.meshgrid(levels, levels, levels), -1).reshape(1, -1, 3))
    before, after = (np.asarray(each, np.int16) for each in (image.convert("RGB"), transform.apply(image)))
    return bool(np.abs(after - before).max() > _SAME)
