"""Ends a training whose loss or gradients are no longer finite, before anything is saved from them."""

import math
from typing import Any

import keras

from facevae.errors import UserError
from facevae.run.run_folder import RunFolder

LOWEST_LOSS_SCALE = 2.0**-20  # mixed_float16 begins near 1 and rises


class NaNGuard(keras.callbacks.Callback):
    """Ends a run whose loss or gradients are NaN or infinite, naming the step and the last good checkpoint.

    The model records the step; this callback reads it after each step, and comes before `SaveRun`.

    Args:
        run: its folder, for the message.

    Raises:
        UserError: in training, at the first step or validation that is not finite, or when all gradients overflow.
    """

    def __init__(self, run: RunFolder):
        super().__init__()
        self.run = run

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        # Reading it costs little: Keras waits for the numbers of the logs here anyway.
        step = int(self.model.not_finite_step.numpy())
        if step >= 0:
            self._end_run(f"loss or gradients were no longer finite at step {step}")
        # Loss scaling skips each step that overflows and halves the scale: an occasional one is normal.
        scale = getattr(self.model.optimizer, "dynamic_scale", None)
        if scale is not None and float(scale.numpy()) < LOWEST_LOSS_SCALE:
            self._end_run("gradients overflow at every step, however small the loss is scaled")

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        if not math.isfinite((logs or {}).get("val_loss", 0.0)):
            self._end_run(f"the validation loss is not finite after epoch {epoch + 1}")

    def _end_run(self, what: str) -> None:
        kept = (
            f"The last good checkpoint is {self.run.checkpoint}"
            if self.run.checkpoint.exists()
            else "There is no checkpoint yet"
        )
        raise UserError(
            f"training: {what}. {kept}. "
            "Start again with a lower --learning-rate, or with --precision float32."
        )
