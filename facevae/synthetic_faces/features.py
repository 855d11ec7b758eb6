"""Eyes, brows, mouth and beard, painted on the skin before lighting."""

import numpy as np

from facevae.synthetic_faces.draw import above, bell, blend, coverage, hue, mix, palette, ridge, smooth

_IRIS = [(0.16, 0.09, 0.05), (0.30, 0.18, 0.09), (0.40, 0.36, 0.18), (0.30, 0.42, 0.33), (0.33, 0.47, 0.62)]


def paint_eye(face, view, canvas, side):
    """One eye (side -1 or 1) with lids, lashes, make-up and bags, in place."""
    inner_to_outer = (view.across * side - face.eye_x) / face.eye_half_width
    down = view.down + (0.010 + 0.012 * face.eye_slant) * inner_to_outer
    arch = np.maximum(1 - np.square(inner_to_outer), 0)
    upper = -face.eye_opening * arch * (1 - 0.18 * inner_to_outer) + 0.004
    lower = 0.62 * face.eye_opening * arch * (1 + 0.15 * inner_to_outer) + 0.004
    _shade_lids(face, canvas, inner_to_outer, down, upper, lower)
    _paint_eyeball(face, view, canvas, side, 0.05 * (np.abs(inner_to_outer) - 1), down, upper, lower)
    _paint_lashes(face, view, canvas, inner_to_outer, down, upper, lower)


def _shade_lids(face, canvas, inner_to_outer, down, upper, lower):
    spread = ridge(inner_to_outer - 0.1, 1.05)
    shadow_colour = hue(face.lipstick_hue * 0.22 + 0.80, 0.55, 0.42)
    lid = smooth((upper - down + 0.015) / 0.03) * smooth((down - upper + 0.087) / 0.05)
    blend(canvas, 0.90 * face.heavy_makeup * spread * lid, shadow_colour * (0.12 + face.skin))
    crease = spread * ridge(down - upper + 0.030, 0.011)
    canvas *= 1 - 0.36 * crease
    sag = lower + 0.050 - 0.016 * np.square(inner_to_outer)
    inside = coverage(down - sag, 0.02) * smooth((down - lower) / 0.02) * ridge(inner_to_outer, 0.95)
    line = ridge(down - sag, 0.013) * ridge(inner_to_outer + 0.1, 0.8)
    tint = np.array([0.52, 0.74, 0.57], np.float32).reshape(1, 3, 1, 1)
    bags = face.bags_under_eyes * (0.95 * inside + 0.85 * line) + 0.10 * line
    canvas *= 1 - np.minimum(bags, 1) * tint


def _paint_eyeball(face, view, canvas, side, ends, down, upper, lower):
    iris_colour = palette(_IRIS, np.square(0.5 + 0.5 * face.eye_colour))
    softness = view.softness()
    opening = coverage(np.maximum(np.maximum(upper - down, down - lower), ends), softness)
    iris_x = view.across - side * face.eye_x - 0.020 * face.gaze
    radius = 0.043
    distance = np.sqrt(np.square(iris_x) + np.square(down + 0.006))
    # The ball is darker under the upper lid and at its corners.
    under_lid = 0.55 + 0.45 * smooth((down - upper) / 0.055)
    white = np.array([0.80, 0.77, 0.75], np.float32).reshape(1, 3, 1, 1)
    eye = white * under_lid * (1 - 0.35 * np.square(np.minimum(np.abs(iris_x) / 0.085, 1)))
    rim = 0.35 + 0.65 * smooth((radius - distance) / 0.014)
    depth = 1.15 + 0.6 * np.clip(down / radius, -1, 1)
    blend(eye, coverage(distance - radius, softness), iris_colour * (rim * depth * 1.3))
    blend(eye, coverage(distance - 0.018, softness), 0.004)
    catch_x, catch_y = iris_x - 0.015 * np.sign(face.light_azimuth), down + 0.022
    eye += 0.9 * bell(catch_x, catch_y, 0.012, 0.012)
    blend(canvas, opening, eye)


