"""What a training saves, and in which order."""

import math
from typing import Any

import keras
import numpy as np

from facevae.config import Config
from facevae.model import VAE
from facevae.run_folder import RunFolder
from facevae.training.checkpoints import Progress, metric_variables, save_checkpoint, save_network
from facevae.training.interruption import Interruption
from facevae.training.schedule import is_finished


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
        done = self.progress.epoch_steps
        due = done - self._saved >= (self.config.checkpoint_steps or math.inf)
        if due or done + 1 >= self.steps or self.interruption.requested:
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
