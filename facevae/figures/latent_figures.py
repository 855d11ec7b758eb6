"""Figures of the latent distribution: a two-dimensional map of it, and each dimension beside N(0, 1)."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.colors import to_rgb

from facevae.figures.canvas import (
    BLUE,
    ORANGE,
    SKY,
    VERMILLION,
    new_figure,
    to_pixels,
    write,
    write_title,
)
from facevae.figures.grids import enlarge
from facevae.figures.labelled import labelled_grid
from facevae.figures.text import FAINT, TEXT, wrapped
from facevae.latents import kl_per_dimension, normality

MOST_FOR_DENSITY = 5000  # faces that the density is estimated from; more change nothing that one sees


def map_density(positions: np.ndarray, resolution: int = 80) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The density of points in the plane: a Gaussian kernel estimate with Scott's bandwidth (scipy).

    Args:
        positions: `float32[faces, 2]`.
        resolution: points of the grid along each axis.

    Returns:
        x `float64[resolution]`, y `float64[resolution]` and the density `float64[resolution, resolution]` at
        `[y, x]`, which integrates to one over the grid.
    """
    from scipy.stats import gaussian_kde

    positions = np.asarray(positions, np.float64)
    if len(positions) > MOST_FOR_DENSITY:
        positions = np.random.default_rng(0).permutation(positions)[:MOST_FOR_DENSITY]
    estimate = gaussian_kde(positions.T)
    margin = 4.0 * np.sqrt(np.diag(estimate.covariance))
    low, high = positions.min(axis=0) - margin, positions.max(axis=0) + margin
    x, y = (np.linspace(low[axis], high[axis], resolution) for axis in (0, 1))
    density = estimate(np.stack([axis.ravel() for axis in np.meshgrid(x, y)])).reshape(resolution, resolution)
    return x, y, density / np.trapezoid(np.trapezoid(density, x, axis=1), y)


def map_with_density(positions: np.ndarray, title: str) -> np.ndarray:
    """The map's density as a surface on the left, its faces as points on the right.

    Args:
        positions: `float32[faces, 2]`.
        title: above both.

    Returns:
        `uint8[height, width, 3]`.
    """
    figure = new_figure(1500, 760)
    write_title(figure, title)
    x, y, density = map_density(positions)
    surface: Any = figure.add_axes((0.0, 0.02, 0.53, 0.90), projection="3d", computed_zorder=False)
    exponent = int(np.floor(np.log10(density.max())))
    surface.plot_surface(
        *np.meshgrid(x, y), density / 10.0**exponent, cmap="viridis", rcount=80, ccount=80, linewidth=0.1
    )
    surface.view_init(elev=42, azim=-60)
    surface.set_box_aspect((1, 1, 0.55), zoom=1.02)
    surface.set(xlabel="t-SNE 1", ylabel="t-SNE 2")
    surface.set_zlabel(f"density / $10^{{{exponent}}}$")
    surface.tick_params(colors=FAINT, labelsize=9)
    scatter = figure.add_axes((0.585, 0.10, 0.39, 0.77))
    scatter.scatter(
        positions[:, 0], positions[:, 1], s=_point_size(len(positions)), c=BLUE, alpha=0.5, linewidths=0
    )
    _finish_map(scatter)
    scatter.set(xlabel="t-SNE 1", ylabel="t-SNE 2")
    return to_pixels(figure)


