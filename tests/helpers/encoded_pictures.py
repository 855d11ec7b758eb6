"""Pictures encoded in memory."""

import io

import numpy as np
from PIL import Image

STORED_AS = {  # by the value of the orientation tag: the inverse of what a viewer does
    1: None,
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_90,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_270,
}


def smooth_picture(height=48, width=40, seed=0):
    """uint8[height, width, 3] without symmetry, so that a wrong turn or mirror shows."""
    rows, columns = np.mgrid[:height, :width]
    phases = np.random.default_rng(seed).uniform(0, 3, 3)
    channels = [127 + 60 * np.sin(rows / 9 + p) + 50 * np.cos(columns / 7 + 2 * p) for p in phases]
    return np.stack(channels, -1).astype(np.uint8)


def encoded(image, kind="PNG", **options):
    """The content of a picture file."""
    if isinstance(image, np.ndarray):
        image = Image.fromarray(image)
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()
