"""The figure of rate and distortion over the epochs of a training."""

import numpy as np
from matplotlib.figure import Figure

from facevae.figures.canvas import SKY, VERMILLION, new_figure

FONT_SIZE = 12  # points: legible in TensorBoard's card, which shows the figure at half its width


def rate_distortion_figure(points: dict[str, list[list[float]]]) -> Figure:
    """Distortion against rate over the epochs, with lines of equal sums.

    Args:
        points: (epoch, rate, distortion) of each epoch, by the name of the curve; rate and distortion in nats per
            image.

    Returns:
        The figure; see `facevae.figures.to_pixels`.
    """
    figure = new_figure(640, 480)
    axes = figure.add_axes((0.17, 0.13, 0.80, 0.79))
    newest = []
    for (name, curve), color in zip(points.items(), (SKY, VERMILLION), strict=False):
        epochs, rate, distortion = np.array(curve).T
        axes.plot(rate, distortion, "-", color=color, linewidth=1.2, marker="o", markersize=3, label=name)
        axes.plot(rate[-1], distortion[-1], "o", color=color, markersize=8)
        newest.append((int(epochs[-1]), rate[-1], distortion[-1]))
    # The limits are those of the later epochs, as the first ones lie far away.
    late = np.concatenate(
        [np.array(curve)[len(curve) // 10 + (len(curve) > 3) :] for curve in points.values()]
    )
    (left, right), (bottom, top) = _view(late[:, 1]), _view(late[:, 2])
    for total in np.linspace(bottom + left, top + right, 12):
        axes.plot(
            [left, right], [total - left, total - right], "--", color="#cccccc", linewidth=0.7, zorder=0
        )
    axes.set(xlim=(left, right), ylim=(bottom, top))
    axes.set(
        xlabel="rate: KL, nats per image",
        ylabel="distortion: reconstruction loss, nats per image",
        title=f"epoch {newest[-1][0]}: rate {newest[-1][1]:.1f}, distortion {newest[-1][2]:.1f}",
    )
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(labelsize=FONT_SIZE)
    for text in (axes.title, axes.xaxis.label, axes.yaxis.label):
        text.set_fontsize(FONT_SIZE)
    axes.legend(frameon=False, fontsize=FONT_SIZE)
    return figure


def _view(values):
    margin = 0.08 * np.ptp(values) or 1.0
    return values.min() - margin, values.max() + margin
