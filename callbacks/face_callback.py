"""What the callbacks that look at faces have in common: when they write, and where to."""

import os
import pathlib
from typing import Any

import keras

from callbacks.shared_encoding import SharedEncoding
from facevae.encodings import Encodings
from facevae.tensorboard_files import EventWriter

# Every epoch up to here is written, later every tenth, from ten times as many on every hundredth, and always
# the
# last: 190 points by epoch 1000 and 10 for each thousand more, which TensorBoard keeps all
#     (SAMPLES_PER_PLUGIN).
EVERY_EPOCH_UNTIL = 100


def is_due(epoch: int) -> bool:
    """Whether pictures are written after this epoch."""
    if epoch < EVERY_EPOCH_UNTIL:
        return True
    return epoch % (10 if epoch < 10 * EVERY_EPOCH_UNTIL else 100) == 0


class FaceCallback(keras.callbacks.Callback):
    """A callback that writes what the model makes of some fixed faces to TensorBoard, at step = epoch.

    Subclasses say what in `write`. Callbacks with the same `log_dir` write to one file.

    Args:
        faces: the fixed faces; give the same object to all callbacks, and they are encoded once per epoch.
        log_dir: TensorBoard's run to write to, a folder.

    Raises:
        UserError: when training begins, if the model lacks what is needed or the folder cannot be written.
    """

    def __init__(self, faces: SharedEncoding, log_dir: str | os.PathLike[str]):
        super().__init__()
        self.faces, self.log_dir = faces, pathlib.Path(log_dir)
        self.writer: EventWriter | None = None
        self._last_epoch: int | None = None
        self._last_written: int | None = None

    def write(self, epoch: int, encodings: Encodings) -> None:
        """Writes what there is to see after `epoch`, given the posterior of the faces (at least one)."""
        raise NotImplementedError

    def on_train_begin(self, logs: Any = None) -> None:
        self._close()  # an earlier training that broke off left it open
        self._last_epoch = self._last_written = None
        self.faces.attach(self.model)

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        if self.writer is None:
            self.writer = EventWriter.shared(self.log_dir, first_step=epoch)

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        self._last_epoch = epoch
        if is_due(epoch):
            self._write(epoch)

    def on_train_end(self, logs: Any = None) -> None:
        if self._last_epoch != self._last_written:
            self._write(self._last_epoch)
        self._close()

    def _write(self, epoch):
        encodings = self.faces.encodings(epoch)
        if len(encodings.mean):
            self.write(epoch, encodings)
            self.writer.flush()
        self._last_written = epoch

    def _close(self):
        if self.writer is not None:
            self.writer.close()
            self.writer = None
