"""Images and attributes as `SharedEncoding` takes them, or a sentence that says what is wrong with them."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from facevae.arguments import shown
from facevae.errors import UserError
from facevae.model.image_range import check_range


def checked_images(images: Any) -> np.ndarray:
    """The images as `uint8` or `float32[faces, height, width, 3]`.

    Raises:
        UserError: other types or shapes, none at all, or floats outside [0, 1].
    """
    array = _as_array(images)
    if array is None or array.dtype.kind not in "biuf":
        raise UserError(
            f"images: expected an array, [faces, height, width, 3], received {shown(images)}. "
            "Give uint8 in [0, 255] or float32 in [0, 1]."
        )
    if array.ndim != 4 or array.shape[-1] != 3 or not array.size:
        raise UserError(
            f"images: expected at least one image, [faces, height, width, 3], received {list(array.shape)}. "
            f"{_advice_on_shape(array.shape)}"
        )
    if array.dtype.kind == "f":
        check_range(array)
        return array.astype(np.float32, copy=False)
    if array.dtype != np.uint8:
        raise UserError(
            f"images: expected uint8 in [0, 255] or float32 in [0, 1], received {array.dtype}. "
            "Convert them first."
        )
    return array


def _advice_on_shape(shape):
    if len(shape) == 3 and shape[-1] == 3:
        return "Put a single image into an array of one: images[None]."
    if len(shape) == 4 and shape[-1] == 1:
        return "Repeat the grey channel: np.repeat(images, 3, axis=-1)."
    if len(shape) == 4 and shape[-1] == 4:
        return "Leave out the opacity: images[..., :3]."
    if len(shape) == 4 and shape[1] == 3:
        return "Put the channels last: np.moveaxis(images, 1, -1)."
    return "Give the callbacks some images that the model is not trained on."


def checked_attributes(attributes: Any, faces: int, names: Sequence[str]) -> np.ndarray | None:
    """The attributes as `uint8[faces, names]` of 0 and 1; None without attributes and names.

    Args:
        attributes: `[faces, names]` of 0 and 1, of bools, or of -1 and 1 as CelebA has them.
        faces: how many images there are.
        names: of the attributes.

    Raises:
        UserError: other shapes, types or values, names without attributes, or attributes without names.
    """
    if attributes is None:
        if names:
            raise UserError(
                f"attributes: expected {[faces, len(names)]} for these images and names, received None. "
                "Give them, or leave attribute_names out."
            )
        return None
    array = _as_array(attributes)
    if array is None or array.dtype.kind not in "biuf":
        raise UserError(
            f"attributes: expected numbers, {[faces, len(names)]}, received {shown(attributes)}. "
            "Give 1 where a face has the attribute, else 0."
        )
    if array.ndim == 2 and not names:
        raise UserError(
            f"attribute_names: expected {array.shape[1]} names, one for each column of attributes, received none. "
            "Name them, or leave attributes out."
        )
    if array.shape != (faces, len(names)):
        raise UserError(
            f"attributes: expected {[faces, len(names)]} for these images and names, "
            f"received {list(array.shape)}. Give one row for each image, one column for each name."
        )
    return _yes_and_no(array, names)


def _yes_and_no(attributes, names):
    allowed = (-1, 1) if np.any(attributes == -1) else (0, 1)
    wrong = np.argwhere(~np.isin(attributes, allowed))
    if len(wrong):
        face, column = wrong[0]
        beside = ", beside -1" if allowed == (-1, 1) else ""
        raise UserError(
            f"attributes: expected 0 and 1, or -1 and 1, received {attributes[face, column]:g}{beside} (face {face}, "
            f"{names[column]}). Give 1 where a face has the attribute, else 0."
        )
    return (attributes > 0).astype(np.uint8)


def _as_array(values):
    """The values as an array; None for what has no shape, ragged lists among it."""
    try:
        array = np.asarray(values)
    except (TypeError, ValueError):
        return None
    return array if array.ndim else None
