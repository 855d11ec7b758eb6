"""The figure of rate and distortion over the epochs of a training."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator

from facevae.figures.canvas import (
    CARD_FONT,
    CARD_WIDTH,
    SKY,
    VERMILLION,
    new_figure,
    with_card_letters,
)
from facevae.figures.text import FAINT, TEXT

LINES = 5  # of equal loss, about


def rate_distortion_figure(points: dict[str, list[list[float]]]) -> Figure:
    """Distortion against rate over the epochs, with lines of equal sums. As wide as a card of TensorBoard.

    Args:
        points: (epoch, rate, distortion) of each epoch, by the name of the curve; rate and distortion in nats per
            image.

    Returns:
        The figure; see `facevae.figures.to_pixels`.
    """
    figure = new_figure(CARD_WIDTH, 360)
    axes = figure.add_axes((0.25, 0.125, 0.69, 0.72))
    for (name, curve), color in zip(points.items(), (SKY, VERMILLION), strict=False):
        _, rate, distortion = np.array(curve).T
        axes.plot(rate, distortion, "-", color=color, linewidth=1.5, marker="o", markersize=3, label=name)
        axes.plot(rate[-1], distortion[-1], "o", color=color, markersize=8)
    # The limits are those of the later epochs, as the first ones lie far away.
    late = np.concatenate(
        [np.array(curve)[len(curve) // 10 + (len(curve) > 3) :] for curve in points.values()]
    )
    view = _view(late[:, 1]), _view(late[:, 2])
    axes.set(xlim=view[0], ylim=view[1])
    _draw_lines(axes, *view)
    axes.set(xlabel="rate: KL, nats per image", ylabel="distortion: reconstruction loss, nats")
    for axis, limits in zip((axes.xaxis, axes.yaxis), view, strict=True):
        axis.set_major_locator(MaxNLocator(4))
        axis.set_major_formatter(FuncFormatter(_format(limits)))
    axes.spines[["top", "right"]].set_visible(False)
    with_card_letters(axes)
    name, curve = [*points.items()][-1]
    epoch, rate, distortion = curve[-1]
    title = f"{name}, epoch {int(epoch):,}: loss {_format(view[1])(distortion + rate)}"
    figure.text(0.03, 0.985, title, size=CARD_FONT, weight="bold", color=TEXT, va="top")
    axes.legend(
        loc="lower left",
        bbox_to_anchor=(-0.33, 1.005),
        ncols=3,
        frameon=False,
        fontsize=CARD_FONT,
        handlelength=1.2,
        columnspacing=0.9,
        handletextpad=0.4,
    )
    return figure


def _draw_lines(axes: Any, rates: tuple[float, float], distortions: tuple[float, float]) -> None:
    """Lines of equal loss, each with its loss where it leaves the view."""
    (left, right), (bottom, top) = rates, distortions
    totals = np.asarray(MaxNLocator(LINES + 1).tick_values(bottom + left, top + right))
    totals = totals[(totals > bottom + left) & (totals < top + right)]
    shown = _format((bottom + left, top + right))
    for total in totals:
        ends = np.array([left, right]), np.array([total - left, total - right])
        label = "same loss" if total == totals[0] else None
        axes.plot(*ends, "--", color="#aaaaaa", linewidth=0.8, zorder=0, label=label)
        # At the right edge, or where it leaves the view at the bottom.
        x = min(right, total - bottom)
        low = x < right
        axes.annotate(
            shown(total),
            (x, total - x),
            xytext=(0, 3) if low else (0, 0),
            textcoords="offset points",
            ha="center" if low else "right",
            va="bottom" if low else "center",
            size=CARD_FONT - 1,
            color=FAINT,
            bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.5},
            zorder=1,  # below the curves
        )


def _format(limits: tuple[float, float]) -> Callable[..., str]:
    """Writes numbers between two others with as many decimals as tell about five of them apart."""
    decimals = max(0, math.ceil(-math.log10((limits[1] - limits[0]) / 5.0)))
    return lambda value, _=None: f"{value:,.{decimals}f}".replace("-", "−")


def _view(values: np.ndarray) -> tuple[float, float]:
    margin = 0.08 * np.ptp(values) or 1.0
    return float(values.min() - margin), float(values.max() + margin)
