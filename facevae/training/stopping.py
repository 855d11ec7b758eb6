"""When a training stops: after --epochs, after --minutes, or by early stopping."""

from typing import Any

import keras

from facevae.configuration.config import Config
from facevae.training.checkpoints import Progress


def epochs_are_done(config: Config, progress: Progress) -> bool:
    """Whether the run has completed its `epochs`."""
    return config.epochs is not None and progress.epochs >= config.epochs


def minutes_are_over(config: Config, progress: Progress) -> bool:
    """Whether the run has trained for its `minutes`, over all resumes together."""
    return config.minutes is not None and progress.seconds >= 60.0 * config.minutes


def early_stopping_is_due(config: Config, progress: Progress) -> bool:
    """Whether the last `early_stopping` epochs all failed to lower the validation loss."""
    return (
        config.early_stopping is not None and progress.epochs - progress.best_epoch >= config.early_stopping
    )


def is_complete(config: Config, progress: Progress) -> bool:
    """Whether nothing is left to train. An epoch that has begun is always validated first."""
    if progress.epoch_steps:
        return False
    return (
        progress.is_ended
        or epochs_are_done(config, progress)
        or minutes_are_over(config, progress)
        or early_stopping_is_due(config, progress)
    )


class StopTraining(keras.callbacks.Callback):
    """Stops fit when the run is complete. `--minutes` also ends an epoch early, which is still validated.

    It comes last in the list of callbacks, after `Schedule` has counted a step and `SaveRun` an epoch.

    Args:
        config: of the run.
        progress: how far the run has come; updated by `Schedule` and `SaveRun`.
        steps: per epoch.
    """

    def __init__(self, config: Config, progress: Progress, steps: int):
        super().__init__()
        self.config, self.progress, self.steps = config, progress, steps
        self._first_epoch_is_partial = False

    def on_train_begin(self, logs: Any = None) -> None:
        self._first_epoch_is_partial = self.progress.epoch_steps > 0

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        # Fit would give an epoch that is resumed half-way its full number of steps.
        epoch_is_over = self._first_epoch_is_partial and self.progress.epoch_steps >= self.steps
        if epoch_is_over or minutes_are_over(self.config, self.progress):
            self.model.stop_training = True

    def on_test_begin(self, logs: Any = None) -> None:
        if self._first_epoch_is_partial:  # that epoch is over, not the training
            self.model.stop_training = False
        self._first_epoch_is_partial = False

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        if is_complete(self.config, self.progress):
            self.model.stop_training = True
