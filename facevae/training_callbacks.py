"""The callbacks that a training cannot do without: its schedules and end, its guard against NaN, what is saved."""

import math
import time
from typing import Any

import keras

from facevae.checkpoints import Progress, save_checkpoint, save_network
from facevae.config import Config
from facevae.errors import UserError
from facevae.model import VAE
from facevae.run_folder import RunFolder


def share_done(config: Config, progress: Progress, step: int, steps: int) -> float:
    """How much of the training is done, by steps and by time, whichever is further."""
    shares = [0.0]
    if config.epochs is not None:
        shares.append(step / (config.epochs * steps))
    if config.minutes is not None:
        shares.append(progress.seconds / (60.0 * config.minutes))
    return max(shares)


class Schedule(keras.callbacks.Callback):
    """Tells the model where its schedules end, and ends the training when its minutes are over.

    With `minutes`, the end in steps is estimated anew before each step, so that the schedules follow the clock.
    The time of a resumed run goes on from the progress in its checkpoint.
    """

    def __init__(self, config: Config, progress: Progress, steps: int):
        super().__init__()
        self.config, self.progress, self.steps = config, progress, steps
        self.step = 0
        self._clock: float | None = None

    def on_train_begin(self, logs: Any = None) -> None:
        self.step = int(self.model.global_step)
        self._set_end()

    def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
        if self._clock is None:
            self._clock = time.monotonic()
        self._count_time()
        if self.config.minutes is not None:
            self._set_end()

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        self.step += 1
        if self.config.minutes is not None and self.progress.seconds >= 60.0 * self.config.minutes:
            self.model.stop_training = True

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        self._count_time()

    def _count_time(self) -> None:
        now = time.monotonic()
        self.progress.seconds += now - self._clock
        self._clock = now

    def _set_end(self) -> None:
        share = share_done(self.config, self.progress, self.step, self.steps)
        by_steps = math.inf if self.config.epochs is None else float(self.config.epochs * self.steps)
        self.model.total_steps.assign(min(by_steps, max(self.step, 1) / max(share, 1e-9)))


class StopAtNotFinite(keras.callbacks.Callback):
    """Ends a run whose loss or gradients stopped being finite, naming the step and the last good checkpoint.

    The model notes the step itself; asking it costs a wait for the device, so it is asked every 20 steps and
    before anything of the epoch is saved.
    """

    def __init__(self, run: RunFolder):
        super().__init__()
        self.run = run

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        if batch % 20 == 0:
            self._check()

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        self._check()

    def _check(self) -> None:
        step = int(self.model.not_finite_step)
        if step < 0:
            return
        kept = (
            f"The last good checkpoint is {self.run.checkpoint}"
            if self.run.checkpoint.exists()
            else "There is no checkpoint yet"
        )
        raise UserError(
            f"training: loss or gradients were no longer finite at step {step}. {kept}. "
            "Start again with a lower --learning-rate, or with --precision float32."
        )


class SaveRun(keras.callbacks.Callback):
    """Saves the last model, the best one, and the checkpoint, after each epoch; stops early where that is asked.

    The checkpoint comes last: a kill before it costs the epoch, and resuming makes it again.
    """

    def __init__(self, run: RunFolder, progress: Progress, early_stopping: int | None = None):
        super().__init__()
        self.run, self.progress, self.early_stopping = run, progress, early_stopping
        self._copy: VAE | None = None

    def on_train_begin(self, logs: Any = None) -> None:
        # Built once: building the networks takes longer than saving them.
        self._copy = self.model.float32_copy()

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        loss = float((logs or {})["val_loss"])
        self.progress.epochs = epoch + 1
        better = loss < self.progress.best_loss or not self.progress.best_epoch
        if better:
            self.progress.best_loss, self.progress.best_epoch = loss, epoch + 1
        self._copy.set_weights(self.model.get_weights())
        for which in ("last", "best") if better else ("last",):
            save_network(self.run, which, self._copy)
        save_checkpoint(self.run.checkpoint, self.model, self.progress)
        if self.stopped_early():
            self.model.stop_training = True

    def stopped_early(self) -> bool:
        """Whether the patience of early stopping is used up."""
        patience = self.early_stopping
        return patience is not None and self.progress.epochs - self.progress.best_epoch >= patience