def map_by_attributes(
    positions: np.ndarray, attributes: np.ndarray, names: Sequence[str], agreement: np.ndarray, title: str
) -> np.ndarray:
    """The map coloured by attributes, a panel for each.

    Args:
        positions: `float32[faces, 2]`.
        attributes: `[faces, panels]` of 0 and 1.
        names: of the attributes, one for each panel.
        agreement: `float32[panels]`, `facevae.latents.map_agreement` of each.
        title: above all.

    Returns:
        `uint8[height, width, 3]`.
    """
    columns = min(3, len(names))
    rows = -(-len(names) // columns)
    side = 480 if columns > 1 else 760
    spread = np.ptp(positions, axis=0)
    tall = int(side * np.clip(spread[1] / max(spread[0], 1e-12), 0.6, 1.4))
    row_height = tall + 80
    width, height = columns * side + 40, 60 + rows * row_height + 40
    figure = new_figure(width, height)
    write_title(figure, title)
    order = np.random.default_rng(0).permutation(len(positions))  # none of the two covers the other
    for panel, name in enumerate(names):
        row, column = divmod(panel, columns)
        left, top = 20 + column * side + 14, 60 + row * row_height + 36
        axes = figure.add_axes((left / width, 1 - (top + tall) / height, (side - 28) / width, tall / height))
        has = attributes[:, panel].astype(bool)
        colours = np.where(has[:, None], to_rgb(ORANGE), to_rgb(BLUE))
        axes.scatter(
            positions[order, 0],
            positions[order, 1],
            s=_point_size(len(positions)),
            c=colours[order],
            alpha=0.6,
            linewidths=0,
        )
        for label, colour, count in (("with", ORANGE, has.sum()), ("without", BLUE, (~has).sum())):
            axes.scatter([], [], s=45, c=colour, label=f"{label} ({count:,})")
        axes.legend(loc="upper center", bbox_to_anchor=(0.5, 0.0), ncols=2, frameon=False, handletextpad=0.1)
        axes.set_title(f"{name.replace('_', ' ')}   (agreement {agreement[panel]:.2f})", size=12, color=TEXT)
        _finish_map(axes, ticks=False)
    note = (
        "Agreement: correlation of an attribute with its share among a face's 20 nearest in the map; 0 to 1."
    )
    write(figure, 24, height - 26, note, color=FAINT)
    return to_pixels(figure)


def places_in_map(positions: np.ndarray, cells: int = 36) -> np.ndarray:
    """Which face stands where in a picture of the map: in each square the one nearest to its middle.

    Args:
        positions: `float32[faces, 2]`.
        cells: squares along each side.

    Returns:
        `int64[cells, cells]` from the top left, −1 where no face is.
    """
    low, high = positions.min(axis=0), positions.max(axis=0)
    scaled = (positions - low) / np.maximum(high - low, 1e-12) * (cells - 1e-3)
    scaled[:, 1] = cells - 1e-3 - scaled[:, 1]  # rows of a picture count downwards
    column, row = np.clip(scaled.astype(int), 0, cells - 1).T
    farthest_first = np.argsort(-np.hypot(*(scaled % 1 - 0.5).T))  # the nearest is written last and stays
    places = np.full((cells, cells), -1)
    places[row[farthest_first], column[farthest_first]] = farthest_first
    return places


def map_with_faces(places: np.ndarray, faces: np.ndarray, title: str, side: int = 44) -> np.ndarray:
    """The map drawn with the faces themselves.

    Args:
        places: `int64[cells, cells]`, see `places_in_map`.
        faces: `[shown, size, size, 3]`, the faces of `places[places >= 0]`, in this order.
        title: above the map.
        side: pixels of a face.

    Returns:
        `uint8[height, width, 3]`.
    """
    cells = np.full((places.size, side, side, 3), 255, np.uint8)
    cells[places.ravel() >= 0] = enlarge(faces, side)
    return labelled_grid(
        cells,
        places.shape[1],
        title,
        note="Each square shows the face nearest to its middle; neighbours have similar latents.",
        side=side,
        gap=1,
    )


def dimension_histograms(
    samples: np.ndarray, mean: np.ndarray, log_variance: np.ndarray, title: str, count: int = 30
) -> np.ndarray:
    """The first latent dimensions beside N(0, 1), with mean, spread and KL of each, and what a test says of all.

    Args:
        samples: `float32[faces, latent_dim]`, one sample of each face's posterior.
        mean: `float32[faces, latent_dim]`, the posterior's.
        log_variance: `float32[faces, latent_dim]`.
        title: above all.
        count: how many dimensions.

    Returns:
        `uint8[height, width, 3]`.
    """
    count, columns = min(count, samples.shape[1]), 6
    rows = -(-count // columns)
    width, height = 1560, 110 + rows * 200 + 44
    figure = new_figure(width, height)
    write_title(figure, title)
    kl, result = kl_per_dimension(mean, log_variance), normality(samples)
    # Wide enough for N(0, 1), and for all but the farthest faces of each dimension.
    reach = float(np.clip(np.quantile(np.abs(samples[:, :count]), 0.99, axis=0).max(), 4.0, 30.0))
    edges, x = np.linspace(-reach, reach, 61), np.linspace(-reach, reach, 201)
    step = 3 * max(1, round(reach / 9.0))
    ticks = step * np.arange(-(reach // step), reach // step + 1)
    normal = np.exp(-0.5 * x**2) / np.sqrt(2.0 * np.pi)
    for dimension in range(count):
        row, column = divmod(dimension, columns)
        left, top = 24 + column * 255, 110 + row * 200
        axes = figure.add_axes((left / width, 1 - (top + 140) / height, 235 / width, 140 / height))
        values = samples[:, dimension]
        heights = np.histogram(values, edges)[0] / (len(values) * (edges[1] - edges[0]))
        axes.stairs(heights, edges, fill=True, color=SKY)
        axes.plot(x, normal, color=VERMILLION, linewidth=1.5)
        axes.set(xlim=(-reach, reach), ylim=(0, max(0.45, 1.08 * heights.max())), yticks=[], xticks=ticks)
        axes.tick_params(colors=FAINT, labelsize=9)
        for edge in ("top", "left", "right"):
            axes.spines[edge].set_visible(False)
        numbers = f"mean {values.mean():+.2f}  sd {values.std():.2f}  KL {kl[dimension]:.2f}"
        write(figure, left, top - 8, f"z{dimension}", size=10, weight="bold", va="baseline")
        write(figure, left + 235, top - 8, numbers, size=9, va="baseline", ha="right")
    for x_position, colour, label in ((24, SKY, "encoded faces"), (170, VERMILLION, "N(0, 1)")):
        write(figure, x_position, 48, "■", color=colour)
        write(figure, x_position + 18, 48, label)
    write(figure, 275, 48, f"samples of the posterior of {len(samples):,} faces; KL in nats")
    write(figure, 24, 110 + rows * 200 - 14, "\n".join(wrapped(str(result), width - 48)), color=FAINT)
    return to_pixels(figure)


def _point_size(count):
    return float(np.clip(30_000 / count, 2.0, 30.0))


def _finish_map(axes, ticks=True):
    axes.set_aspect("equal", adjustable="datalim")
    for edge in ("top", "right") if ticks else ("top", "right", "left", "bottom"):
        axes.spines[edge].set_visible(False)
    axes.tick_params(colors=FAINT, labelsize=9)
    if not ticks:
        axes.set(xticks=[], yticks=[])
