"""The one place that knows TensorBoard's file rules: event files, projector, how to serve a run."""

import contextlib
import os
import pathlib
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from typing import Any

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
from facevae.network_address import LOOPBACK, warn_if_open

# What the server keeps of each tag. Its own default is 10 pictures, and early epochs vanish.
SAMPLES_PER_PLUGIN = "images=1000,histograms=1000,scalars=10000,text=100"

# The server lives as long as its standard input stays open: it ends with us however we end. Without a port it
# looks for a free one from 6006 on; where ten in a row are taken, the operating system gives one.
_SERVER = """
import sys
from tensorboard import program
for port in (None, 0):
    board = program.TensorBoard()
    board.configure(argv=("tensorboard", "--logdir", sys.argv[1], "--samples_per_plugin", sys.argv[2]),
                    host=sys.argv[3], reload_interval=2.0, port=port)
    try:
        address = board.launch()
    except program.TensorBoardServerException as error:
        print(error, file=sys.stderr)
        continue
    print("address", address, flush=True)
    sys.stdin.read()
    break
"""


class EventWriter:
    """Appends to one of TensorBoard's runs, a folder of event files; a resumed training leaves no doubles.

    TensorBoard reads the files of a folder one after the other, in the order of their names, and never
    returns to an earlier one: so one writer at a time, whose file is named to come last. Each file begins
    with a session start at `first_step`, on which TensorBoard forgets what earlier files of the folder hold
    from that step on: a training that was killed between its events and its checkpoint writes those steps
    again. (TensorFlow's own summary writers leave the session start out.) Events are on disk after `flush`; a
    kill in the middle of one leaves a torn end of the file, which TensorBoard skips.

    Args:
        folder: the run, made if it is not there.
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
        self._users = 1
        self._records = RecordWriter(self._file)
        self._add(event_pb2.Event(wall_time=time.time(), file_version="brain.Event:2"))
        start = event_pb2.SessionLog(status=event_pb2.SessionLog.START)
        self._add(event_pb2.Event(wall_time=time.time(), step=first_step, session_log=start))
        self.flush()

    @classmethod
    def shared(cls, folder: str | os.PathLike[str], first_step: int = 0) -> "EventWriter":
        """The open writer of a folder, or a new one; it ends when each who asked for it has closed it."""
        key = pathlib.Path(folder).resolve()
        writer = _shared.get(key)
        if writer is None or writer.closed:
            writer = _shared[key] = cls(folder, first_step)
            writer._users = 0
        writer._users += 1
        return writer

    def scalar(self, tag: str, value: float, step: int, description: str | None = None) -> None:
        """A point of a curve."""
        self.summary(scalar_pb(tag, float(value), description), step)

    def histogram(self, tag: str, values: np.ndarray, step: int, description: str | None = None) -> None:
        """The distribution of `values`, of any shape, in 30 buckets."""
        self.summary(histogram_pb(tag, values, description=description), step)

    def text(self, tag: str, markdown: str, step: int) -> None:
        """A text in Markdown."""
        self.summary(text_pb(tag, markdown), step)

    def image(self, tag: str, image: np.ndarray, step: int, description: str | None = None) -> None:
        """A picture `uint8[height, width, 3]`; what stands before a `/` in the tag names its group."""
        height, width, _ = image.shape
        # A fifth of the default's time for a seventh more bytes.
        png = tf.io.encode_png(image, compression=1).numpy()
        tensor = tensor_util.make_tensor_proto([str(width).encode(), str(height).encode(), png])
        metadata = image_metadata.create_summary_metadata(display_name=None, description=description)
        self.summary(_summary(tag, metadata, tensor), step)

    def custom_scalars(self, layout: layout_pb2.Layout, step: int = 0) -> None:
        """The charts of the custom scalars tab."""
        tensor = tensor_util.make_tensor_proto(layout.SerializeToString())
        metadata = custom_scalar_metadata.create_summary_metadata()
        self.summary(_summary(custom_scalar_metadata.CONFIG_SUMMARY_TAG, metadata, tensor), step)

    def summary(self, summary: Any, step: int) -> None:
        """A summary message, as TensorBoard's `*_pb` functions make them."""
        # Some of them make TensorFlow's class of the same message.
        if not isinstance(summary, summary_pb2.Summary):
            summary = summary_pb2.Summary.FromString(summary.SerializeToString())
        self._add(event_pb2.Event(wall_time=time.time(), step=step, summary=summary))

    def flush(self) -> None:
        """Hands all events to the operating system, from where the server reads them.

        Raises:
            UserError: the disk is full, or the folder is gone.
        """
        try:
            self._file.flush()
        except OSError as error:
            raise cannot_write(self.folder, error) from error

    def close(self) -> None:
        """Ends the file, once all who share it have closed it."""
        self._users -= 1
        if self._users <= 0:
            self._file.close()

    @property
    def closed(self) -> bool:
        """Whether `close` was called."""
        return self._file.closed

    def _add(self, event: event_pb2.Event) -> None:
        try:
            self._records.write(event.SerializeToString())
        except OSError as error:
            raise cannot_write(self.folder, error) from error


