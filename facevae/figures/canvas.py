"""Drawing with matplotlib without its global state: safe in any thread, and without effect on a user's own plots."""

import pathlib
from typing import Any

import matplotlib
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from facevae.command_line import environment
from facevae.figures.text import MARGIN, TEXT

if environment.is_settled():
    # As all commands draw, wherever they run: matplotlib also reads a matplotlibrc in the working folder.
    matplotlib.rcdefaults()

DPI = 100
# From the palette of Okabe and Ito, whose colours people with colour blindness can distinguish.
BLUE, SKY, ORANGE, VERMILLION = "#0072B2", "#56B4E9", "#E69F00", "#D55E00"
FONT, TITLE = 11, 14  # points
# TensorBoard shows a picture 350 pixels wide: drawn in that width, its letters stay whole.
CARD_WIDTH, CARD_FONT = 350, 9  # pixels, and points: 12.5 pixels


def new_figure(width: float, height: float) -> Figure:
    """A white figure of `width` by `height` pixels."""
    return Figure(figsize=(width / DPI, height / DPI), dpi=DPI, facecolor="white")


def to_pixels(figure: Figure) -> np.ndarray:
    """The drawn figure, `uint8[height, width, 3]`."""
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    return np.asarray(canvas.buffer_rgba())[..., :3].copy()


def of_pixels(picture: np.ndarray) -> Figure:
    """A figure of nothing but a picture `uint8[height, width, 3]`, whose pixels no format smooths."""
    height, width, _ = picture.shape
    figure = new_figure(width, height)
    axes = figure.add_axes((0.0, 0.0, 1.0, 1.0))
    axes.set_axis_off()
    axes.imshow(picture, interpolation="none", aspect="auto")
    return figure


def save(figure: Figure, path: pathlib.Path, form: str) -> None:
    """Writes a figure as `svg` or `pdf`, the same file for the same figure but for names inside.

    Lines and letters stay lines and letters. What a figure marks as `rasterized` has twice a screen's pixels.
    """
    date = {"svg": "Date", "pdf": "CreationDate"}[form]
    figure.savefig(path, format=form, dpi=2 * DPI, metadata={date: None})


def with_card_letters(axes: Any) -> None:
    """Sets titles, labels and ticks of an Axes in the letters of a card."""
    axes.tick_params(labelsize=CARD_FONT)
    for text in (axes.title, axes.xaxis.label, axes.yaxis.label):
        text.set_fontsize(CARD_FONT)


def write(
    figure: Figure, x: float, y: float, text: str, size: float = FONT, color: str = TEXT, **alignment: Any
) -> None:
    """Writes text with its top left corner at a pixel from the top left; `alignment` may choose another corner."""
    width, height = figure.get_size_inches() * DPI
    alignment = {"ha": "left", "va": "top", "linespacing": 1.25, **alignment}
    figure.text(x / width, 1 - y / height, text, size=size, color=color, **alignment)


def write_title(figure: Figure, title: str) -> None:
    """Writes a figure's title, at the same position in every figure."""
    write(figure, MARGIN, MARGIN - 4, title, size=TITLE, weight="bold")
