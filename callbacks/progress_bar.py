"""One progress bar for the whole training, and a line for each epoch."""

import time
from typing import Any

import keras
from tqdm import tqdm


class ProgressBar(keras.callbacks.Callback):
    """Shows how much of the training is done, in percent of its steps or its minutes, whichever limits it.

    Keras' own bar counts the steps of one epoch, and the number of epochs is not known in a training limited by
    minutes. Needs a `facevae.VAE` and validation data.
    """

    def __init__(self) -> None:
        super().__init__()
        self._bar = tqdm(disable=True)
        self._begin = self._shown = 0.0
        self._epoch = 0

    def on_train_begin(self, logs: Any = None) -> None:
        layout = "Training {percentage:3.0f}%|{bar}| {elapsed} [{postfix}]"
        self._bar = tqdm(total=1.0, bar_format=layout, postfix="compiling", leave=False)

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        self._epoch, self._begin = epoch, time.monotonic()

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        now = time.monotonic()
        if now - self._shown < 0.5:  # reading the values waits for the device
            return
        self._shown = now
        self._bar.n = float(self.model.progress())
        self._bar.set_postfix_str(
            f"epoch {self._epoch + 1}, step {int(self.model.global_step.numpy()):,}, mse {float(logs['mse']):.4f}"
        )

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        logs = logs or {}
        self._bar.write(
            f"epoch {epoch + 1:3d}  loss {logs['loss']:.1f}  validation: loss {logs['val_loss']:.1f}, "
            f"reconstruction {logs['val_reconstruction_loss']:.1f}, KL {logs['val_kl_loss']:.1f} nats, "
            f"mse {logs['val_mse']:.5f}  ({time.monotonic() - self._begin:.0f} s)"
        )

    def on_train_end(self, logs: Any = None) -> None:
        self._bar.close()
