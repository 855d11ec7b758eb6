"""Square pictures that are cut out of a photograph: scaled, turned, and black beyond its borders.

Points are complex numbers, x + iy, so that a multiplication turns and scales.
"""

import dataclasses

import numpy as np
from PIL import Image


@dataclasses.dataclass(frozen=True)
class View:
    """A square cut out of a photograph.

    Attributes:
        turn: the direction and length in the photograph of a step of one pixel to the right in the view.
        origin: the point of the photograph at the top left corner of the view.
        side: pixels.
    """

    turn: complex
    origin: complex
    side: int

    @classmethod
    def whole(cls, width: int, height: int, side: int) -> "View":
        """The whole photograph, in the middle of the view."""
        scale = max(width, height) / side
        return cls(complex(scale), complex(width, height) / 2 - scale * complex(side, side) / 2, side)

    @classmethod
    def overlapping(cls, width: int, height: int, share: float, side: int) -> list["View"]:
        """Squares with a share of the longer side that cover the photograph: two along each side that is longer."""
        across = share * max(width, height)
        along_x, along_y = (
            [length / 2] if length <= across else [across / 2, length - across / 2]
            for length in (width, height)
        )
        return [cls.around(complex(x, y), complex(across), side) for y in along_y for x in along_x]

    @classmethod
    def around(cls, centre: complex, across: complex, side: int) -> "View":
        """The square around a point; `across` goes from its left side to its right one."""
        turn = across / side
        return cls(turn, centre - turn * complex(side, side) / 2, side)

    def to_photograph(self, points: np.ndarray) -> np.ndarray:
        """Points of the view, complex, in the photograph."""
        return self.turn * points + self.origin

    def cut(self, photograph: Image.Image) -> np.ndarray:
        """The pixels of the view, uint8[side, side, 3]."""
        corners = self.to_photograph(np.array([0, self.side, 1j * self.side, (1 + 1j) * self.side]))
        reduction = max(1, int(abs(self.turn)))  # averages whole pixels; what is left is below a factor of 2
        left, top = (max(0, int(np.floor(axis.min())) - 1) for axis in (corners.real, corners.imag))
        right = min(photograph.width, int(np.ceil(corners.real.max())) + 1 + reduction)
        bottom = min(photograph.height, int(np.ceil(corners.imag.max())) + 1 + reduction)
        if left >= right or top >= bottom:
            return np.zeros((self.side, self.side, 3), np.uint8)
        if reduction > 1:
            part = photograph.reduce(reduction, (left, top, right, bottom))
        else:
            part = photograph.crop((left, top, right, bottom))
        turn = self.turn / reduction
        origin = (self.origin - complex(left, top)) / reduction
        matrix = (turn.real, -turn.imag, origin.real, turn.imag, turn.real, origin.imag)
        return np.asarray(
            part.transform((self.side, self.side), Image.Transform.AFFINE, matrix, Image.Resampling.BILINEAR)
        )
