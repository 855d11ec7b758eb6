"""Figures of the latents: the aggregate posterior against N(0, 1), KL and correlation of the dimensions."""

import os

import numpy as np

from callbacks.face_callback import FaceCallback
from callbacks.shared_encoding import SharedEncoding
from facevae import latents
from facevae.encodings import Encodings
from facevae.figures.canvas import SKY, VERMILLION, new_figure, to_pixels
from facevae.figures.text import FAINT

EDGES = np.linspace(-4.0, 4.0, 41)


class LatentFigures(FaceCallback):
    """Draws the first dimensions of the aggregate posterior against N(0, 1), and KL and correlation of them all.

    Args:
        faces: the fixed faces.
        log_dir: TensorBoard's run to write to, a folder.
        dimensions: of the aggregate posterior, how many are drawn.
    """

    def __init__(self, faces: SharedEncoding, log_dir: str | os.PathLike[str], dimensions: int = 30):
        super().__init__(faces, log_dir)
        self.dimensions = dimensions

    def write(self, epoch: int, encodings: Encodings) -> None:
        self.writer.image(
            "6 latents/aggregate posterior against the prior",
            aggregate_posterior_figure(encodings.sample()[:, : self.dimensions]),
            epoch,
            "Posterior samples of the validation faces (filled) and N(0, 1) (line), one panel per latent dimension, "
            "from −4 to 4. Where the two differ, samples from the prior are no typical latents.",
        )
        self.writer.image(
            "6 latents/KL and correlation of the dimensions",
            dimensions_figure(encodings.mean, encodings.log_variance),
            epoch,
            "Left: KL of each latent dimension, sorted; flat at 0 are the unused ones. Right: correlation of the "
            "posterior means, in the same order; N(0, 1) has none.",
        )


def aggregate_posterior_figure(samples: np.ndarray, columns: int = 6) -> np.ndarray:
    """Histograms of latent dimensions, each in a panel with the density of N(0, 1).

    All panels are drawn into one pair of axes: thirty of them would take half a second.

    Args:
        samples: `float32[faces, dimensions]`.
        columns: panels in a row.

    Returns:
        `uint8[height, width, 3]`.
    """
    dimensions = samples.shape[1]
    columns = min(columns, dimensions)
    rows = -(-dimensions // columns)
    figure = new_figure(160 * columns, 110 * rows + 10)
    axes = figure.add_axes((0.01, 0.01, 0.98, 0.98))
    axes.set_axis_off()
    axes.set_xlim(0.0, 9.0 * columns)
    axes.set_ylim(-rows, 0.0)
    normal = np.exp(-0.5 * EDGES**2) / np.sqrt(2.0 * np.pi)
    for index in range(dimensions):
        row, column = divmod(index, columns)
        x, bottom = 9.0 * column + 4.5, -1.0 * (row + 1) + 0.1
        counts, _ = np.histogram(samples[:, index], EDGES)
        # The peak of a dimension with little spread would tower over its panel.
        density = np.minimum(1.6 * counts / (len(samples) * np.diff(EDGES)), 0.85)
        axes.stairs(bottom + density, x + EDGES, baseline=bottom, fill=True, color=SKY)
        axes.plot(x + EDGES, bottom + 1.6 * normal, color=VERMILLION, linewidth=1.2)
        axes.plot(x + EDGES[[0, -1]], [bottom, bottom], color=FAINT, linewidth=0.6)
        axes.text(x - 4.0, bottom + 0.72, str(index), fontsize=8, color=FAINT)
    return to_pixels(figure)


def dimensions_figure(mean: np.ndarray, log_variance: np.ndarray) -> np.ndarray:
    """Sorted KL of the latent dimensions, and the correlation matrix of the posterior means in the same order.

    Args:
        mean: `float32[faces, latent_dim]`.
        log_variance: the same shape.

    Returns:
        `uint8[height, width, 3]`.
    """
    order = latents.dimensions_by_kl(mean, log_variance)
    kl = latents.kl_per_dimension(mean, log_variance)[order]
    centred = mean[:, order].astype(np.float64) - mean[:, order].mean(axis=0)
    lengths = np.linalg.norm(centred, axis=0)
    # A dimension that never moves correlates with none.
    unit = np.divide(centred, lengths, out=np.zeros_like(centred), where=lengths > 1e-12)

    figure = new_figure(1000, 420)
    # Placed by hand: a layout engine draws everything twice.
    left, right = figure.add_axes((0.06, 0.13, 0.45, 0.78)), figure.add_axes((0.57, 0.13, 0.33, 0.78))
    left.stairs(kl, np.arange(len(kl) + 1), fill=True, color=SKY)
    left.set(
        xlim=(0, len(kl)),
        ylim=(0.0, None),
        xlabel="latent dimension, sorted",
        ylabel="KL, nats",
        title=f"{kl.sum():.1f} nats in {latents.active_units(mean)} active of {len(kl)} dimensions",
    )
    left.spines[["top", "right"]].set_visible(False)
    extent = (0, len(kl), len(kl), 0)
    picture = right.imshow(
        unit.T @ unit, cmap="RdBu_r", vmin=-1.0, vmax=1.0, extent=extent, interpolation="nearest"
    )
    right.set(title="correlation of the posterior means", xlabel="latent dimension, in the same order")
    figure.colorbar(picture, cax=figure.add_axes((0.93, 0.13, 0.015, 0.78)), ticks=(-1.0, 0.0, 1.0))
    return to_pixels(figure)
