"""Hair: its outline around the head, the opening it leaves for the face, and its strands."""

import dataclasses

import numpy as np

from facevae.synthetic_faces.anatomy import HEAD_DEPTH, SKULL_TOP, WIDEST
from facevae.synthetic_faces.draw import blend, coverage, mix, ridge, smooth


@dataclasses.dataclass
class Hair:
    """Planes float32[batch, 1, height, width]: signed distances to the outline and to the opening, and the strands.

    `sideways` runs from -1 to 1 across the hair, `upward` is the height on its dome; `strands` lies roughly in [-1, 1].
    """

    outline: np.ndarray
    opening: np.ndarray
    sideways: np.ndarray
    upward: np.ndarray
    strands: np.ndarray


def lay_out_hair(face, view):
    """The outline, opening and strands of every face's hair: `Hair`."""
    wavy, is_long = face.wavy_hair, face.is_long
    x, y = view.x + 0.08 * face.turn_sine, view.y
    ratio = np.square(face.width / HEAD_DEPTH)
    head_half = face.width * np.sqrt(np.square(face.turn_cosine) + np.square(face.turn_sine) / ratio)
    waves = np.sin(y * 15 + face.texture(6) * 6.28 + np.sign(x) * face.texture(7)) * wavy
    thickness = 0.016 + 0.008 * face.hair_volume + 0.055 * is_long + 0.04 * wavy
    half = head_half + thickness * (1 + 0.2 * face.hair_volume) + 0.020 * waves * smooth((y + 0.4) * 2)
    height = WIDEST - SKULL_TOP + (1 - face.wearing_hat) * (thickness + 0.055 + 0.03 * face.hair_volume)
    upward = (y - WIDEST) / height
    aside, above = np.square(x / half), np.square(upward)
    dome = np.sqrt(0.5 * (aside + above) + 0.5 * np.sqrt(np.square(aside) + np.square(above)))
    spread = (0.03 + 0.09 * face.texture(8) + 0.12 * wavy) * is_long
    beside = np.abs(x) - half - spread * (y - WIDEST)
    end = mix(0.12, 0.92 + 0.28 * face.hair_length, is_long)
    outline = np.maximum(np.where(upward < 0, (dome - 1) * 0.6, beside), (y - end) * (1 - 0.4 * is_long))
    narrowing = np.sqrt(np.maximum(1 - np.square(np.minimum(upward, 0)), 0.16))
    part = 0.16 * face.hair_parting
    sideways = (x - part * smooth(-upward)) / (half * narrowing)
    strands = _strands(face, view, sideways, upward, waves)
    outline = outline + strands * mix(0.009, 0.006, is_long)
    return Hair(outline, _opening(face, view, sideways, strands), sideways, np.clip(upward, -1, 0), strands)


def _strands(face, view, sideways, upward, waves):
    bend = 0.10 * waves * (1 + sideways) + 0.05 * np.sin(upward * 5 + face.texture(9) * 6.28)
    # Short hair is combed to one side, by a varying amount.
    combed = (1 - face.is_long) * (1 - face.bangs) * np.sign(face.hair_parting) * np.square(face.texture(8))
    flow = sideways * (1 - 0.6 * np.abs(combed)) + 2.2 * combed * upward + bend
    strands = 0
    finest = np.pi * 0.55 / view.pixel  # thinner strands would alias
    for octave, frequency in enumerate((7, 13, 24, 43, 78, 140)):
        if frequency > finest:
            break
        phase = face.texture(10 + octave) * 6.28 + upward * (0.8 + 0.3 * octave)
        strands = strands + np.sin(flow * frequency + phase) * 0.34
    return strands


