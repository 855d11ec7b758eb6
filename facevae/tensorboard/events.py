"""Writing TensorBoard's event files so that a resumed training shows each step once."""

import contextlib
import os
import pathlib
import time
import weakref
from typing import IO, Any

import numpy as np
import tensorflow as tf
from tensorboard.compat.proto import event_pb2, summary_pb2
from tensorboard.plugins.custom_scalar import layout_pb2
from tensorboard.plugins.custom_scalar import metadata as custom_scalar_metadata
from tensorboard.plugins.histogram.summary_v2 import histogram_pb
from tensorboard.plugins.image import metadata as image_metadata
from tensorboard.plugins.scalar.summary_v2 import scalar_pb
from tensorboard.plugins.text.summary_v2 import text_pb
from tensorboard.summary.writer.record_writer import RecordWriter
from tensorboard.util import tensor_util

from facevae.errors import UserError


class EventWriter:
    """Writes an event file into a folder that TensorBoard shows as a run. No step appears twice after a resume.

    TensorBoard reads the files of a folder in the order of their names and never returns to an earlier one.
    Therefore a folder has one writer at a time, and the name of its file sorts last. Each file begins with a
    session start at `first_step`, on which TensorBoard discards the events of earlier files from that step on:
    a training that was killed between its events and its checkpoint writes those steps again. (TensorFlow's
    own summary writers write no session start.) `flush` hands events to the operating system; a process killed
    while it writes leaves an incomplete event at the end of the file, which TensorBoard skips.

    Args:
        folder: of the run; created if it does not exist.
        first_step: the first step that will be written.

    Raises:
        UserError: the folder cannot be written.
    """

    def __init__(self, folder: str | os.PathLike[str], first_step: int = 0):
        self.folder = pathlib.Path(folder)
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            self._file = open(self.folder / _last_file_name(self.folder), "xb")  # noqa: SIM115
        except OSError as error:
            raise cannot_write(self.folder, error) from error
        # A training that breaks off never calls its callbacks' on_train_end.
        weakref.finalize(self, _close, self._file)
        self._users = 1
        self._records = RecordWriter(self._file)
        self._add(event_pb2.Event(wall_time=time.time(), file_version="brain.Event:2"))
        start = event_pb2.SessionLog(status=event_pb2.SessionLog.START)
        self._add(event_pb2.Event(wall_time=time.time(), step=first_step, session_log=start))
        self.flush()

    @classmethod
    def shared(cls, folder: str | os.PathLike[str], first_step: int = 0) -> "EventWriter":
        """The open writer of a folder, or a new one. The file is closed when every user has called `close`."""
        key = pathlib.Path(folder).resolve()
        writer = _shared.get(key)
        if writer is None or writer.closed:
            writer = _shared[key] = cls(folder, first_step)
            writer._users = 0
        writer._users += 1
        return writer

    def scalar(self, tag: str, value: float, step: int, description: str | None = None) -> None:
        """Writes a point of a curve."""
        self.summary(scalar_pb(tag, float(value), description), step)

    def histogram(self, tag: str, values: np.ndarray, step: int, description: str | None = None) -> None:
        """Writes the distribution of `values`, of any shape, in 30 buckets."""
        self.summary(histogram_pb(tag, values, description=description), step)

    def text(self, tag: str, markdown: str, step: int) -> None:
        """Writes a text in Markdown. What UTF-8 has no form for, as in names of files, is escaped."""
        self.summary(text_pb(tag, markdown.encode("utf-8", "backslashreplace").decode()), step)

    def image(self, tag: str, image: np.ndarray, step: int, description: str | None = None) -> None:
        """Writes a picture `uint8[height, width, 3]`; the part of the tag before a `/` is its group."""
        height, width, _ = image.shape
        # Takes a fifth of the default level's time for a seventh more bytes.
        png = tf.io.encode_png(image, compression=1).numpy()
        tensor = tensor_util.make_tensor_proto([str(width).encode(), str(height).encode(), png])
        metadata = image_metadata.create_summary_metadata(display_name=None, description=description)
        self.summary(_summary(tag, metadata, tensor), step)

    def custom_scalars(self, layout: layout_pb2.Layout, step: int = 0) -> None:
        """Writes the layout of the Custom Scalars tab."""
        tensor = tensor_util.make_tensor_proto(layout.SerializeToString())
        metadata = custom_scalar_metadata.create_summary_metadata()
        self.summary(_summary(custom_scalar_metadata.CONFIG_SUMMARY_TAG, metadata, tensor), step)

    def summary(self, summary: Any, step: int) -> None:
        """Writes a summary message, as TensorBoard's `*_pb` functions return it."""
        # Some of them return TensorFlow's class for the same message.
        if not isinstance(summary, summary_pb2.Summary):
            summary = summary_pb2.Summary.FromString(summary.SerializeToString())
        self._add(event_pb2.Event(wall_time=time.time(), step=step, summary=summary))

    def flush(self) -> None:
        """Hands all events to the operating system, so that the server can read them.

        Raises:
            UserError: the disk is full, or the folder is gone.
        """
        try:
            self._file.flush()
        except OSError as error:
            raise self._given_up(error) from error

    def close(self) -> None:
        """Closes the file if no other user of a shared writer still needs it."""
        self._users -= 1
        if self._users <= 0:
            self._file.close()

    @property
    def closed(self) -> bool:
        """Whether the file is closed."""
        return self._file.closed

    def _add(self, event: event_pb2.Event) -> None:
        try:
            self._records.write(event.SerializeToString())
        except OSError as error:
            raise self._given_up(error) from error

    def _given_up(self, error: OSError) -> UserError:
        self._file.raw.close()  # or Python would write the rest when it ends, and show a second error
        return cannot_write(self.folder, error)


_shared: weakref.WeakValueDictionary[pathlib.Path, EventWriter] = weakref.WeakValueDictionary()


def _close(file: IO[bytes]) -> None:
    with contextlib.suppress(OSError):  # of a full disk `flush` has told
        file.close()


def _last_file_name(folder: pathlib.Path) -> str:
    """A name for an event file that sorts after all others in the folder, even within the same second."""
    stamps = [path.name.split(".")[3] for path in folder.glob("events.out.tfevents.*")]
    newest = max((int(stamp) for stamp in stamps if stamp.isdecimal()), default=0)
    return f"events.out.tfevents.{max(int(time.time()), newest + 1):010d}.facevae"


def _summary(tag, metadata, tensor):
    summary = summary_pb2.Summary()
    summary.value.add(tag=tag, metadata=metadata, tensor=tensor)
    return summary


def cannot_write(folder: pathlib.Path, error: OSError) -> UserError:
    """The error for a log folder that cannot be written."""
    return UserError(
        f"log folder: {str(folder)!r} cannot be written ({error.strerror or error}). "
        "Free disk space or make the folder writable, then start the command again (train.py with --resume)."
    )
