"""Losses, learning rate and speed as TensorBoard scalars."""

import os
import pathlib
import time
from typing import Any

import keras

from callbacks.logs import numbers
from facevae import arguments
from facevae.configuration.config import check_settings
from facevae.tensorboard.events import EventWriter

SPLITS = ("train", "validation")


class Scalars(keras.callbacks.Callback):
    """Writes every number of each epoch to `<log_dir>/train` and `<log_dir>/validation`.

    The step is the epoch, counted from 1. Training: the model's metrics, the learning rate, and `images_per_second`
    without the epoch's first execution. Validation: the model's metrics under the same names, so that TensorBoard
    draws both in one chart.

    Args:
        log_dir: folder of the two TensorBoard runs `train` and `validation`.
        batch_size: images per step.
    """

    def __init__(self, log_dir: str | os.PathLike[str], batch_size: int):
        super().__init__()
        self.log_dir: pathlib.Path = arguments.folder("log_dir", log_dir)
        self.batch_size: int = check_settings({"batch_size": batch_size})["batch_size"]
        self._writers: dict[str, EventWriter] = {}
        self._steps, self._begin, self._end = 0, 0.0, 0.0

    def on_train_begin(self, logs: Any = None) -> None:
        self._close()  # an interrupted training leaves them open

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        self._steps, self._begin = 0, 0.0
        if not self._writers:
            self._writers = {split: EventWriter.shared(self.log_dir / split, epoch + 1) for split in SPLITS}

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        # The time of the first execution is left out: it fills the input pipeline and, once per training, compiles.
        self._end = time.monotonic()
        if not self._begin:
            self._begin = self._end
        else:
            self._steps += self.model.steps_per_execution

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        curves = numbers(logs)
        if self._steps:
            curves["images_per_second"] = self._steps * self.batch_size / (self._end - self._begin)
        optimizer = getattr(self.model, "optimizer", None)  # None where a model's own step needs none
        if optimizer is not None:
            curves["learning_rate"] = float(optimizer.learning_rate)
        for name, value in curves.items():
            split = "validation" if name.startswith("val_") else "train"
            self._writers[split].scalar(name.removeprefix("val_"), value, epoch + 1)
        for writer in self._writers.values():
            writer.flush()

    def on_train_end(self, logs: Any = None) -> None:
        self._close()

    def _close(self) -> None:
        for writer in self._writers.values():
            writer.close()
        self._writers = {}
