"""The measures of a head, computed from its parameters, and the point on its surface that each pixel shows.

The head is a stack of ellipses, one for each height, rotated about the vertical axis and seen in orthographic
projection: the point that a pixel shows is the root of a quadratic equation. Features are painted in the head's own
coordinates, so that they move and foreshorten correctly when it turns.
"""

import dataclasses
from typing import Any

import numpy as np

from facevae.synthetic_faces.attributes import ATTRIBUTE_NAMES
from facevae.synthetic_faces.draw import above, mix, palette
from facevae.synthetic_faces.factors import FACTOR_NAMES

WIDEST = 0.02  # height of the widest ellipse
SKULL_TOP = -0.585
HEAD_DEPTH = 0.60

_SKIN = [(0.90, 0.70, 0.575), (0.85, 0.63, 0.49), (0.74, 0.53, 0.39), (0.56, 0.38, 0.27), (0.44, 0.30, 0.215)]
_PALE_SKIN = [(0.99, 0.885, 0.835), (0.96, 0.85, 0.80)]
_HAIR = {
    "Black_Hair": [(0.05, 0.045, 0.05), (0.13, 0.105, 0.10)],
    "Brown_Hair": [(0.26, 0.155, 0.09), (0.45, 0.29, 0.17)],
    "Blond_Hair": [(0.72, 0.55, 0.31), (0.93, 0.81, 0.56)],
    "Gray_Hair": [(0.55, 0.55, 0.56), (0.82, 0.82, 0.83)],
}


class Face:
    """Measures of a batch of heads, each float32[batch, 1, 1, 1]; colours are float32[batch, 3, 1, 1]."""

    def __init__(self, parameters):
        self._parameters = parameters
        for name in ATTRIBUTE_NAMES:
            column = parameters.attribute(name).astype(np.float32).reshape(-1, 1, 1, 1)
            setattr(self, name.lower().replace("5_o", "five_o"), column)
        for name in FACTOR_NAMES:
            setattr(self, name, parameters.factor(name).reshape(-1, 1, 1, 1))
        self._measure_pose()
        self._measure_head()
        self._choose_colours()

    def texture(self, index):
        """float32[batch, 1, 1, 1] in [0, 1): one texture phase of every face."""
        return self._parameters.textures[:, index].reshape(-1, 1, 1, 1)

    def _measure_pose(self):
        self.turn_sine, self.turn_cosine = np.sin(np.radians(self.turn)), np.cos(np.radians(self.turn))
        self.tilt_sine, self.tilt_cosine = np.sin(np.radians(self.tilt)), np.cos(np.radians(self.tilt))
        self.shrink = 0.93 * np.exp(-self.zoom)  # converts lengths in the image to lengths of the head
        self.nod_sine = np.sin(np.radians(self.nod))

    def _measure_head(self):
        male, smiling = self.male, self.smiling
        self.width = 0.450 + 0.034 * self.face_width + 0.014 * male
        self.jaw = mix(-0.50, 0.30, male) + 0.17 * self.jaw_squareness
        self.chin = 0.755 + 0.04 * self.chin_length + 0.025 * male
        self.hairline = -0.405 - 0.03 * self.forehead_height
        self.eye_x = 0.203 + 0.017 * self.eye_distance
        self.eye_half_width = 0.088 + 0.007 * self.eye_size
        self.eye_opening = mix(0.063, 0.0195, self.narrow_eyes) * (1 + 0.1 * self.eye_size)
        self.brow_y = -0.133 + 0.015 * self.brow_height + 0.012 * male
        self.nose_tip = 0.235 + 0.028 * self.nose_length
        self.nose_scale = mix(0.84, 1.58, self.big_nose) * (1 + 0.05 * self.nose_width)
        self.mouth_y = 0.445 + 0.015 * self.mouth_height
        self.lip_scale = mix(0.58, 2.2, self.big_lips) * (1 + 0.05 * self.lip_fullness)
        self.smile_lift = mix(0.002 + 0.010 * self.smile, 0.082 + 0.014 * self.smile, smiling)
        self.mouth_half_width = 0.155 + 0.012 * self.mouth_width + 0.042 * smiling + 0.008 * self.big_lips
        opening = mix(0.080, 0.074, smiling) * (1 + 0.18 * self.mouth_opening)
        self.mouth_gap = self.mouth_slightly_open * opening
        self.aging = (1 - self.young) * (0.85 + 0.15 * self.age)
        self.has_hair = 1 - self.bald
        self.is_long = np.maximum(self.wavy_hair, self.straight_hair)

    def _choose_colours(self):
        tone = 0.5 + 0.5 * self.skin_tone
        self.skin = np.where(self.pale_skin > 0, palette(_PALE_SKIN, tone), palette(_SKIN, tone * tone))
        undertone = np.array([0.03, 0.0, -0.06], np.float32).reshape(1, 3, 1, 1)
        self.skin = self.skin * (1 + undertone * self.skin_undertone * (1 - 0.7 * self.pale_skin))
        shade = 0.5 + 0.5 * self.hair_shade
        self.hair = palette([(0.3, 0.2, 0.15), (0.2, 0.12, 0.09)], shade)
        for name, stops in _HAIR.items():
            self.hair = np.where(getattr(self, name.lower()) > 0, palette(stops, shade), self.hair)
        warmth = np.array([0.10, 0.0, -0.10], np.float32).reshape(1, 3, 1, 1)
        self.hair = self.hair * (1 + warmth * self.hair_warmth * (1 - 0.9 * self.gray_hair))
        # Brows and beards are darker than light hair, are half as grey as grey hair, and turn grey with age.
        self.brow_hair = self.hair * (0.75 - 0.51 * self.blond_hair - 0.40 * self.gray_hair)
        self.brow_hair = mix(self.brow_hair, 0.16, 0.40 * self.aging)


