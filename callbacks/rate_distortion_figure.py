"""Rate against distortion over the epochs of a training."""

import itertools
import json
import math
import os
import warnings
from typing import Any

from callbacks.event_callback import EventCallback
from callbacks.face_callback import is_due
from callbacks.logs import numbers
from facevae.figures import rate_distortion_figure, to_pixels
from facevae.files import whole_file
from facevae.tensorboard.events import cannot_write

# By curve, the metrics that are its rate and its distortion.
CURVES = {
    "training": ("kl_loss", "reconstruction_loss"),
    "validation": ("val_kl_loss", "val_reconstruction_loss"),
}


class RateDistortionFigure(EventCallback):
    """Draws reconstruction loss (distortion) against KL (rate), a point per epoch, training and validation.

    Alemi et al., "Fixing a Broken ELBO" (arXiv:1711.00464): the loss alone does not distinguish a model
    that reconstructs from one that ignores its latents; its two parts do.

    The points are kept in `rate_distortion.json` in the log folder, so that a resumed training continues
    the curves. Without validation data there is the curve of training alone. The model must report `kl_loss` and
    `reconstruction_loss`; one that does not gets a warning, and no figure.

    Args:
        log_dir: folder of the TensorBoard run to write to.
    """

    def __init__(self, log_dir: str | os.PathLike[str]):
        super().__init__(log_dir)
        self._path = self.log_dir / "rate_distortion.json"
        self._points: dict[str, list[list[float]]] = {}
        self._warned = False

    def begin(self, epoch: int) -> None:
        try:
            stored = json.loads(self._path.read_text(encoding="utf-8"))
            curves = {name: _points_before(epoch, stored.get(name, [])) for name in CURVES}
        except (OSError, ValueError, AttributeError, TypeError):
            curves = {}  # no file yet, or a damaged one, which must not end the training
        self._points = {name: points for name, points in curves.items() if points}
        self._warned = False

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        number, values = epoch + 1, numbers(logs)
        for name, keys in CURVES.items():
            point = [values[key] for key in keys if math.isfinite(values.get(key, math.nan))]
            if len(point) == len(keys):
                self._points.setdefault(name, []).append([number, *point])
        if not self._warned and not set(CURVES["training"]) <= set(values):
            self._warned = True
            warnings.warn(
                "RateDistortionFigure: expected a model that reports kl_loss and reconstruction_loss, received "
                f"{', '.join(values) or 'none'}. Nothing is drawn: add them to its metrics, or leave it out.",
                stacklevel=2,
            )
        if not self._points:
            return
        try:
            with whole_file(self._path) as temporary:
                temporary.write_text(json.dumps(self._points), encoding="utf-8")
        except OSError as error:
            raise cannot_write(self.log_dir, error) from error
        if is_due(number):
            self.writer.image(
                "7 rate and distortion/over the epochs",
                to_pixels(rate_distortion_figure(self._points)),
                number,
                "KL (rate) and reconstruction loss (distortion) of each epoch, nats per image. Down is sharper, left "
                "is closer to the prior; along a dashed line the loss (their sum, KL weight 1) is the same.",
            )
            self.writer.flush()


def _points_before(epoch, stored):
    """The stored points of earlier epochs, (epoch, rate, distortion) each.

    Raises:
        ValueError, TypeError: they are none.
    """
    points = [[int(number), float(rate), float(distortion)] for number, rate, distortion in stored]
    if not all(map(math.isfinite, itertools.chain.from_iterable(points))):
        raise ValueError("points that are not finite")
    return [point for point in points if point[0] < epoch]
