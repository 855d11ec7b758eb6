"""Figures of the latent dimensions: the histogram of each, and the KL divergence and correlation of all."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.collections import LineCollection, PolyCollection
from matplotlib.figure import Figure

from facevae.figures.canvas import (
    CARD_FONT,
    CARD_WIDTH,
    DPI,
    SKY,
    VERMILLION,
    new_figure,
    with_card_letters,
    write,
    write_title,
)
from facevae.figures.text import FAINT, MARGIN, TEXT, line_height, wrapped
from facevae.latents import active_units, dimensions_by_kl, kl_per_dimension, normality

COLUMNS, CARD_COLUMNS = 6, 5  # panels in a row, of a file and of a card
BINS = 48
HIGHEST = 0.6  # density at the top of a panel; N(0, 1) reaches 0.4
HEAD = 84  # pixels for title and legend
LEAST_WIDTH = 760  # pixels for title, legend and note around few panels


def dimension_histograms(
    samples: np.ndarray,
    mean: np.ndarray,
    log_variance: np.ndarray,
    title: str = "",
    count: int = 30,
) -> Figure:
    """Histograms of the first latent dimensions with the density of N(0, 1), in panels of the same scale.

    With a title there are also a legend, mean, standard deviation and KL of each dimension, and the result of a test
    of normality. Without one the picture is as wide as a card of TensorBoard, which has title and legend beside it.

    Args:
        samples: `float32[faces, latent_dim]`, one sample of each face's posterior.
        mean: `float32[faces, latent_dim]`, of the posteriors.
        log_variance: `float32[faces, latent_dim]`, of the posteriors.
        title: above the panels.
        count: number of dimensions to show.

    Returns:
        The figure; see `facevae.figures.to_pixels`.
    """
    shown = np.asarray(samples[:, :count])
    columns = min(COLUMNS if title else CARD_COLUMNS, shown.shape[1])
    across, letters, top = (254, 13, HEAD) if title else ((CARD_WIDTH - MARGIN) // columns, 12, 0)
    panel = round(across / 1.08)
    tall = min(round(0.55 * panel), 129)
    down = tall + 2 * letters
    corners = [
        (
            MARGIN // (1 if title else 2) + index % columns * across,
            top + index // columns * down + round(1.6 * letters),
        )
        for index in range(shown.shape[1])
    ]
    width, bottom = MARGIN + columns * across, corners[-1][1] + tall + 2 * letters
    notes: list[str] = []
    if not title:
        width = CARD_WIDTH
    else:
        width = max(width, LEAST_WIDTH)
        notes = wrapped(str(normality(samples)), width - 2 * MARGIN)
    figure = new_figure(width, bottom + len(notes) * line_height() + (MARGIN if title else 0))
    _draw_panels(figure, shown, corners, panel, tall, 72 / DPI * letters, columns)
    if title:
        write_title(figure, title)
        _write_legend(figure, len(samples))
        kl = kl_per_dimension(mean, log_variance)
        for values, nats, (x, y) in zip(shown.T, kl, corners, strict=False):
            numbers = f"mean {values.mean():+.2f}  sd {values.std():.2f}  KL {nats:.2f}"
            write(figure, x + panel, y - 5, numbers, size=9, va="baseline", ha="right")
        write(figure, MARGIN, bottom + 4, "\n".join(notes), color=FAINT)
    return figure


def _draw_panels(
    figure: Figure,
    samples: np.ndarray,
    corners: Sequence[tuple[int, int]],
    panel: int,
    tall: int,
    size: float,
    columns: int,
) -> None:
    """Draws a panel for each column of `samples`, with the dimension's number above it in letters of `size` points."""
    # Wide enough for N(0, 1), and for 99 % of the faces in each dimension.
    reach = float(np.clip(np.quantile(np.abs(samples), 0.99, axis=0).max(), 4.0, 30.0))
    ticks = 3 * int(reach / 4.0) * np.array([-1, 0, 1])
    edges, line = np.linspace(-reach, reach, BINS + 1), np.linspace(-reach, reach, 121)
    scale = np.array([0.5 * panel / reach, -tall / HIGHEST])  # y counts downwards
    normal = np.stack([line, np.exp(-0.5 * line**2) / np.sqrt(2.0 * np.pi)], axis=1) * scale
    bold: dict[str, Any] = {"size": size, "weight": "bold"}
    histograms, normals, frames = [], [], []
    for dimension, (left, y) in enumerate(corners):
        zero = np.array([left + 0.5 * panel, y + tall])
        density = np.histogram(samples[:, dimension], edges)[0] / (len(samples) * (edges[1] - edges[0]))
        outline = np.concatenate([[0.0], np.repeat(np.minimum(density, HIGHEST), 2), [0.0]])
        histograms.append(zero + np.stack([np.repeat(edges, 2), outline], axis=1) * scale)
        normals.append(zero + normal)
        frames.append([(left, zero[1]), (left + panel, zero[1])])
        frames += [[(zero[0] + tick * scale[0], zero[1] + down) for down in (0, 4)] for tick in ticks]
        write(figure, left, y - 5, f"z{dimension}", va="baseline", **bold)
        if dimension + columns >= len(corners):  # the lowest panel of its column
            for tick in ticks:
                x = zero[0] + tick * scale[0]
                write(figure, x, zero[1] + 6, f"{tick:g}".replace("-", "−"), color=FAINT, ha="center", **bold)
    # One Axes for all panels, in pixels from the top left: thirty of them would take half a second to draw.
    width, height = figure.get_size_inches() * DPI
    axes = figure.add_axes((0.0, 0.0, 1.0, 1.0), xlim=(0, width), ylim=(height, 0))
    axes.set_axis_off()
    axes.add_collection(PolyCollection(histograms, facecolor=SKY, edgecolor="none"))
    axes.add_collection(LineCollection(frames, colors=TEXT, linewidths=0.8))
    axes.add_collection(LineCollection(normals, colors=VERMILLION, linewidths=1.5))


