"""Figures of the two-dimensional map of the latents: its density, its attributes, its faces."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure

from facevae.figures.canvas import BLUE, ORANGE, new_figure, write, write_title
from facevae.figures.grids import enlarge
from facevae.figures.labelled import labelled_grid
from facevae.figures.text import FAINT, TEXT

MOST_VECTORS = 2000  # points that SVG and PDF draw each; more would make a file that no program opens quickly
MOST_FOR_DENSITY = 5000  # faces that the density is estimated from; more make no visible difference


def map_density(positions: np.ndarray, resolution: int = 80) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The density of points in the plane, by SciPy's Gaussian kernel density estimate with Scott's bandwidth.

    Args:
        positions: `float32[faces, 2]`.
        resolution: grid points along each axis.

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


def map_with_density(positions: np.ndarray, title: str) -> Figure:
    """The density as a surface on the left, the faces as points on the right.

    Args:
        positions: `float32[faces, 2]`.
        title: above both.

    Returns:
        The figure; see `facevae.figures.to_pixels`.
    """
    figure = new_figure(1500, 760)
    write_title(figure, title)
    x, y, density = map_density(positions)
    surface: Any = figure.add_axes((0.0, 0.02, 0.53, 0.90), projection="3d", computed_zorder=False)
    exponent = int(np.floor(np.log10(density.max())))
    surface.plot_surface(
        *np.meshgrid(x, y),
        density / 10.0**exponent,
        cmap="viridis",
        rcount=80,
        ccount=80,
        linewidth=0.1,
        rasterized=True,
    )
    surface.view_init(elev=42, azim=-60)
    surface.set_box_aspect((1, 1, 0.55), zoom=1.02)
    surface.set(xlabel="t-SNE 1", ylabel="t-SNE 2")
    surface.set_zlabel(f"density / $10^{{{exponent}}}$")
    surface.tick_params(colors=FAINT, labelsize=9)
    scatter = figure.add_axes((0.585, 0.10, 0.39, 0.77))
    scatter.scatter(
        positions[:, 0],
        positions[:, 1],
        s=_point_size(len(positions)),
        c=BLUE,
        alpha=0.5,
        linewidths=0,
        rasterized=len(positions) > MOST_VECTORS,
    )
    _finish_map(scatter)
    scatter.set(xlabel="t-SNE 1", ylabel="t-SNE 2")
    return figure


def map_by_attributes(
    positions: np.ndarray, attributes: np.ndarray, names: Sequence[str], agreement: np.ndarray, title: str
) -> Figure:
    """The map coloured by attributes, one panel for each.

    Args:
        positions: `float32[faces, 2]`.
        attributes: `[faces, panels]` of 0 and 1.
        names: of the attributes, in the order of the panels.
        agreement: `float32[panels]`, of `facevae.exploration.latent_map.map_agreement`.
        title: above the panels.

    Returns:
        The figure; see `facevae.figures.to_pixels`.
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
    order = np.random.default_rng(0).permutation(len(positions))  # so that neither colour covers the other
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
            rasterized=len(positions) > MOST_VECTORS,
        )
        for label, colour, count in (("with", ORANGE, has.sum()), ("without", BLUE, (~has).sum())):
            axes.scatter([], [], s=45, c=colour, label=f"{label} ({count:,})")
        axes.legend(loc="upper center", bbox_to_anchor=(0.5, 0.0), ncols=2, frameon=False, handletextpad=0.1)
        axes.set_title(f"{name.replace('_', ' ')}   (agreement {agreement[panel]:.2f})", size=12, color=TEXT)
        _finish_map(axes, ticks=False)
    note = (
        "Agreement: correlation of an attribute with its share among the 20 nearest faces in the map; 0 to 1."
    )
    write(figure, 24, height - 26, note, color=FAINT)
    return figure


def places_in_map(positions: np.ndarray, cells: int = 36) -> np.ndarray:
    """Chooses the face for each square of a grid over the map: the one nearest to the centre of the square.

    Args:
        positions: `float32[faces, 2]`.
        cells: squares along each side.

    Returns:
        `int64[cells, cells]`, the indices of the faces, from the top left; −1 for a square without a face.
    """
    low, high = positions.min(axis=0), positions.max(axis=0)
    scaled = (positions - low) / np.maximum(high - low, 1e-12) * (cells - 1e-3)
    scaled[:, 1] = cells - 1e-3 - scaled[:, 1]  # rows of an image count downwards
    column, row = np.clip(scaled.astype(int), 0, cells - 1).T
    farthest_first = np.argsort(-np.hypot(*(scaled % 1 - 0.5).T))  # so that the nearest is assigned last
    places = np.full((cells, cells), -1)
    places[row[farthest_first], column[farthest_first]] = farthest_first
    return places


def map_with_faces(places: np.ndarray, faces: np.ndarray, title: str, side: int = 44) -> np.ndarray:
    """The map drawn with images of the faces instead of points.

    Args:
        places: `int64[cells, cells]`, see `places_in_map`.
        faces: `[shown, size, size, 3]`, the images of the faces `places[places >= 0]`, in this order.
        title: above the map.
        side: pixels along the side of a face in the picture.

    Returns:
        `uint8[height, width, 3]`.
    """
    cells = np.full((places.size, side, side, 3), 255, np.uint8)
    cells[places.ravel() >= 0] = enlarge(faces, side)
    return labelled_grid(
        cells,
        places.shape[1],
        title,
        note="Each square shows the face nearest to its centre; neighbours have similar latents.",
        side=side,
        gap=1,
    )


def _point_size(count):
    return float(np.clip(30_000 / count, 2.0, 30.0))


def _finish_map(axes, ticks=True):
    axes.set_aspect("equal", adjustable="datalim")
    for edge in ("top", "right") if ticks else ("top", "right", "left", "bottom"):
        axes.spines[edge].set_visible(False)
    axes.tick_params(colors=FAINT, labelsize=9)
    if not ticks:
        axes.set(xticks=[], yticks=[])