_shared: dict[pathlib.Path, EventWriter] = {}


def _last_file_name(folder: pathlib.Path) -> str:
    """A name for an event file that comes after all others there, also within the same second."""
    stamps = [path.name.split(".")[3] for path in folder.glob("events.out.tfevents.*")]
    newest = max((int(stamp) for stamp in stamps if stamp.isdecimal()), default=0)
    return f"events.out.tfevents.{max(int(time.time()), newest + 1):010d}.facevae"


def _summary(tag, metadata, tensor):
    summary = summary_pb2.Summary()
    summary.value.add(tag=tag, metadata=metadata, tensor=tensor)
    return summary


def cannot_write(folder: pathlib.Path, error: OSError) -> UserError:
    """What to tell a user whose log folder takes no more."""
    return UserError(
        f"log folder: {str(folder)!r} cannot be written ({error.strerror or error}). "
        "Make room or give another folder, then go on with --resume."
    )


# ------------------------------------------------------------------------------
# Serving
# ------------------------------------------------------------------------------


@contextlib.contextmanager
def serve(logs: str | os.PathLike[str], host: str = LOOPBACK) -> Iterator[str]:
    """Serves a log folder, to this machine alone unless told otherwise, and stops at the end of the block.

    The server is a process of its own, so that it takes no time from the training's threads.

    Args:
        logs: TensorBoard's folder; it may be empty still.
        host: the address that the server listens on; one that others reach opens the run to them, with a warning.

    Yields:
        The address, `http://127.0.0.1:<port>/`: 6006, or another one if that is taken. It is printed as well.

    Raises:
        UserError: the server does not start.
    """
    pathlib.Path(logs).mkdir(parents=True, exist_ok=True)
    # Into a file: a pipe that nobody reads would fill up and stop the server.
    with tempfile.TemporaryFile("w+") as complaints:
        process = subprocess.Popen(
            # -P: not one module is taken from the working folder, whatever lies there.
            [sys.executable, "-P", "-c", _SERVER, os.fspath(logs), SAMPLES_PER_PLUGIN, host],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=complaints,
            text=True,
            start_new_session=True,  # Ctrl-C is for the training, which then ends the server
        )
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            line = process.stdout.readline()
            if not line.startswith("address "):
                process.stdin.close()
                process.wait()
                complaints.seek(0)
                reason = (complaints.read().strip().splitlines() or ["it ended without a word"])[-1]
                raise UserError(
                    f"TensorBoard does not start on {host}: {reason}. Give --host an address of this machine, or "
                    "train without --tensorboard and start it by hand: "
                    f"tensorboard --logdir {logs} --samples_per_plugin {SAMPLES_PER_PLUGIN}"
                )
            address = line.split()[1]
            warn_if_open(host, "this run in TensorBoard")
            print(f"TensorBoard: {address}")
            yield address
        finally:
            process.stdin.close()
            try:
                process.wait(timeout=10.0)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            process.stdout.close()
