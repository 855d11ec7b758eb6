"""Steps and time of a training, its schedules, and when it ends."""

import math
import time
from typing import Any

import keras

from facevae.config import Config
from facevae.training.checkpoints import Progress


def is_finished(config: Config, progress: Progress) -> bool:
    """Whether nothing is left to train. An epoch that was begun always has its validation before it."""
    if progress.epoch_steps:
        return False
    if config.early_stopping and progress.epochs - progress.best_epoch >= config.early_stopping:
        return True
    out_of_epochs = config.epochs is not None and progress.epochs >= config.epochs
    return out_of_epochs or _is_out_of_time(config, progress)


def _is_out_of_time(config, progress):
    return config.minutes is not None and progress.seconds >= 60.0 * config.minutes


class Schedule(keras.callbacks.Callback):
    """Counts steps and time, tells the model where its schedules end, and ends the training when time is over.

    With `minutes`, the end in steps is estimated anew before each step, so that the schedules follow the clock.
    Steps and time of a resumed run go on from the progress in its checkpoint.

    Args:
        config: of the run.
        progress: how far it is; kept up to date.
        steps: of an epoch.
    """

    def __init__(self, config: Config, progress: Progress, steps: int):
        super().__init__()
        self.config, self.progress, self.steps = config, progress, steps
        self._step = 0  # the model's, without asking the device
        self._clock = math.nan  # not started
        self._shortened = False

    def on_train_begin(self, logs: Any = None) -> None:
        self._step = int(self.model.global_step.numpy())
        # Keras counts the full number of steps from where it is.
        self._shortened = self.progress.epoch_steps > 0
        self._set_end()

    def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
        if math.isnan(self._clock):
            self._clock = time.monotonic()
        self._count_time()
        if self.config.minutes is not None:
            self._set_end()

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        self._step += 1
        self.progress.epoch_steps += 1
        if _is_out_of_time(self.config, self.progress):
            self.model.stop_training = True
        elif self._shortened and self.progress.epoch_steps >= self.steps:
            self.model.stop_training = True  # ends the epoch, and by what follows below not the training

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        self._count_time()
        if self._shortened and not _is_out_of_time(self.config, self.progress):
            self.model.stop_training = False
        self._shortened = False

    def _count_time(self) -> None:
        now = time.monotonic()
        self.progress.seconds += now - self._clock
        self._clock = now

    def _set_end(self) -> None:
        by_steps = math.inf if self.config.epochs is None else float(self.config.epochs * self.steps)
        share = self._step / by_steps
        if self.config.minutes is not None:
            share = max(share, self.progress.seconds / (60.0 * self.config.minutes))
        self.model.total_steps.assign(min(by_steps, max(self._step, 1) / max(share, 1e-9)))
