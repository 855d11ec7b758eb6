"""Text in pictures: its font, sizes and colours, and how it is measured and wrapped."""

import functools
import pathlib
from collections.abc import Sequence

from PIL import ImageFont

BODY, TITLE = 15, 19  # font sizes in pixels
MARGIN = 16  # pixels between a picture's edge and its content
TEXT, FAINT = "#222222", "#666666"  # colours


@functools.cache
def font(size: int = BODY, bold: bool = False) -> ImageFont.FreeTypeFont:
    """DejaVu Sans, the default font of matplotlib, from matplotlib's package."""
    import matplotlib

    name = "DejaVuSans-Bold.ttf" if bold else "DejaVuSans.ttf"
    return ImageFont.truetype(str(pathlib.Path(matplotlib.get_data_path(), "fonts", "ttf", name)), size)


def line_height(size: int = BODY) -> int:
    """Pixels from one line to the next."""
    return round(1.4 * size)


def widest(texts: Sequence[str], size: int = BODY, bold: bool = False) -> int:
    """Width of the longest line of all texts, in pixels."""
    lines = [line for text in texts for line in text.split("\n")]
    return max((round(font(size, bold).getlength(line) + 0.5) for line in lines), default=0)


def wrapped(text: str, width: float, size: int = BODY) -> list[str]:
    """The text in lines of at most `width` pixels."""
    lines, line = [], ""
    for word in text.split():
        longer = f"{line} {word}".strip()
        if line and font(size).getlength(longer) > width:
            lines.append(line)
            line = word
        else:
            line = longer
    return [*lines, line] if line else lines


def signed(number: float) -> str:
    """A number with its sign, to three significant digits: `+0.5`, `−2`, `0`."""
    return "0" if abs(number) < 1e-9 else f"{number:+.3g}".replace("-", "−")
