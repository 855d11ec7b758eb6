"""One progress bar for the whole training, and a line for each epoch."""

import time
from typing import Any

import keras
from tqdm import tqdm

from callbacks.logs import numbers
from facevae.configuration.config import check_settings
from facevae.model import VAE
from facevae.model.sharpening import Sharpener


class ProgressBar(keras.callbacks.Callback):
    """Shows how much of the training is done, in percent of its steps or its minutes, whichever limits it.

    Keras' own bar counts the steps of one epoch, and the number of epochs is not known in a training limited by
    minutes. Works with any model, with and without validation data; where the steps of an epoch are not known
    beforehand, the bar moves once per epoch.

    Args:
        batch_size: images per step, for the images per second in the bar; None leaves them out.
    """

    def __init__(self, batch_size: int | None = None) -> None:
        super().__init__()
        self.batch_size: int | None = None
        if batch_size is not None:
            self.batch_size = check_settings({"batch_size": batch_size})["batch_size"]
        self._bar = tqdm(disable=True)
        self._begin = self._shown = 0.0
        self._epoch = self._steps = 0
        self._first_epoch: int | None = None
        self._columns: tuple[str, ...] | None = None

    def on_train_begin(self, logs: Any = None) -> None:
        self._bar.close()  # an interrupted training leaves it open
        self._first_epoch = self._columns = None
        phase = "Sharpening" if isinstance(self.model, Sharpener) else "Training"
        layout = phase + " {percentage:3.0f}%|{bar}| {elapsed}, {remaining} left{postfix}"
        self._bar = tqdm(total=1.0, bar_format=layout, postfix="compiling", leave=False)

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        self._epoch, self._begin = epoch, time.monotonic()
        self._shown, self._steps = self._begin, 0
        if self._first_epoch is None:
            self._first_epoch = epoch
            # What an earlier training has done takes no time.
            self._bar.initial = self._bar.n = self._progress(-1)

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        now = time.monotonic()
        self._steps += 1
        seconds = now - self._shown
        if seconds < 0.5:  # reading the values waits for the device
            return
        model = self.model
        self._bar.n = min(1.0, self._progress(batch))
        step = int(model.global_step.numpy()) if isinstance(model, VAE) else batch + 1
        values = numbers({name: value for name, value in (logs or {}).items() if name in ("mse", "loss")})
        shown = [f"epoch {self._epoch + 1}", f"step {step:,}"]
        if self.batch_size is not None:
            shown.append(f"{self._steps * self.batch_size / seconds:,.0f} images/s")
        shown.append(f"mse {values['mse']:.4f}" if "mse" in values else f"loss {values.get('loss', 0.0):.4g}")
        self._bar.set_postfix_str(", ".join(shown))
        self._shown, self._steps = now, 0

    def _progress(self, batch: int) -> float:
        """How much is done, in [0, 1]: what a VAE knows of its schedules' end, else by what `fit` was asked for."""
        if isinstance(self.model, VAE) and float(self.model.total_steps.numpy()) > 1.0:
            return float(self.model.progress())
        epochs, steps = self.params.get("epochs") or 0, self.params.get("steps")
        first = self._first_epoch or 0
        done = self._epoch - first + ((batch + 1) / steps if steps else 0.0)
        return done / max(epochs - first, 1)

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        values, seconds = numbers(logs), time.monotonic() - self._begin
        columns = _columns(values)
        if columns and columns != self._columns:
            self._bar.write(_heading(columns))
        self._columns = columns
        cells = "  ".join(_COLUMNS[name][1].format(values[name]) for name in columns)
        described = cells or "  ".join(f"{name} {value:.4g}" for name, value in values.items())
        self._bar.write(f"{epoch + 1:5d}  {described}  {seconds:5.0f} s")

    def on_train_end(self, logs: Any = None) -> None:
        self._bar.close()


# What is shown of a VAE's epochs: titles, and values as wide, so that a line fits a terminal of 80 characters.
_PARTS = {
    "reconstruction_loss": ("reconstruction", "{:14.1f}"),
    "kl_loss": ("     KL", "{:7.1f}"),
    "mse": ("    mse", "{:7.5f}"),
}
_COLUMNS = {"loss": ("  training", "{:10.1f}"), "val_loss": ("validation", "{:10.1f}"), **_PARTS}
_COLUMNS |= {f"val_{name}": column for name, column in _PARTS.items()}


def _columns(values: dict[str, float]) -> tuple[str, ...]:
    """The names of the values that are shown in columns; none for a model that reports others."""
    trained, validated = ("loss", *_PARTS), ("loss", "val_loss", *(f"val_{name}" for name in _PARTS))
    if not set(trained) <= set(values):
        return ()
    return validated if set(validated) <= set(values) else trained


def _heading(columns: tuple[str, ...]) -> str:
    parts = "validation is" if "val_loss" in columns else "training is"
    titles = "  ".join(_COLUMNS[name][0] for name in columns)
    return (
        f"Losses in nats per image; {parts} the sum of reconstruction and KL.\n"
        "Lower is better. Below 0 is usual: the density of a pixel's value can exceed 1.\n"
        f"epoch  {titles}     time"
    )