def _paint_lashes(face, view, canvas, inner_to_outer, down, upper, lower):
    made_up = face.heavy_makeup
    ends = coverage(np.abs(inner_to_outer) - 1.08, 0.25)
    thickness = 0.0075 + 0.007 * (1 - face.male) + 0.006 * made_up
    width = np.maximum(thickness, 0.6 * view.pixel)
    strength = np.minimum(thickness / width, 1) * (0.80 + 0.15 * made_up)
    blend(canvas, strength * ends * ridge(down - upper - 0.002, width), 0.01)
    weight = (0.22 + 0.45 * made_up) * np.minimum(0.007 / width + 0.2, 1)
    blend(canvas, weight * ends * ridge(down - lower - 0.002, width * 0.8), 0.22 * face.skin)


def paint_brow(face, view, canvas, side):
    """One brow (side -1 or 1), in place."""
    bushy, arched = face.bushy_eyebrows, face.arched_eyebrows
    thickness = mix(0.0135, 0.045, bushy) + 0.001 * face.male
    softness = view.softness(0.014)
    along = (view.across * side - 0.205) / 0.135
    curve = mix(0.004 * np.square(along) - 0.002, 0.106 * np.square(along - 0.20) - 0.080, arched)
    curve = curve + (0.010 * face.brow_tilt - 0.006 * arched) * along
    hairs = np.sin(along * 34 + view.down * 110 + 2 * np.sin(along * 9 + face.texture(4) * 6))
    taper = thickness * (1 - 0.42 * smooth(0.5 + 0.5 * along))
    distance = np.abs(view.down - face.brow_y - curve) - taper * (1 + 0.06 * hairs)
    distance = np.maximum(distance, (np.abs(along) - 1) * 0.10)
    strength = mix(0.84, 0.93, bushy) * (1 + 0.05 * hairs)
    # Light or grey brows must still be darker than the skin.
    colour = np.minimum(face.brow_hair, 0.40 * face.skin)
    blend(canvas, np.minimum(strength, 1) * coverage(distance, softness), colour)


def paint_mouth(face, view, canvas):
    """Lips, teeth and the dark inside of the mouth, in place.

    Returns:
        float32[batch, 1, height, width]: the relief that the lips add, in half images.
    """
    softness = view.softness()
    across = view.across - 0.055 * face.turn_sine
    along = across / face.mouth_half_width
    arch = np.maximum(1 - np.square(along), 0)
    corner = face.smile_lift * (np.square(along) - 0.35)
    down = view.down - face.mouth_y + corner
    gap = face.mouth_gap * arch
    upper_edge, lower_edge = -0.45 * gap, 0.55 * gap
    bow = 1 - 0.30 * ridge(along, 0.16) + 0.10 * ridge(np.abs(along) - 0.25, 0.2)
    root = np.sqrt(arch)
    thin = 1 - 0.12 * face.smiling
    upper_lip = 0.034 * face.lip_scale * root * bow * thin
    lower_lip = 0.046 * face.lip_scale * root * (0.55 + 0.45 * arch) * thin
    in_upper = np.maximum(upper_edge - upper_lip - down, down - upper_edge)
    in_lower = np.maximum(lower_edge - down, down - lower_edge - lower_lip)
    in_lips = coverage(np.maximum(np.minimum(in_upper, in_lower), np.abs(along) * 0.1 - 0.1), softness)
    colour = _lip_colour(face)
    relief = 0.022 * bell(along, down - upper_edge + 0.018, 0.9, 0.020)
    relief = relief + 0.026 * bell(along, down - lower_edge - 0.020, 0.8, 0.024)
    shaded = colour * (1 - 0.28 * coverage(down - upper_edge, 0.02))
    blend(canvas, in_lips * mix(0.88, 0.95, face.wearing_lipstick), shaded)
    _paint_teeth(face, canvas, along, down, upper_edge, lower_edge, gap, softness)
    line = (
        ridge(down - 0.05 * gap, 0.011) * coverage(np.abs(along) - 1.0, 0.12) * (1 - face.mouth_slightly_open)
    )
    canvas *= 1 - 0.70 * line
    corners = bell(np.abs(along) - 1.02, down, 0.10, 0.016)
    canvas *= 1 - 0.5 * corners
    canvas *= 1 - 0.20 * bell(along, down - lower_edge - lower_lip - 0.018, 0.55, 0.018)
    return relief * in_lips


