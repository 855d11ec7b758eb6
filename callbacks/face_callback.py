"""The base class of callbacks that show fixed faces, and the epochs after which they write."""

import os
from typing import Any

from callbacks.event_callback import EventCallback
from callbacks.shared_encoding import SharedEncoding
from facevae import arguments
from facevae.run.encodings import Encodings
from facevae.tensorboard.events import cannot_write

# Every epoch up to this one is written, then every 10th, from epoch 1,000 on every 100th, and always the last:
# 190 points in the first 1,000 epochs, 10 in each 1,000 after that. TensorBoard shows all of them if it is started
# with facevae.tensorboard.server.SAMPLES_PER_PLUGIN.
EVERY_EPOCH_UNTIL = 100
# Most faces, rows or panels that a callback can be asked for: more are no picture that can be looked at.
MOST_SHOWN = 1024


def is_due(epoch: int) -> bool:
    """Whether pictures are written after this epoch, counted from 1."""
    if epoch <= EVERY_EPOCH_UNTIL:
        return True
    return epoch % (10 if epoch <= 10 * EVERY_EPOCH_UNTIL else 100) == 0


def checked_faces(faces: SharedEncoding) -> SharedEncoding:
    """The argument `faces` of a callback."""
    return arguments.instance(
        "faces", faces, SharedEncoding, "Make one of your images: SharedEncoding(images)."
    )


class FaceCallback(EventCallback):
    """A callback that shows fixed faces and their latents after each due epoch; subclasses implement `write`.

    Args:
        faces: the fixed faces. Pass the same object to all callbacks: they are then encoded once per epoch.
        log_dir: folder of the TensorBoard run to write to.

    Raises:
        UserError: other faces than a `SharedEncoding`; in training, if the model lacks `encode` or `decode`, or the
            folder cannot be written.
    """

    def __init__(self, faces: SharedEncoding, log_dir: str | os.PathLike[str]):
        super().__init__(log_dir)
        self.faces = checked_faces(faces)
        self._last_epoch: int | None = None
        self._last_written: int | None = None

    def write(self, epoch: int, encodings: Encodings) -> None:
        """Writes what is shown of an epoch, counted from 1, to `self.writer`, given the posterior of a face or more."""
        raise NotImplementedError

    def on_train_begin(self, logs: Any = None) -> None:
        super().on_train_begin(logs)
        self._last_epoch = self._last_written = None
        self.faces.attach(self.model)

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        self._last_epoch = epoch + 1
        if is_due(self._last_epoch):
            self._write(self._last_epoch)

    def on_train_end(self, logs: Any = None) -> None:
        if self._last_epoch != self._last_written:
            self._write(self._last_epoch)
        super().on_train_end(logs)

    def _write(self, epoch):
        encodings = self.faces.encodings(epoch - 1)  # as Keras counts
        if len(encodings.mean):
            try:
                self.write(epoch, encodings)
            except OSError as error:
                raise cannot_write(self.log_dir, error) from error
            self.writer.flush()
        self._last_written = epoch
