"""Glasses, earrings and hats."""

import numpy as np

from facevae.synthetic_faces.anatomy import WIDEST
from facevae.synthetic_faces.draw import (
    above,
    bell,
    blend,
    coverage,
    hue,
    mix,
    palette,
    ridge,
    rounded_box,
    smooth,
)
from facevae.synthetic_faces.scenery import ear_places

_FRAMES = [(0.05, 0.05, 0.06), (0.13, 0.10, 0.09), (0.34, 0.16, 0.08), (0.45, 0.09, 0.12), (0.10, 0.15, 0.35)]


def paint_glasses(face, view, canvas, light):
    """Frames with a bridge and arms, and lenses that tint and reflect a little, in place."""
    softness = view.softness()
    frame = palette(_FRAMES, 0.5 + 0.5 * face.glasses_shade)
    across = view.across - 0.075 * face.turn_sine
    down = view.down - 0.012
    round_lens = smooth(0.5 + 2 * face.glasses_shape)
    half_width, half_height = 0.145 - 0.018 * round_lens, 0.100 + 0.018 * round_lens
    corner = mix(0.045, 0.112, round_lens)
    lens_x = np.abs(across) - 0.205
    distance = rounded_box(lens_x, down, half_width, half_height, corner)
    thickness = np.maximum(0.013 + 0.006 * face.texture(47), 0.5 * view.pixel)
    worn = face.eyeglasses
    lens = coverage(distance, softness)
    tint = 1 - 0.10 * worn * lens
    canvas *= tint
    glare = smooth(1 - np.abs(lens_x * 0.9 + down * 1.3 + 0.07 * light.x) / 0.045) * lens
    canvas += worn * glare * 0.09 * light.key
    shadow = coverage(np.abs(distance - 0.012) - thickness, 0.03) * coverage(view.edge + 0.02, 0.03)
    canvas *= 1 - 0.18 * worn * shadow
    bridge = np.maximum(
        np.abs(down + 0.030 - 0.5 * np.square(across)) - thickness * 0.9, np.abs(across) - 0.085
    )
    arms = np.maximum(np.abs(down + 0.030) - thickness * 0.8, 0.205 + half_width - np.abs(across))
    outline = np.minimum(np.abs(distance) - thickness, np.minimum(bridge, arms))
    mask = worn * coverage(outline, softness) * coverage(view.edge - 0.02, 0.02)
    lit = 0.55 + 0.45 * smooth(0.5 - down * 6) + 0.5 * ridge(down + half_height, 0.02)
    blend(canvas, mask, frame * lit * (0.3 + 0.7 * light.key))


def paint_earrings(face, view, canvas):
    """A drop or a hoop of gold, silver or pearl below each visible ear, in place."""
    metal = palette(
        [(1.0, 0.80, 0.36), (0.96, 0.84, 0.52), (0.90, 0.92, 0.96), (1.0, 0.96, 0.93)], face.texture(40)
    )
    softness = view.softness()
    size = 0.036 + 0.008 * face.earring_size
    hoop = face.texture(41) > 0.6
    for side, ear_x, visible in ear_places(face):
        x, y = view.x - ear_x - side * 0.012, view.y - 0.155
        drop = np.sqrt(np.square(x) + np.square((y - 0.075) * 0.75)) - size
        stud = np.sqrt(np.square(x) + np.square(y)) - 0.018
        ring = np.abs(np.sqrt(np.square(x) + np.square(y - 0.070)) - 0.058) - 0.014
        shape = np.minimum(np.where(hoop, ring, drop), stud)
        behind = 1 - coverage(view.edge, softness) * (1 - visible)
        shine = 0.55 + 0.9 * bell(x + 0.012, y - 0.06, 0.02, 0.03) - 2.2 * np.clip(y - 0.075, 0, 0.15)
        blend(canvas, face.wearing_earrings * behind * coverage(shape, softness), metal * shine)


def paint_hat(face, view, canvas, light):
    """A knitted cap, a brimmed hat or a peaked cap, in place."""
    softness = view.softness(0.016)
    x, y = view.x + 0.06 * face.turn_sine, view.y
    knitted = above(-face.hat_style, 0.3)
    peaked = above(face.hat_style, 0.35)
    brimmed = 1 - knitted - peaked
    half = face.width + 0.065 + 0.02 * face.hair_volume + 0.03 * face.is_long
    rim = -0.29 + 0.10 * np.square(x / half) * (knitted + peaked) - 0.06 * np.square(x / half) * brimmed
    height = 0.66 + 0.05 * knitted
    upward = (y - WIDEST + 0.09) / height
    power = np.square(np.square(upward))
    dome = np.sqrt(np.square(x / half) + mix(np.square(upward), power * 1.02, brimmed)) - 1
    crown = np.maximum(dome * 0.6, y - rim)
    colour = hue(face.hat_hue * 0.5, 0.25 + 0.55 * face.texture(38), 0.22 + 0.60 * face.texture(39))
    normal_x = np.clip(x / half, -1, 1) * 0.9
    normal_y = np.clip(upward, -1, 0) * 0.75
    normal_z = np.sqrt(np.maximum(1 - np.square(normal_x) - np.square(normal_y), 0.04))
    received = light.on(normal_x, normal_y, normal_z, wrap=0.4)
    knit = 1 + knitted * (0.16 * np.sin(x / half * 46) - 0.35 * ridge(y - rim + 0.15, 0.016))
    seams = 1 - 0.22 * peaked * (ridge(x - 0.02, 0.010) + ridge(np.abs(x) - 0.30 - 0.1 * y, 0.010))
    band = 1 - 0.60 * brimmed * coverage(np.abs(y - rim + 0.045) - 0.040, softness)
    cast = above(0.05, view.edge)
    worn = face.wearing_hat
    shadow = smooth(1 - (y - rim) / (0.15 + 0.10 * peaked)) * above(y, rim) * cast
    canvas *= 1 - 0.45 * worn * shadow
    blend(canvas, worn * coverage(crown, softness), colour * received * (knit * seams * band))
    _paint_brim(face, view, canvas, x, y, half, rim, colour, light, brimmed, peaked, softness)


def _paint_brim(face, view, canvas, x, y, half, rim, colour, light, brimmed, peaked, softness):
    wide = np.sqrt(np.square(x / (half + 0.20)) + np.square((y - rim - 0.005) / 0.058)) - 1
    peak_x = (x - 0.35 * face.turn_sine) / (half * 0.86)
    peak = np.sqrt(np.square(peak_x) + np.square((y - rim + 0.015) / (0.075 + 0.02 * face.hat_hue))) - 1
    mask = face.wearing_hat * (
        brimmed * coverage(wide * 0.06, softness)
        + peaked * coverage(np.maximum(peak * 0.1, rim - 0.035 + 0.03 * np.square(peak_x) - y), softness)
    )
    under = 0.42 + 0.75 * smooth((rim - y) / 0.10 + 0.62)
    blend(canvas, mask, colour * under * (0.25 + 0.75 * light.key))
