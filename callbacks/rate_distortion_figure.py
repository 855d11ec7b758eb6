"""The way of a training in the plane of rate and distortion."""

import json
import math
import os
from typing import Any

import numpy as np

from callbacks.event_callback import EventCallback
from callbacks.face_callback import is_due
from facevae.figures.canvas import SKY, VERMILLION, new_figure, to_pixels
from facevae.files import whole_file
from facevae.tensorboard_files import cannot_write


class RateDistortionFigure(EventCallback):
    """Draws reconstruction loss (distortion) against KL (rate), a point per epoch, training and validation.

    Alemi et al., "Fixing a Broken ELBO" (arXiv:1711.00464): the loss alone does not tell a model that
    reconstructs from one that ignores its latents; the two parts do.

    The points are kept in `rate_distortion.json` in the log folder, so that a resumed training draws on.

    Args:
        log_dir: TensorBoard's run to write to, a folder.
    """

    def __init__(self, log_dir: str | os.PathLike[str]):
        super().__init__(log_dir)
        self._path = self.log_dir / "rate_distortion.json"
        self._points: dict[str, list[list[float]]] = {}

    def begin(self, epoch: int) -> None:
        try:
            stored = json.loads(self._path.read_text(encoding="utf-8"))
            self._points = {name: [p for p in points if p[0] < epoch] for name, points in stored.items()}
        except (OSError, ValueError, AttributeError, TypeError, IndexError):
            self._points = {}  # none yet, or damaged: a picture is not worth a failed training

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        for name, prefix in (("training", ""), ("validation", "val_")):
            point = [(logs or {}).get(prefix + key) for key in ("kl_loss", "reconstruction_loss")]
            known = [float(value) for value in point if value is not None and math.isfinite(value)]
            if len(known) == len(point):
                self._points.setdefault(name, []).append([epoch, *known])
        if not self._points:
            return
        try:
            with whole_file(self._path) as aside:
                aside.write_text(json.dumps(self._points), encoding="utf-8")
        except OSError as error:
            raise cannot_write(self.log_dir, error) from error
        if is_due(epoch):
            self.writer.image(
                "7 rate and distortion/over the epochs",
                rate_distortion_figure(self._points),
                epoch,
                "KL (rate) and reconstruction loss (distortion) of each epoch, nats per image. Down is sharper, left "
                "is closer to the prior; along a dashed line the loss (their sum, KL weight 1) is the same.",
            )
            self.writer.flush()


def rate_distortion_figure(points: dict[str, list[list[float]]]) -> np.ndarray:
    """Curves of (epoch, rate, distortion) points by name, with lines of equal sums.

    Returns:
        `uint8[height, width, 3]`.
    """
    figure = new_figure(640, 480)
    axes = figure.add_axes((0.15, 0.11, 0.82, 0.81))
    newest = []
    for (name, curve), color in zip(points.items(), (SKY, VERMILLION), strict=False):
        epochs, rate, distortion = np.array(curve).T
        axes.plot(rate, distortion, "-", color=color, linewidth=1.2, marker="o", markersize=3, label=name)
        axes.plot(rate[-1], distortion[-1], "o", color=color, markersize=8)
        newest.append((int(epochs[-1]), rate[-1], distortion[-1]))
    # The first epochs lie far from all others: the view is of the later ones.
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
    axes.legend(frameon=False)
    return to_pixels(figure)


def _view(values):
    margin = 0.08 * np.ptp(values) or 1.0
    return values.min() - margin, values.max() + margin
