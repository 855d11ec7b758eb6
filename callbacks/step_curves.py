"""Losses, gradient norm and speed inside the epochs."""

import math
import os
import time
from typing import Any

import keras

from callbacks.step_callback import EVERY, StepCallback
from facevae.configuration.config import check_settings

# Running means of a model, where it has them.
CURVES = (
    *("loss", "reconstruction_loss", "kl_loss", "gradient_norm"),
    *("sharpening_loss", "critic_loss", "adversarial_loss", "consistency_loss"),
)


class StepCurves(StepCallback):
    """Writes the curves of a training every so many steps: `by step/<name>`, each point a mean since the one before.

    They are the model's own running means named in `CURVES`, whose totals are read only for a point, because
    reading waits for the device; and `by step/images_per_second`, without an epoch's first execution, which fills the
    input pipeline and may compile, and without the time between epochs. What is not finite is left out.

    Args:
        log_dir: folder of the TensorBoard run, for callbacks of this kind alone; its step is the training step.
        batch_size: images per step.
        every: steps between two points; later in a long training a thousandth of the steps so far.
    """

    def __init__(self, log_dir: str | os.PathLike[str], batch_size: int, every: int = EVERY):
        super().__init__(log_dir, every)
        self.batch_size: int = check_settings({"batch_size": batch_size})["batch_size"]
        self._begin_anew()
        self._in_epoch = False

    def _begin_anew(self) -> None:
        """Forgets what was added up for the next point."""
        self._added: dict[str, list[float]] = {}
        self._seconds, self._images = 0.0, 0

    def on_train_begin(self, logs: Any = None) -> None:
        super().on_train_begin()
        self._begin_anew()
        self._in_epoch = False

    def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
        if not self._in_epoch:
            # Not zero where a training goes on inside an epoch.
            self._in_epoch, self._before = True, self._totals()
            self._clock, self._unread = 0.0, 0

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        if not self._clock:
            self._clock = time.monotonic()
        else:
            self._unread += self.batch_size * self.model.steps_per_execution
        super().on_train_batch_end(batch)

    def on_test_begin(self, logs: Any = None) -> None:
        self._end_epoch()  # the validation begins the same means anew

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        self._end_epoch()

    def _end_epoch(self) -> None:
        if self._in_epoch:
            self._read()
            self._in_epoch = False

    def write(self) -> None:
        if self._in_epoch:
            self._read()
        curves = {name: total / count for name, (total, count) in self._added.items() if count}
        if self._images:
            curves["images_per_second"] = self._images / self._seconds
        for name, value in curves.items():
            if math.isfinite(value):
                self.writer.scalar(f"by step/{name}", value, self.step)
        self._begin_anew()

    def _read(self) -> None:
        """Adds what came since the last reading."""
        totals = self._totals()  # waits for the steps that are timed
        now = time.monotonic()
        for name, (total, count) in totals.items():
            added = self._added.setdefault(name, [0.0, 0.0])
            before = self._before.get(name, (0.0, 0.0))
            added[0] += total - before[0]
            added[1] += count - before[1]
        self._seconds, self._images = self._seconds + now - self._clock, self._images + self._unread
        self._before, self._clock, self._unread = totals, now, 0

    def _totals(self) -> dict[str, tuple[float, float]]:
        """What the running means have added up, and what they divide it by."""
        return {
            metric.name: (float(metric.total.numpy()), float(metric.count.numpy()))
            for metric in self.model.metrics
            if metric.name in CURVES and isinstance(metric, keras.metrics.Mean)
        }
