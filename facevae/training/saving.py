"""Saving a run while it trains: what is written, and in which order."""

import math
import pathlib
from typing import Any

import keras
import numpy as np

from facevae.command_line.interruption import Interruption
from facevae.configuration.config import Config
from facevae.model import VAE
from facevae.run.run_folder import RunFolder
from facevae.training.checkpoints import Progress, metric_variables, save_checkpoint, save_network


class SaveRun(keras.callbacks.Callback):
    """Saves a run, so that a training resumed from it equals one that was never interrupted.

    After each epoch, in this order:

    1. TensorBoard's files, by the callbacks that come before this one.
    2. `networks/last.keras`, the model after the epoch.
    3. `networks/best.keras`, where the validation loss is the lowest so far.
    4. `checkpoints/last.npz`, from which a training resumes.

    The checkpoint comes last because it alone says that the epoch is done. A process killed before 4 resumes from
    the checkpoint before, repeats the steps since then, and writes 1 to 3 again. In another order a kill could leave a
    checkpoint that is ahead of them: charts would lack the epoch, and the best model might never be saved.

    Inside an epoch the checkpoint alone is written:

    - before a step, as soon as `checkpoint_steps` steps would be lost without it;
    - before the last step, so that a process asked to end need not wait for the validation. Not after that step: fit
      begins an epoch with a step, so a resumed epoch must have one left;
    - before the validation, where `--minutes` ended the epoch early;
    - before the next step, where the process was asked to end.

    A process asked to end stops there, after the next batch of a validation, or at the end of the epoch.

    In a second phase the model of the epoch is `networks/sharpened.keras`, and the checkpoint
    `checkpoints/sharpening.npz`.

    Args:
        run: its folder; None for a worker other than the chief, which writes nothing.
        progress: how far the run has come; epochs are counted here, steps and time by `Schedule`, which comes before.
        config: of the run.
        steps: per epoch.
        interruption: says whether the process was asked to end.
        sharpens: whether this is the second phase.

    Raises:
        Interrupted: in training, when the process was asked to end.
        UserError: in training, when a file cannot be written; the earlier one is intact.
    """

    def __init__(
        self,
        run: RunFolder | None,
        progress: Progress,
        config: Config,
        steps: int,
        interruption: Interruption,
        sharpens: bool = False,
    ):
        super().__init__()
        self.run, self.progress, self.config, self.steps = run, progress, config, steps
        self.interruption, self.sharpens = interruption, sharpens
        self._saved_steps = progress.epoch_steps  # of this epoch, in the checkpoint
        self._copy: VAE | None = None
        self._lacks_best = False
        self._totals: list[np.ndarray] = []

    def on_train_begin(self, logs: Any = None) -> None:
        if self.run is not None:  # once for all epochs: building the networks takes longer than saving them
            self._copy = self.model.float32_copy()
            best = self.run.network("best")
            self._lacks_best = self.progress.best_epoch > 0 and not best.exists() and not self.sharpens
            if self._lacks_best:
                print(
                    f"{best} is missing: the model of the next epoch takes its place until a better one comes."
                )
        # Fit resets the metrics between here and the epoch's beginning.
        self._totals = (
            [np.array(v.numpy()) for v in metric_variables(self.model)] if self._saved_steps else []
        )

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        if self._totals:
            for variable, total in zip(metric_variables(self.model), self._totals, strict=True):
                variable.assign(total)
        self._totals = []

    def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
        done = self.progress.epoch_steps
        is_due = done - self._saved_steps >= (self.config.checkpoint_steps or math.inf)
        if is_due or done + 1 >= self.steps or self.interruption.requested:
            self._save_checkpoint()
        self.interruption.raise_if_requested()

    def on_test_begin(self, logs: Any = None) -> None:
        if self.progress.epoch_steps < self.steps:  # --minutes ended the epoch early
            self._save_checkpoint()

    def on_test_batch_end(self, batch: int, logs: Any = None) -> None:
        self.interruption.raise_if_requested()

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        self.progress.epochs, self.progress.epoch_steps = epoch + 1, 0
        models = ("sharpened",) if self.sharpens else self._models_of(epoch, float((logs or {})["val_loss"]))
        if self.run is not None:
            assert self._copy is not None, "made when training began"
            self.model.copy_weights_to(self._copy)
            for which in models:
                save_network(self.run, which, self._copy)
            self._lacks_best = False
            save_checkpoint(self._checkpoint, self.model, self.progress)
        self._saved_steps = 0
        self.interruption.raise_if_requested()

    def _models_of(self, epoch: int, loss: float) -> tuple[str, ...]:
        is_best = loss < self.progress.best_loss or not self.progress.best_epoch
        if is_best:
            self.progress.best_loss, self.progress.best_epoch = loss, epoch + 1
        return ("last", "best") if is_best or self._lacks_best else ("last",)

    @property
    def _checkpoint(self) -> pathlib.Path:
        assert self.run is not None, "written by the chief alone"
        return self.run.sharpening_checkpoint if self.sharpens else self.run.checkpoint

    def _save_checkpoint(self) -> None:
        if self.progress.epoch_steps > self._saved_steps:
            if self.run is not None:
                save_checkpoint(self._checkpoint, self.model, self.progress)
            self._saved_steps = self.progress.epoch_steps
