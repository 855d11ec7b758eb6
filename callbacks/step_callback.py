"""The base class of callbacks that write inside epochs: one writer per folder, step = training step of the model."""

import os
import pathlib
from typing import Any

import keras

from facevae import arguments
from facevae.configuration.config import MOST_COUNT
from facevae.model import VAE
from facevae.tensorboard.events import EventWriter

EVERY = 50  # steps between two points
# From this many times `every` steps on, the gaps grow with the training, so that a curve has at most a thousand points
# in its first part, and 2,300 more each time that the training becomes ten times as long. TensorBoard shows 10,000.
GROWING_FROM = 1000


class StepCallback(keras.callbacks.Callback):
    """A callback that writes to a TensorBoard run whose steps are training steps; subclasses implement `write`.

    Such points need a folder of their own: a training that is resumed has TensorBoard drop what lies after its
    beginning, and that is one number for all curves of a folder.

    Args:
        log_dir: folder of the TensorBoard run, for callbacks of this kind alone.
        every: steps between two points; later in a long training a thousandth of the steps so far.

    Raises:
        UserError: an argument is wrong; in training, if the folder cannot be written.
    """

    def __init__(self, log_dir: str | os.PathLike[str], every: int = EVERY):
        super().__init__()
        self.log_dir: pathlib.Path = arguments.folder("log_dir", log_dir)
        self.every = arguments.whole_number("every", every, 1, MOST_COUNT)
        self.step = 0  # of the model, as far as it has trained
        self._written = 0
        self._writer: EventWriter | None = None

    @property
    def writer(self) -> EventWriter:
        """The writer of the run's events, while it is open."""
        assert self._writer is not None, "the writer is opened before the first step"
        return self._writer

    def write(self) -> None:
        """Writes a point at `self.step`."""
        raise NotImplementedError

    def on_train_begin(self, logs: Any = None) -> None:
        self._close()  # an interrupted training leaves it open
        self.step = self._written = _steps_taken(self.model)

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        if self._writer is None:
            self._writer = EventWriter.shared(self.log_dir, first_step=self.step + 1)

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        self.step += self.model.steps_per_execution
        if self.step - self._written >= max(self.every, self.step // GROWING_FROM):
            self._write()

    def on_train_end(self, logs: Any = None) -> None:
        if self._writer is not None and self.step > self._written:
            self._write()
        self._close()

    def _write(self) -> None:
        self.write()
        self.writer.flush()
        self._written = self.step

    def _close(self) -> None:
        if self._writer is not None:
            self._writer.close()
            self._writer = None


def _steps_taken(model: keras.Model) -> int:
    """The steps that a model has been trained for before."""
    if isinstance(model, VAE):
        return int(model.global_step.numpy())
    optimizer = getattr(model, "optimizer", None)  # None where a model's own step needs none
    return 0 if optimizer is None else int(optimizer.iterations)