def _write_legend(figure: Figure, faces: int) -> None:
    for x, color, label in ((MARGIN, SKY, "encoded faces"), (MARGIN + 146, VERMILLION, "N(0, 1)")):
        write(figure, x, 48, "■", color=color)
        write(figure, x + 18, 48, label)
    write(figure, MARGIN + 251, 48, f"samples of the posterior of {faces:,} faces; KL in nats")


def dimensions_figure(mean: np.ndarray, log_variance: np.ndarray) -> Figure:
    """The KL divergence of the latent dimensions, sorted, above the correlation of the posterior means, in that order.

    As wide as a card of TensorBoard.

    Args:
        mean: `float32[faces, latent_dim]`, of the posteriors.
        log_variance: `float32[faces, latent_dim]`, of the posteriors.

    Returns:
        The figure; see `facevae.figures.to_pixels`.
    """
    order = dimensions_by_kl(mean, log_variance)
    kl = kl_per_dimension(mean, log_variance)[order]
    centred = mean[:, order].astype(np.float64) - mean[:, order].mean(axis=0)
    lengths = np.linalg.norm(centred, axis=0)
    # The correlations of a constant dimension are shown as 0.
    unit = np.divide(centred, lengths, out=np.zeros_like(centred), where=lengths > 1e-12)

    figure = new_figure(CARD_WIDTH, 590)
    # Axes have fixed positions, as a layout engine would draw everything twice.
    upper, lower = figure.add_axes((0.15, 0.67, 0.79, 0.28)), figure.add_axes((0.15, 0.075, 0.68, 0.405))
    upper.stairs(kl, np.arange(len(kl) + 1), fill=True, color=SKY)
    upper.set(
        xlim=(0, len(kl)),
        ylim=(0.0, None),
        xlabel="latent dimension, sorted",
        ylabel="KL, nats",
    )
    title = f"{kl.sum():.1f} nats in {active_units(mean)} active of {len(kl)} dimensions"
    write(figure, MARGIN // 2, MARGIN // 2, title, size=CARD_FONT, weight="bold")
    upper.spines[["top", "right"]].set_visible(False)
    extent = (0, len(kl), len(kl), 0)
    picture = lower.imshow(
        unit.T @ unit, cmap="RdBu_r", vmin=-1.0, vmax=1.0, extent=extent, interpolation="nearest"
    )
    lower.set(xlabel="latent dimension, in the same order")
    write(figure, MARGIN // 2, 287, "correlation of the posterior means", size=CARD_FONT, weight="bold")
    bar = figure.colorbar(picture, cax=figure.add_axes((0.86, 0.10, 0.03, 0.35)), ticks=(-1.0, 0.0, 1.0))
    for axes in (upper, lower, bar.ax):
        with_card_letters(axes)
    return figure
