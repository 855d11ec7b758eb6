"""Synthetic faces in photographs whose eyes and boxes are known."""

import dataclasses

import numpy as np
from PIL import Image

from facevae.data import alignment
from facevae.synthetic_faces import FACTOR_NAMES, sample_faces

POSE = [FACTOR_NAMES.index(name) for name in ("turn", "tilt", "nod", "shift_x", "shift_y", "zoom")]


def straight_faces(count, seed=0):
    """Synthetic faces that look straight ahead, with their eyes where the renderer's measures say."""
    faces = sample_faces(count, seed=seed)
    factors = faces.factors.copy()
    factors[:, [*POSE, FACTOR_NAMES.index("eye_distance")]] = 0.0
    return dataclasses.replace(faces, factors=factors)


def photograph(face, left, top, side, size=(240, 200), degrees=0.0):
    """A picture with the face pasted into it, smaller and elsewhere, and where its eyes and its box are."""
    picture = Image.new("RGB", size, (90, 110, 130))
    picture.paste(Image.fromarray(face).resize((side, side), Image.Resampling.LANCZOS), (left, top))
    eyes = [(left + x * side, top + y * side) for x, y in alignment.SYNTHETIC.eyes]
    box_left, box_top, width, height = (value * side for value in alignment.SYNTHETIC.box)
    return np.asarray(picture), eyes, (left + box_left, top + box_top, width, height)