def _lip_colour(face):
    natural = face.skin * np.array([0.68, 0.44, 0.42], np.float32).reshape(1, 3, 1, 1)
    lipstick = palette(
        [(0.62, 0.05, 0.16), (0.80, 0.07, 0.13), (0.85, 0.16, 0.30), (0.70, 0.08, 0.40)],
        0.5 + 0.5 * face.lipstick_hue,
    )
    return mix(natural, lipstick, face.wearing_lipstick)


def _paint_teeth(face, canvas, along, down, upper_edge, lower_edge, gap, softness):
    inside = coverage(np.maximum(upper_edge - down, down - lower_edge), softness) * face.mouth_slightly_open
    inside = inside * coverage(np.abs(along) - 0.96, 0.1)
    cavity = np.array([0.055, 0.012, 0.012], np.float32).reshape(1, 3, 1, 1)
    blend(canvas, inside, cavity)
    length = gap * (0.38 + 0.30 * face.smiling)
    teeth = inside * coverage(down - upper_edge - length, softness) * coverage(np.abs(along) - 0.78, 0.2)
    gaps = 1 - 0.10 * np.square(np.cos(along * 14))
    shade = gaps * (1 - 0.45 * np.square(along)) * smooth(0.45 + (down - upper_edge) / 0.03)
    blend(canvas, teeth, np.array([0.80, 0.77, 0.70], np.float32).reshape(1, 3, 1, 1) * shade)
    tongue = inside * bell(along, down - lower_edge, 0.55, 0.022)
    blend(canvas, 0.6 * tongue, np.array([0.36, 0.10, 0.10], np.float32).reshape(1, 3, 1, 1))


def paint_beard(face, view, canvas):
    """Moustache, goatee, full beard or stubble, in place."""
    down, across = view.down, view.across - 0.045 * face.turn_sine
    mirrored = np.abs(across)
    below_mouth = down - face.mouth_y
    hairs = np.sin(
        across * 85 + 3 * np.sin(down * 23 + face.texture(5) * 6) + 2 * np.sin(across * 31 + down * 47)
    )
    lift = face.smile_lift * np.square(mirrored / 0.2) * 0.6
    middle = (face.nose_tip + face.mouth_y) / 2 + 0.020
    on_lip = np.abs(down - middle - 0.9 * np.square(mirrored) + lift) - 0.034
    on_lip = np.maximum(on_lip, mirrored - 0.175 - 0.01 * face.smiling)
    on_chin = np.maximum(0.080 - below_mouth, mirrored - 0.135)
    from_middle = np.maximum(mirrored - 0.12, 0)
    on_jaw = np.maximum(0.080 - 2.7 * from_middle * np.sqrt(from_middle) - below_mouth, -down)
    from_lips = np.square(mirrored / (face.mouth_half_width + 0.03)) + np.square(below_mouth / 0.085)
    on_jaw = np.maximum(on_jaw, 0.065 * (1 - np.sqrt(from_lips)))
    bearded = 1 - face.no_beard
    shadow, goatee, mustache = (
        bearded * kind for kind in (face.five_o_clock_shadow, face.goatee, face.mustache)
    )
    # A moustache occurs alone or with a full beard.
    full = np.clip(bearded - shadow - goatee, 0, 1) * np.maximum(1 - mustache, above(face.beard_extent, 0))
    for mask, distance, softness in (
        (mustache, on_lip, 0.035),
        (goatee, on_chin, 0.04),
        (full, on_jaw, 0.06),
    ):
        cover = 0.92 * mask * coverage(distance + 0.007 * hairs, softness)
        blend(canvas, cover, face.brow_hair * (1 + 0.22 * hairs))
    stubble = np.maximum(coverage(on_jaw, 0.10), coverage(on_lip, 0.05))
    tint = mix(face.brow_hair, np.array([0.05, 0.06, 0.07], np.float32).reshape(1, 3, 1, 1), 0.6)
    blend(canvas, shadow * stubble * (0.60 + 0.08 * hairs), tint)
