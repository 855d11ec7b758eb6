"""The callbacks that a training cannot do without: its schedules and end, its guard against NaN, what is saved."""

import math
import time
from typing import Any

import keras
import numpy as np

from facevae.checkpoints import Progress, metric_variables, save_checkpoint, save_network
from facevae.config import Config
from facevae.errors import UserError
from facevae.interruption import Interruption
from facevae.model import VAE
from facevae.run_folder import RunFolder


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
        self._step += self.model.steps_per_execution
        self.progress.epoch_steps += self.model.steps_per_execution
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


LOWEST_LOSS_SCALE = 2.0**-20  # mixed_float16 begins near 1 and rises


class StopAtNotFinite(keras.callbacks.Callback):
    """Ends a run whose loss or gradients stopped being finite, naming the step and the last good checkpoint.

    The model notes the step itself; it is asked before anything is saved.
    """

    def __init__(self, run: RunFolder):
        super().__init__()
        self.run = run

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        # One number more beside those of the logs, for which Keras waits here anyway.
        step = int(self.model.not_finite_step.numpy())
        if step >= 0:
            self._stop(f"loss or gradients were no longer finite at step {step}")
        # Loss scaling halves the scale after each step that overflows, and skips it: rarely, that is its work.
        scale = getattr(self.model.optimizer, "dynamic_scale", None)
        if scale is not None and float(scale.numpy()) < LOWEST_LOSS_SCALE:
            self._stop("gradients overflow at every step, however small the loss is scaled")

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        if not math.isfinite((logs or {}).get("val_loss", 0.0)):
            self._stop(f"the validation loss is not finite after epoch {epoch + 1}")

    def _stop(self, what: str) -> None:
        kept = (
            f"The last good checkpoint is {self.run.checkpoint}"
            if self.run.checkpoint.exists()
            else "There is no checkpoint yet"
        )
        raise UserError(
            f"training: {what}. {kept}. "
            "Start again with a lower --learning-rate, or with --precision float32."
        )


class SaveRun(keras.callbacks.Callback):
    """Saves a training, so that it goes on as if it had never ended; ends it where that is asked.

    After each epoch: the last model, the best one, and the checkpoint. This comes last: a kill before it costs what
    is behind the checkpoint before, and resuming makes it again. Inside an epoch: the checkpoint, before as many
    steps are behind the one before as may be lost, and before the epoch's last steps. (Fit begins an epoch with a
    step: a checkpoint after the last one would leave nothing to begin with.)

    A request to end is followed at the next step, in training and validation, or at the epoch's end.

    Args:
        run: its folder; None for a worker that does all the same and leaves writing to the chief.
        progress: how far it is; `Schedule`, which comes before, counts its steps and time.
        config: of the run.
        steps: of an epoch.
        interruption: who is asked to end.
    """

    def __init__(
        self,
        run: RunFolder | None,
        progress: Progress,
        config: Config,
        steps: int,
        interruption: Interruption,
    ):
        super().__init__()
        self.run, self.progress, self.config, self.steps = run, progress, config, steps
        self.interruption = interruption
        self._saved = progress.epoch_steps  # those of this epoch that are in the checkpoint
        self._copy: VAE | None = None
        self._totals: list[np.ndarray] = []

    def on_train_begin(self, logs: Any = None) -> None:
        if self.run is not None:  # built once: building the networks takes longer than saving them
            self._copy = self.model.float32_copy()
        # Fit resets the metrics between here and the epoch's beginning.
        self._totals = [np.array(v.numpy()) for v in metric_variables(self.model)] if self._saved else []

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        if self._totals:
            for variable, total in zip(metric_variables(self.model), self._totals, strict=True):
                variable.assign(total)
        self._totals = []

    def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
        done, ahead = self.progress.epoch_steps, self.model.steps_per_execution
        due = done - self._saved + ahead > (self.config.checkpoint_steps or math.inf)
        if due or done + ahead >= self.steps or self.interruption.requested:
            self._save_checkpoint()
        self.interruption.raise_if_requested()

    def on_test_begin(self, logs: Any = None) -> None:
        if self.progress.epoch_steps < self.steps:  # time was over inside the epoch
            self._save_checkpoint()

    def on_test_batch_end(self, batch: int, logs: Any = None) -> None:
        self.interruption.raise_if_requested()

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        loss = float((logs or {})["val_loss"])
        self.progress.epochs, self.progress.epoch_steps = epoch + 1, 0
        better = loss < self.progress.best_loss or not self.progress.best_epoch
        if better:
            self.progress.best_loss, self.progress.best_epoch = loss, epoch + 1
        if self.run is not None:
            assert self._copy is not None, "made when training began"
            self._copy.set_weights(self.model.get_weights())
            for which in ("last", "best") if better else ("last",):
                save_network(self.run, which, self._copy)
            save_checkpoint(self.run.checkpoint, self.model, self.progress)
        self._saved = 0
        self.interruption.raise_if_requested()
        if is_finished(self.config, self.progress):
            self.model.stop_training = True

    def _save_checkpoint(self) -> None:
        if self.progress.epoch_steps > self._saved:
            if self.run is not None:
                save_checkpoint(self.run.checkpoint, self.model, self.progress)
            self._saved = self.progress.epoch_steps
