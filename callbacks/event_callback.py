"""The base class of callbacks that write to one TensorBoard run: one writer per folder, step = epoch counted from 1."""

import os
import pathlib
from typing import Any

import keras

from facevae import arguments
from facevae.tensorboard.events import EventWriter, cannot_write


class EventCallback(keras.callbacks.Callback):
    """A callback that writes to one TensorBoard run; the step is the epoch, counted from 1 as everywhere users read it.

    Callbacks with the same `log_dir` share one event file, opened when the first epoch begins. A later training
    with `initial_epoch=n` replaces the events from step n + 1 on.

    Args:
        log_dir: folder of the TensorBoard run to write to.

    Raises:
        UserError: no path of a folder; in training, if the folder cannot be written.
    """

    def __init__(self, log_dir: str | os.PathLike[str]):
        super().__init__()
        self.log_dir: pathlib.Path = arguments.folder("log_dir", log_dir)
        self._writer: EventWriter | None = None

    @property
    def is_open(self) -> bool:
        """Whether there is a writer: from the beginning of the first epoch to the end of training."""
        return self._writer is not None

    @property
    def writer(self) -> EventWriter:
        """The writer of the run's events, while it is open."""
        assert self._writer is not None, "the writer is opened when the first epoch begins"
        return self._writer

    def on_train_begin(self, logs: Any = None) -> None:
        self.close()  # an interrupted training leaves it open

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        if self._writer is None:
            self._writer = EventWriter.shared(self.log_dir, first_step=epoch + 1)
            try:
                self.begin(epoch + 1)
            except OSError as error:
                raise cannot_write(self.log_dir, error) from error

    def begin(self, epoch: int) -> None:
        """Called once per training, when its first epoch begins; epochs are counted from 1."""

    def on_train_end(self, logs: Any = None) -> None:
        self.close()

    def close(self) -> None:
        """Closes the writer, if it is open; its file ends when every callback that shares it has closed it."""
        if self._writer is not None:
            self._writer.close()
            self._writer = None
