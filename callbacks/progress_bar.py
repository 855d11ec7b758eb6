"""One progress bar for the whole training, and a line for each epoch."""

import time
from typing import Any

import keras
from tqdm import tqdm

from callbacks.logs import numbers
from facevae.model import VAE


class ProgressBar(keras.callbacks.Callback):
    """Shows how much of the training is done, in percent of its steps or its minutes, whichever limits it.

    Keras' own bar counts the steps of one epoch, and the number of epochs is not known in a training limited by
    minutes. Works with any model, with and without validation data; where the steps of an epoch are not known
    beforehand, the bar moves once per epoch.
    """

    def __init__(self) -> None:
        super().__init__()
        self._bar = tqdm(disable=True)
        self._begin = self._shown = 0.0
        self._epoch = 0
        self._first_epoch: int | None = None

    def on_train_begin(self, logs: Any = None) -> None:
        self._bar.close()  # an interrupted training leaves it open
        self._first_epoch = None
        layout = "Training {percentage:3.0f}%|{bar}| {elapsed} [{postfix}]"
        self._bar = tqdm(total=1.0, bar_format=layout, postfix="compiling", leave=False)

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        self._epoch, self._begin = epoch, time.monotonic()
        if self._first_epoch is None:
            self._first_epoch = epoch

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        now = time.monotonic()
        if now - self._shown < 0.5:  # reading the values waits for the device
            return
        self._shown = now
        model = self.model
        self._bar.n = min(1.0, self._progress(batch))
        step = int(model.global_step.numpy()) if isinstance(model, VAE) else batch + 1
        values = numbers({name: value for name, value in (logs or {}).items() if name in ("mse", "loss")})
        shown = f"mse {values['mse']:.4f}" if "mse" in values else f"loss {values.get('loss', 0.0):.4g}"
        self._bar.set_postfix_str(f"epoch {self._epoch + 1}, step {step:,}, {shown}")

    def _progress(self, batch: int) -> float:
        """How much is done, in [0, 1]: what a VAE knows of its schedules' end, else by what `fit` was asked for."""
        if isinstance(self.model, VAE) and float(self.model.total_steps.numpy()) > 1.0:
            return float(self.model.progress())
        epochs, steps = self.params.get("epochs") or 0, self.params.get("steps")
        first = self._first_epoch or 0
        done = self._epoch - first + ((batch + 1) / steps if steps else 0.0)
        return done / max(epochs - first, 1)

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        seconds = time.monotonic() - self._begin
        self._bar.write(f"epoch {epoch + 1:3d}  {_summary(numbers(logs))}  ({seconds:.0f} s)")

    def on_train_end(self, logs: Any = None) -> None:
        self._bar.close()


def _summary(values: dict[str, float]) -> str:
    """The epoch's values in words: those of a VAE in their units, any other model's under their own names."""
    parts = {"reconstruction_loss": "reconstruction {:.1f}", "kl_loss": "KL {:.1f} nats", "mse": "mse {:.5f}"}
    if not {"loss", *parts} <= set(values):
        return ", ".join(f"{name} {value:.4g}" for name, value in values.items())
    prefix = "val_" if {"val_loss", *(f"val_{name}" for name in parts)} <= set(values) else ""
    training = f"loss {values['loss']:.1f}"
    described = ", ".join(text.format(values[prefix + name]) for name, text in parts.items())
    if not prefix:
        return f"{training}, {described}"
    return f"{training}  validation: loss {values['val_loss']:.1f}, {described}"