def _opening(face, view, sideways, strands):
    down, mirrored = view.down, np.abs(view.across)
    is_long, receding = face.is_long, face.receding_hairline
    around = mirrored + 0.8 * np.maximum(-view.forward, 0)
    part = 0.12 * face.hair_parting
    # Long hair parts like a curtain; a short cut frames the forehead.
    curtain = 1.5 * np.square(view.across - part)
    frame = 2.2 * np.square(np.square(view.across)) * 3 + 0.05 * face.hair_parting * view.across
    line = face.hairline + mix(frame, curtain - 0.03, is_long) * (1 - receding)
    temples = ridge(mirrored - 0.21, 0.10) - 0.45 * ridge(mirrored, 0.11)
    line = line - receding * (0.075 + 0.125 * temples)
    fringe = (
        -0.24 + 0.05 * face.hair_parting * view.across + 0.018 * np.sin(sideways * 17 + face.texture(16) * 6)
    )
    line = mix(line, fringe + 0.016 * strands, face.bangs) + 0.007 * strands
    # Long hair hangs before the ears unless there are earrings to show.
    side = face.width * mix(0.935, 0.86 + 0.06 * face.texture(17), is_long) + 0.008 * strands
    behind_ears = smooth((down + 0.12) * 6) * is_long * face.wearing_earrings
    side = side + 0.17 * behind_ears
    above, beside = line - down, (around - side) * 0.8
    opening = 0.5 * (above + beside + np.sqrt(np.square(above - beside) + 0.004))
    # Short hair ends in sideburns.
    opening = np.where(is_long > 0, opening, np.minimum(opening, 0.03 + 0.02 * strands - down))
    # Beside the head, no skin is visible through the hair.
    return np.maximum(opening, np.minimum(view.edge - 0.005, 0.08 - down))


def front_mask(face, view, hair):
    """float32[batch, 1, height, width]: where hair lies over the face."""
    softness = view.softness(0.022)
    return face.has_hair * coverage(hair.outline, softness) * (1 - coverage(hair.opening, softness * 1.2))


def paint_hair_behind(face, view, hair, light, canvas):
    """The long hair behind the neck, in place."""
    if not face.is_long.any():
        return
    mask = face.is_long * coverage(hair.outline, view.softness(0.022))
    depth = 0.44 + 0.26 * smooth(np.abs(hair.sideways) * 1.5 - 0.5)
    blend(canvas, mask, face.hair * (depth * (1 + 0.25 * hair.strands)) * (0.4 + 0.6 * light.key))


def paint_hair(face, view, hair, light, canvas):
    """The hair on the skull and in front of the shoulders, in place.

    Returns:
        float32[batch, 1, height, width]: the mask of the hair.
    """
    mask = front_mask(face, view, hair)
    normal_x = np.clip(hair.sideways, -1, 1) * 0.85
    normal_y = hair.upward * 0.8 + 0.10 * hair.strands
    normal_z = np.sqrt(np.maximum(1 - np.square(normal_x) - np.square(normal_y), 0.03))
    received = light.on(normal_x, normal_y, normal_z, wrap=0.5)
    waves = np.sin(view.y * 15 + 5 * hair.sideways + face.texture(6) * 6.28) * face.wavy_hair
    body = 0.80 + 0.26 * hair.strands + 0.22 * waves * smooth((view.y + 0.5) * 2)
    body = body - 0.25 * ridge(hair.opening, 0.035) * face.is_long
    # Strands are thin cylinders: their highlight is a band across them.
    band = ridge(hair.upward + 0.52 + 0.22 * light.y + 0.06 * hair.strands, 0.13) * (
        0.55 + 0.45 * hair.strands
    )
    low_band = (
        0.5 * face.is_long * ridge(view.y - 0.38 + 0.06 * hair.strands, 0.12) * ridge(hair.sideways, 0.9)
    )
    shine = np.maximum(band + low_band * (0.5 + 0.5 * hair.strands), 0) * smooth(
        0.3 + normal_x * light.x + 0.5
    )
    parting = ridge(hair.sideways, 0.035) * face.is_long * smooth((-view.y - 0.3) * 4) * (1 - face.bangs)
    colour = face.hair * np.maximum(body, 0.15) * received
    colour = colour + shine * (0.25 * face.hair + 0.035) * light.key
    colour = mix(colour, 0.5 * face.skin * received, 0.6 * parting)
    blend(canvas, mask, colour)
    return mask


def shade_below_hair(face, hair):
    """float32[batch, 1, height, width]: factor by which hair darkens the skin beside it."""
    near = smooth(1 + hair.opening / 0.075)
    return 1 - 0.42 * face.has_hair * near
