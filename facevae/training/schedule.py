"""Counts the steps and the time of a training, which the model's schedules depend on."""

import math
import time
from typing import Any

import keras

from facevae.configuration.config import Config
from facevae.training.checkpoints import Progress


class Schedule(keras.callbacks.Callback):
    """Counts steps and time, and tells the model at which step the training, and with it its schedules, will end.

    With `minutes` that step is estimated anew before each step, so that the schedules follow the clock. A resumed run
    counts on from the progress in its checkpoint.

    Args:
        config: of the run.
        progress: how far the run has come; steps and seconds are updated here.
        steps: per epoch.
    """

    def __init__(self, config: Config, progress: Progress, steps: int):
        super().__init__()
        self.config, self.progress, self.steps = config, progress, steps
        self._step = 0  # the model's, without reading it from the device
        self._clock = math.nan  # not started

    def on_train_begin(self, logs: Any = None) -> None:
        self._step = int(self.model.global_step.numpy())
        self._set_total_steps()

    def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
        if math.isnan(self._clock):
            self._clock = time.monotonic()
        self.count_time()
        if self.config.minutes is not None:
            self._set_total_steps()

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        self._step += 1
        self.progress.epoch_steps += 1

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        self.count_time()

    def count_time(self) -> None:
        """Adds the time since the last call to `progress.seconds`."""
        now = time.monotonic()
        self.progress.seconds += now - self._clock
        self._clock = now

    def _set_total_steps(self) -> None:
        """Estimates the end from the steps and the time of the present phase: steps of another are faster or slower."""
        first = self.progress.first_step
        by_epochs = math.inf if self.config.epochs is None else float(self.config.epochs * self.steps)
        done = (self._step - first) / (by_epochs - first)
        if self.config.minutes is not None:
            seconds = self.progress.seconds - self.progress.first_seconds
            done = max(done, seconds / (60.0 * self.config.minutes - self.progress.first_seconds))
        estimated = first + max(self._step - first, 1) / max(done, 1e-9)
        self.model.total_steps.assign(min(by_epochs, estimated))
