"""Photographs with faces whose place is known: aligned ones, turned, scaled, lit and pasted at random into textures."""

import dataclasses
import math
from collections.abc import Sequence

import numpy as np
from PIL import Image

FEATHER = 0.06  # of the pasted picture's width, over which it fades into the background
STEEPEST = 25.0  # degrees that a face is turned, at most


@dataclasses.dataclass(frozen=True)
class Composite:
    """A photograph made of one aligned face and a background.

    Attributes:
        pixels: uint8[height, width, 3].
        lit: uint8[height, width, 3], the aligned face in the same light.
        turn, origin: the point p of the aligned face lies at turn · p + origin in the photograph (complex numbers).
    """

    pixels: np.ndarray
    lit: np.ndarray
    turn: complex
    origin: complex


def composite(
    face: np.ndarray,
    random: np.random.Generator,
    scale: float,
    size: tuple[int, int] = (1200, 900),
    steepest: float = STEEPEST,
    background: np.ndarray | None = None,
) -> Composite:
    """Pastes an aligned face into a background.

    Args:
        face: uint8[height, width, 3].
        random: of the place, the turn, the light and the background.
        scale: pixels of the photograph for a pixel of the face.
        size: width and height of the photograph, in which the turned face fits.
        steepest: most degrees that the face is turned.
        background: uint8[height, width, 3]; None for a texture at random.
    """
    if background is None:
        background = texture(random, size)
    lit = lit_at_random(face, random)
    turn = scale * np.exp(1j * np.radians(random.uniform(-steepest, steepest)))
    middle = complex(face.shape[1], face.shape[0]) / 2
    corners = turn * (np.array([0, 2 * middle.real, 2j * middle.imag, 2 * middle]) - middle)
    reach = complex(np.abs(corners.real).max(), np.abs(corners.imag).max())
    left, top = (min(reach_, side / 2) for reach_, side in zip((reach.real, reach.imag), size, strict=True))
    centre = complex(random.uniform(left, size[0] - left), random.uniform(top, size[1] - top))
    origin = complex(centre - turn * middle)
    return Composite(paste(background, lit, complex(turn), origin), lit, complex(turn), origin)


def paste(background: np.ndarray, face: np.ndarray, turn: complex, origin: complex) -> np.ndarray:
    """The background with a face in it: the point p of the face lies at turn · p + origin, its edges fade."""
    height, width = face.shape[:2]
    step = 1 / turn
    start = -origin * step
    matrix = (step.real, -step.imag, start.real, step.imag, step.real, start.imag)
    source = Image.fromarray(face)
    shrink = int(abs(step))
    if shrink > 1:  # averaged before it is sampled
        source = source.reduce(shrink)
        matrix = tuple(value / shrink for value in matrix)
    across = np.minimum(np.arange(width) + 0.5, width - np.arange(width) - 0.5)
    down = np.minimum(np.arange(height) + 0.5, height - np.arange(height) - 0.5)
    opacity = np.clip(np.minimum(across[None], down[:, None]) / (FEATHER * width), 0.0, 1.0)
    mask = Image.fromarray(np.round(255 * opacity).astype(np.uint8)).resize(source.size)
    size = background.shape[1::-1]
    moved = source.transform(size, Image.Transform.AFFINE, matrix, Image.Resampling.BICUBIC)
    moved_mask = mask.transform(size, Image.Transform.AFFINE, matrix, Image.Resampling.BILINEAR)
    result = Image.fromarray(background.copy())
    result.paste(moved, (0, 0), moved_mask)
    return np.asarray(result)


def lit_at_random(face: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """The face in another light: brightness, colour, contrast, and more light from one side."""
    height, width = face.shape[:2]
    direction = np.exp(2j * np.pi * random.random())
    x, y = np.linspace(-1, 1, width)[None, :, None], np.linspace(-1, 1, height)[:, None, None]
    slope = 1.0 + random.uniform(0.0, 0.25) * (direction.real * x + direction.imag * y)
    colour = random.uniform(0.75, 1.15) * random.uniform(0.93, 1.07, 3)
    bright = (face / 255.0) ** random.uniform(0.8, 1.25) * slope * colour
    return np.round(255 * np.clip(bright, 0.0, 1.0)).astype(np.uint8)


def texture(random: np.random.Generator, size: tuple[int, int]) -> np.ndarray:
    """uint8[height, width, 3]: noise of several sizes, or stripes, in a colour at random."""
    width, height = size
    if random.random() < 0.3:
        wave = np.exp(1j * random.uniform(0, math.pi)) * random.uniform(0.02, 0.4)
        x, y = np.arange(width)[None], np.arange(height)[:, None]
        grey = 0.5 + 0.4 * np.sign(np.sin(wave.real * x + wave.imag * y + random.uniform(0, 6)))
        planes = np.repeat(grey[..., None], 3, axis=2)
    else:
        planes = np.zeros((height, width, 3))
        for cells in (3, 9, 27, 81):
            noise = random.integers(0, 256, (cells, cells, 3), dtype=np.uint8)
            planes += np.asarray(Image.fromarray(noise).resize(size, Image.Resampling.BICUBIC)) / 255.0 / 4.0
    colours = random.uniform(0.1, 1.0, (2, 3))
    return np.round(255 * np.clip(colours[0] * planes + colours[1] * (1 - planes), 0, 1)).astype(np.uint8)


def several(
    faces: Sequence[np.ndarray], random: np.random.Generator, scale: float, size: tuple[int, int]
) -> np.ndarray:
    """A row of faces in one photograph, uint8[height, width, 3], from left to right."""
    pixels = texture(random, size)
    for number, face in enumerate(faces):
        centre = complex((number + 0.5) * size[0] / len(faces), size[1] / 2)
        middle = complex(face.shape[1], face.shape[0]) / 2
        pixels = paste(pixels, face, complex(scale), centre - scale * middle)
    return pixels
