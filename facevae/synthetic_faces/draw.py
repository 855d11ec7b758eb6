"""Small drawing operations on planes float32[batch, 1, height, width] and canvases float32[batch, 3, height, width].

Lengths are in half images: the image spans [-1, 1] in x and y, with y downwards. Colours are linear light, approximated
as the square of the sRGB value.
"""

import numpy as np


def smooth(value):
    """Smoothstep of a value clipped to [0, 1]."""
    value = np.clip(value, 0, 1)
    return value * value * (3 - 2 * value)


def coverage(distance, softness):
    """Mask of a shape from its signed distance: 1 inside, 0 outside, a smooth step `softness` wide at the edge."""
    return smooth(0.5 - distance / softness)


def bell(x, y, width, height):
    """exp(-(x / width)² - (y / height)²): a soft spot."""
    return np.exp(-np.square(x / width) - np.square(y / height))


def ridge(x, width):
    """exp(-(x / width)²): a soft line."""
    return np.exp(-np.square(x / width))


def mix(first, second, weight):
    """Linear interpolation: `first` where the weight is 0, `second` where it is 1."""
    return first + weight * (second - first)


def above(value, limit):
    """1.0 where the value exceeds the limit, else 0.0; float32, because a bool times a Python float is float64."""
    return np.asarray(value > limit, np.float32)


def blend(canvas, mask, colour):
    """Blends a colour into a canvas where the mask is positive, in place."""
    canvas += mask * (colour - canvas)


def rounded_box(x, y, half_width, half_height, radius):
    """Signed distance to a box with rounded corners."""
    across = np.abs(x) - (half_width - radius)
    down = np.abs(y) - (half_height - radius)
    outside = np.sqrt(np.square(np.maximum(across, 0)) + np.square(np.maximum(down, 0)))
    return outside + np.minimum(np.maximum(across, down), 0) - radius


def palette(stops, position):
    """Colours interpolated between stops.

    Args:
        stops: sRGB colours in [0, 1], float[stops, 3], evenly spaced over [0, 1].
        position: float32[batch, 1, 1, 1] in [0, 1].

    Returns:
        float32[batch, 3, 1, 1], linear light.
    """
    stops = np.asarray(stops, np.float32)
    position = np.clip(position.reshape(-1), 0, 1)
    places = np.linspace(0, 1, len(stops))
    channels = [np.interp(position, places, stops[:, channel]) for channel in range(3)]
    return np.square(np.stack(channels, axis=1).astype(np.float32))[:, :, None, None]


def hue(angle, saturation, brightness):
    """float32[batch, 3, 1, 1], linear light: a colour from its angle in turns, saturation and brightness in [0, 1]."""
    offsets = np.array([0, 2 / 3, 1 / 3], np.float32).reshape(1, 3, 1, 1)
    wave = 0.5 + 0.5 * np.cos(2 * np.pi * (angle + offsets))
    return np.square(brightness * (1 - saturation * (1 - wave))).astype(np.float32)
