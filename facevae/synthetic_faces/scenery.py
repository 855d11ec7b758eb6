"""Background, neck, clothes and ears."""

import numpy as np

from facevae.synthetic_faces.anatomy import HEAD_DEPTH
from facevae.synthetic_faces.draw import above, bell, blend, coverage, hue, ridge, smooth


def paint_background(face, view):
    """float32[batch, 3, height, width]: a blurred room, street, sky or wall."""
    x, y = view.body_x, view.body_y
    saturation = 0.06 + 0.50 * np.square(0.5 + 0.5 * face.background_saturation)
    brightness = 0.51 + 0.38 * face.background_brightness
    angle = face.background_hue * 0.5
    first = hue(angle, saturation, brightness)
    second = hue(
        angle + 0.25 * face.texture(18) - 0.1, saturation, brightness * (0.45 + 0.75 * face.texture(19))
    )
    direction = face.texture(20) * 6.28
    along = x * np.cos(direction) + y * np.sin(direction)
    canvas = first + (second - first) * smooth(0.5 + along * (0.35 + 0.5 * face.texture(21)))
    for spot in range(5):
        place = 22 + 4 * spot
        size = 0.14 + 0.45 * np.square(face.texture(place + 2))
        stretch = 1 + 2.5 * above(face.texture(place + 3), 0.6)
        across = np.square((x - 2.4 * face.texture(place) + 1.2) / size)
        down = np.square((y - 2.2 * face.texture(place + 1) + 1.3) / (size * stretch))
        # Most blobs are round and soft; some are panels with sharper edges.
        panel = face.texture(place + 3) > 0.75
        across, down = (np.where(panel, np.square(square), square) for square in (across, down))
        tint = hue(
            angle + 0.9 * face.texture(place + 2), saturation, brightness * (0.3 + 1.1 * face.texture(place))
        )
        blend(canvas, 0.75 * np.exp(-across) * np.exp(-down), tint)
    return canvas


def _from_body_axis(face, view):
    return view.body_x + 0.36 * HEAD_DEPTH * face.turn_sine + 0.25 * face.tilt_sine


def _neck_half_width(face):
    return 0.21 + 0.085 * face.male


def paint_neck(face, view, canvas, light):
    """The neck in the shadow of the head, in place."""
    x, y = _from_body_axis(face, view), view.body_y
    flare = _neck_half_width(face) + 0.9 * np.square(np.maximum(y - 0.72, 0))
    sideways = x / flare
    softness = view.softness(0.02)
    normal_x = np.clip(sideways, -1, 1) * 0.92
    normal_z = np.sqrt(np.maximum(1 - np.square(normal_x), 0.04))
    received = light.on(normal_x, -0.1, normal_z)
    below_chin = smooth((y - 0.72) / 0.42 - 0.15 * above(-view.edge, 0))
    cords = 1 - 0.10 * ridge(np.abs(sideways) - 0.45 + 0.6 * (y - 0.7), 0.12)
    shadow = 0.30 + 0.70 * smooth(view.edge / 0.28 + 0.10 + 0.25 * below_chin)
    warm = np.array([1.0, 0.88, 0.86], np.float32).reshape(1, 3, 1, 1)
    mask = coverage(np.abs(x) - flare, softness) * coverage(0.25 - y, 0.1)
    blend(canvas, mask, face.skin * warm * received * (shadow * cords))


def paint_clothes(face, view, canvas, light):
    """Shoulders in clothes, in place."""
    neck_half = _neck_half_width(face)
    x, y = _from_body_axis(face, view), view.body_y
    mirrored = np.abs(x)
    softness = view.softness(0.02)
    shoulder = (
        0.845 - 0.03 * face.male + (0.22 + 0.06 * face.texture(42)) * np.maximum(mirrored - neck_half, 0)
    )
    steepness = 0.35 + 0.5 * above(face.collar, 0)
    neckline = 0.98 + 0.06 * face.collar - steepness * np.minimum(mirrored, neck_half)
    edge = np.where(mirrored < neck_half, np.maximum(neckline, shoulder), shoulder) - y
    brightness = np.clip(0.42 + 0.42 * face.clothes_brightness, 0.05, 0.9)
    colour = hue(face.clothes_hue * 0.5, 0.15 + 0.6 * face.texture(43), brightness)
    normal_x = np.clip(x * 0.8, -0.85, 0.85)
    folds = 1 + 0.16 * np.sin(x * 17 + 5 * y + face.texture(44) * 6) * np.sin(y * 11 - x * 6)
    stripes = 1 - 0.35 * above(face.texture(45), 0.75) * above(np.sin(x * 34 + y * 10), 0.2)
    received = light.on(normal_x, -0.45, np.sqrt(np.maximum(0.8 - np.square(normal_x), 0.05)))
    lapel = 1 - 0.45 * above(face.texture(46), 0.5) * ridge(mirrored - 0.10 - 0.9 * (1.1 - y), 0.018)
    hem = 1 - 0.35 * ridge(edge + 0.018, 0.018)
    blend(canvas, coverage(edge, softness), colour * received * (folds * stripes * lapel * hem))


def ear_places(face):
    """The position of each ear's centre, first the ear at the left of the image, then the one at the right.

    Yields:
        side (-1 or 1), `View.x` of the centre, and the visible share of the ear, float32[batch, 1, 1, 1] each.
    """
    for side in (-1, 1):
        x = side * (face.width + 0.012) * face.turn_cosine - 0.06 * face.turn_sine
        yield side, x, np.clip(0.55 - side * face.turn / 14, 0, 1)


def paint_ears(face, view, canvas, light):
    """Both ears, in place; the far one is hidden behind the head."""
    softness = view.softness(0.015)
    colour = face.skin * np.array([0.96, 0.76, 0.74], np.float32).reshape(1, 3, 1, 1)
    size = 1 + 0.13 * face.ear_size
    for side, ear_x, visible in ear_places(face):
        x, y = (view.x - ear_x) * side, view.y - 0.045
        x = x + 0.22 * np.maximum(y, 0)
        half_width = 0.058 * size * (1 + 0.35 * np.clip(-side * face.turn_sine * 2, -0.5, 1))
        radius = np.sqrt(np.square(x / half_width) + np.square(y / (0.108 * size)))
        behind = 1 - coverage(view.edge, softness) * (1 - visible)
        mask = coverage((radius - 1) * 0.06, softness) * behind
        canvas *= 1 - 0.30 * behind * ridge(radius - 1.08, 0.16)
        hollow = bell(x + 0.012, y + 0.005, 0.022, 0.060)
        received = light.on(0.6 * side, -0.1, 0.75)
        blend(canvas, mask, colour * received * (1 - 0.45 * hollow) * (0.62 + 0.30 * smooth(radius)))