_LATER: Any = None  # fields that `view_of` fills in


@dataclasses.dataclass
class View:
    """Planes of a batch of images, float32[batch, 1, height, width].

    Attributes:
        pixel: width of a pixel.
        body_x, body_y: image coordinates, shifted and scaled with the face but not tilted:
            float32[batch, 1, 1, width] and float32[batch, 1, height, 1].
        x, y: the same, also tilted and shifted with the head: x = 0 is its axis.
        across, down, forward: the head's own coordinates of the surface point seen at the pixel.
        edge: signed distance to the head's outline.
        normal: three planes, the surface normal in the frame of `x` and `y`, z towards the viewer.
        top, left: the row and column of the image at which the planes begin.
    """

    pixel: float
    body_x: np.ndarray
    body_y: np.ndarray
    x: np.ndarray
    y: np.ndarray
    across: np.ndarray = _LATER
    down: np.ndarray = _LATER
    forward: np.ndarray = _LATER
    edge: np.ndarray = _LATER
    normal: tuple = _LATER
    top: int = 0
    left: int = 0

    def softness(self, least=0.012):
        """Width of a soft edge: 1.3 pixels, but at least `least`."""
        return max(1.3 * self.pixel, least)

    def box(self, top, bottom, left=-1.0, right=1.0):
        """The slices of this view's planes that show a box of the image, given in half images.

        The same for every face, so that a face's bytes do not depend on its batch.
        """
        rows, columns = (
            slice(
                max(int(np.floor((start + 1) / self.pixel)) - offset, 0),
                min(int(np.ceil((end + 1) / self.pixel)) - offset, length),
            )
            for start, end, offset, length in (
                (top, bottom, self.top, self.x.shape[2]),
                (left, right, self.left, self.x.shape[3]),
            )
        )
        return (slice(None), slice(None), rows, columns)

    def window(self, box):
        """The part of the view inside the slices of `box`."""
        planes = {name: np.ascontiguousarray(getattr(self, name)[box]) for name in _PLANES}
        normal = tuple(np.ascontiguousarray(plane[box]) for plane in self.normal)
        return View(
            pixel=self.pixel,
            body_x=self.body_x[:, :, :, box[3]],
            body_y=self.body_y[:, :, box[2]],
            **planes,
            normal=normal,
            top=self.top + box[2].start,
            left=self.left + box[3].start,
        )


_PLANES = ("x", "y", "across", "down", "forward", "edge")


def view_of(face, size):
    """The view of every face of a batch in a square image.

    Args:
        face: `Face`.
        size: pixels along each side.

    Returns:
        `View`.
    """
    centres = ((np.arange(size, dtype=np.float32) + 0.5) * (2 / size) - 1).astype(np.float32)
    body_x = (centres.reshape(1, 1, 1, size) - face.shift_x) * face.shrink
    body_y = (centres.reshape(1, 1, size, 1) - face.shift_y) * face.shrink

    pivot = 0.25
    x = body_x * face.tilt_cosine + (body_y - pivot) * face.tilt_sine
    y = (body_y - pivot) * face.tilt_cosine - body_x * face.tilt_sine + pivot
    # The eyes, not the head's axis, stay in the middle of the image.
    x = x + 0.72 * HEAD_DEPTH * face.turn_sine
    view = View(2 / size, body_x, body_y, x, y + 0.52 * face.nod_sine)
    _intersect_head(face, view)
    return view


def squared_width(face, y):
    """Squared half-width of the head's ellipse at height `y`, and its derivative with respect to `y`."""
    from_widest = y - WIDEST
    below = above(y, WIDEST)
    inverse = mix(1 / (WIDEST - SKULL_TOP), 1 / (face.chin - WIDEST), below)
    fullness = mix(0.5, face.jaw, below)
    relative = np.square(from_widest * inverse)
    # Beyond the end of the head the fullness stays constant, so that the squared width stays negative.
    bulge = 1 + fullness * np.minimum(relative, 1)
    squared = np.square(face.width)
    slope = squared * (fullness * (1 - relative) - bulge) * 2 * from_widest * np.square(inverse)
    return squared * (1 - relative) * bulge, slope


def _intersect_head(face, view):
    """Fills in the surface point, the normal and the distance to the outline at every pixel."""
    sine, cosine = face.turn_sine, face.turn_cosine
    ratio = np.square(face.width / HEAD_DEPTH)
    quadratic = np.square(sine) + ratio * np.square(cosine)
    half_linear = view.x * (sine * cosine * (ratio - 1))
    squared, slope = squared_width(face, view.y)
    level = np.square(view.x) * (ratio / quadratic) - squared
    outward = view.x * (2 * ratio / quadratic)
    view.edge = level / (np.sqrt(np.square(outward) + np.square(slope)) + 0.05)
    depth = (np.sqrt(np.maximum(-level * quadratic, 0)) - half_linear) / quadratic
    view.across = view.x * cosine - depth * sine
    view.forward = view.x * sine + depth * cosine
    view.down = view.y - view.forward * face.nod_sine
    normal_x = 2 * (view.across * cosine + view.forward * (ratio * sine))
    normal_z = 2 * (view.forward * (ratio * cosine) - view.across * sine)
    length = np.sqrt(np.square(normal_x) + np.square(slope) + np.square(normal_z)) + 1e-3
    view.normal = (normal_x / length, -slope / length, normal_z / length)
