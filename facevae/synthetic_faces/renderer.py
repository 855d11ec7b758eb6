"""Draws faces: `render(parameters, image_size)`, numpy only.

Shapes are signed distances whose edges are about a pixel soft, so that a face looks the same at every size. Everything
is computed in float32, elementwise and independently for each face, so that a face's bytes do not depend on its batch.
"""

import numpy as np

from facevae.synthetic_faces.accessories import paint_earrings, paint_glasses, paint_hat
from facevae.synthetic_faces.anatomy import Face, view_of
from facevae.synthetic_faces.draw import blend, coverage
from facevae.synthetic_faces.features import paint_beard, paint_brow, paint_eye, paint_mouth
from facevae.synthetic_faces.hair import lay_out_hair, paint_hair, paint_hair_behind, shade_below_hair
from facevae.synthetic_faces.scenery import paint_background, paint_clothes, paint_ears, paint_neck
from facevae.synthetic_faces.skin import Light, light_skin, relief, skin_colour

# Pixels drawn at once: planes of this size fit into a core's cache.
_PIXELS_AT_ONCE = 4 * 64 * 64


def render(parameters, image_size):
    """Draws faces.

    Args:
        parameters: `FaceParameters` of n faces.
        image_size: pixels along each side, at least 16.

    Returns:
        uint8[n, image_size, image_size, 3], sRGB.

    Raises:
        ValueError: the size is too small.
    """
    if image_size < 16:
        raise ValueError(
            f"image_size: expected at least 16 pixels for a face, received image_size={image_size}. Give a larger one."
        )
    images = np.empty((len(parameters), image_size, image_size, 3), np.uint8)
    step = max(_PIXELS_AT_ONCE // image_size**2, 1)
    for start in range(0, len(parameters), step):
        canvas = _draw(Face(parameters[start : start + step]), image_size)
        images[start : start + step] = np.moveaxis(_develop(canvas), 1, 3)
    return images


def _draw(face, size):
    view = view_of(face, size)
    light = Light(face)
    hair = lay_out_hair(face, view)
    canvas = paint_background(face, view)
    paint_hair_behind(face, view, hair, light, canvas)
    _inside(view.box(0.2, 1.0, -0.8, 0.8), paint_neck, face, view, canvas, light)
    _inside(view.box(0.6, 1.0), paint_clothes, face, view, canvas, light)
    head_box = view.box(-0.9, 1.0, -0.95, 0.95)
    _inside(head_box, _draw_head, face, view, canvas, light, shade_below_hair(face, hair)[head_box])
    _inside(view.box(-0.35, 0.45), paint_ears, face, view, canvas, light)
    paint_hair(face, view, hair, light, canvas)
    if face.eyeglasses.any():
        _inside(view.box(-0.4, 0.4, -0.85, 0.85), paint_glasses, face, view, canvas, light)
    if face.wearing_earrings.any():
        _inside(view.box(-0.1, 0.65), paint_earrings, face, view, canvas)
    if face.wearing_hat.any():
        _inside(view.box(-1.0, 0.25), paint_hat, face, view, canvas, light)
    return canvas


def _inside(box, paint, face, view, canvas, *arguments):
    """Calls a painting function on one box of the image and returns its result."""
    part = np.ascontiguousarray(canvas[box])
    result = paint(face, view.window(box), part, *arguments)
    canvas[box] = part
    return result


def _draw_head(face, view, canvas, light, shade):
    skin = skin_colour(face, view)
    height = relief(face, view)
    if not face.no_beard.all():
        _inside(view.box(-0.25, 1.0, -0.9, 0.9), paint_beard, face, view, skin)
    mouth_box = view.box(0.12, 0.88, -0.55, 0.55)
    height[mouth_box] += _inside(mouth_box, paint_mouth, face, view, skin)
    for side in (-1, 1):
        box = view.box(-0.48, 0.36, *sorted((0.16 * -side, 0.70 * side)))
        _inside(box, paint_brow, face, view, skin, side)
        _inside(box, paint_eye, face, view, skin, side)
    light_skin(face, view, light, skin, height, gloss=1 + 0.8 * face.bald)
    skin *= shade
    blend(canvas, coverage(view.edge, view.softness()), skin)


def _develop(canvas):
    """Converts linear light to sRGB bytes, with bright values compressed by a tone curve."""
    canvas = np.maximum(canvas, 0)
    canvas = canvas * (1.28 / (1 + 0.28 * canvas * canvas))
    return (np.sqrt(np.minimum(canvas, 1)) * 255 + 0.5).astype(np.uint8)
