"""What all callbacks that write to TensorBoard have in common: one writer per folder, step = epoch."""

import os
import pathlib
from typing import Any

import keras

from facevae.tensorboard.events import EventWriter, cannot_write


class EventCallback(keras.callbacks.Callback):
    """A callback that writes to one of TensorBoard's runs, at step = epoch.

    Callbacks with the same `log_dir` share one event file, which is open from the first epoch's beginning. A
    later training that begins at epoch n (`initial_epoch`) takes the place of what is there from step n on.

    Args:
        log_dir: TensorBoard's run to write to, a folder.

    Raises:
        UserError: the folder cannot be written.
    """

    def __init__(self, log_dir: str | os.PathLike[str]):
        super().__init__()
        self.log_dir = pathlib.Path(log_dir)
        self._writer: EventWriter | None = None

    @property
    def is_open(self) -> bool:
        """Whether there is a writer: from the first epoch's beginning to the training's end."""
        return self._writer is not None

    @property
    def writer(self) -> EventWriter:
        """What writes the events."""
        assert self._writer is not None, "the writer is opened when the first epoch begins"
        return self._writer

    def on_train_begin(self, logs: Any = None) -> None:
        self.close()  # an earlier training that broke off left it open

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        if self._writer is None:
            self._writer = EventWriter.shared(self.log_dir, first_step=epoch)
            try:
                self.begin(epoch)
            except OSError as error:
                raise cannot_write(self.log_dir, error) from error

    def begin(self, epoch: int) -> None:
        """Called once, before the first epoch of a training."""

    def on_train_end(self, logs: Any = None) -> None:
        self.close()

    def close(self) -> None:
        """Lets the writer go."""
        if self._writer is not None:
            self._writer.close()
            self._writer = None
