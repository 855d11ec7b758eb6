"""Rate against distortion over the epochs of a training."""

import json
import math
import os
from typing import Any

from callbacks.event_callback import EventCallback
from callbacks.face_callback import is_due
from facevae.figures import rate_distortion_figure
from facevae.files import whole_file
from facevae.tensorboard.events import cannot_write


class RateDistortionFigure(EventCallback):
    """Draws reconstruction loss (distortion) against KL (rate), a point per epoch, training and validation.

    Alemi et al., "Fixing a Broken ELBO" (arXiv:1711.00464): the loss alone does not distinguish a model
    that reconstructs from one that ignores its latents; its two parts do.

    The points are kept in `rate_distortion.json` in the log folder, so that a resumed training continues
    the curves.

    Args:
        log_dir: folder of the TensorBoard run to write to.
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
            self._points = {}  # no file yet, or a damaged one, which must not end the training

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        for name, prefix in (("training", ""), ("validation", "val_")):
            point = [(logs or {}).get(prefix + key) for key in ("kl_loss", "reconstruction_loss")]
            known = [float(value) for value in point if value is not None and math.isfinite(value)]
            if len(known) == len(point):
                self._points.setdefault(name, []).append([epoch, *known])
        if not self._points:
            return
        try:
            with whole_file(self._path) as temporary:
                temporary.write_text(json.dumps(self._points), encoding="utf-8")
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
