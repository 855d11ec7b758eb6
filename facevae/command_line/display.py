"""What a command shows. A terminal or pipe that goes away ends no command, and `train.log` keeps what was printed."""

import contextlib
import errno
import os
import re
import sys
import threading
import time
from collections.abc import Iterable, Iterator
from typing import Any, TextIO

from facevae.errors import printable

# What was asked for is missing after these: no space, a quota, a limit. A reader that left has seen what it wanted.
_FULL = {errno.ENOSPC, errno.EFBIG, getattr(errno, "EDQUOT", errno.ENOSPC)}
_COLOURS_AND_MOVES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
_MOST_HELD_LINES = 1000


class _Log:
    """Lines with their time: held back until there is a file, then appended to it, each at once."""

    def __init__(self) -> None:
        self.path: os.PathLike[str] | None = None
        self._held: list[str] = []
        self._file = -1

    def open(self, path: os.PathLike[str]) -> None:
        """Appends to a file from here on, and first what was held back.

        Raises:
            OSError: it cannot be written, or is no regular file.
        """
        # Neither through a link, which may lead anywhere, nor into a pipe, which may have no reader.
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT
        flags |= getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
        self._file = os.open(path, flags, 0o666)
        self.path = path
        held, self._held = self._held, []
        for entry in held:
            self._write(entry)

    def add(self, line: str) -> None:
        line = _COLOURS_AND_MOVES.sub("", line.rsplit("\r", 1)[-1]).rstrip()
        if not line:
            return
        entry = f"{time.strftime('%Y-%m-%d %H:%M:%S')}  {_on_one_line(line)}\n"
        if self._file >= 0:
            self._write(entry)
        elif len(self._held) < _MOST_HELD_LINES:
            self._held.append(entry)

    def _write(self, entry: str) -> None:
        # Where the disk is full, saving the run will say so.
        with contextlib.suppress(OSError):
            os.write(self._file, entry.encode("utf-8", "backslashreplace"))


class _Stream:
    """Standard output or error: what cannot be shown is dropped, progress bars are for terminals only.

    Attributes:
        lost: why nothing can be shown any more; None while it can.
    """

    def __init__(self, stream: TextIO, log: _Log):
        self._stream, self._log = stream, log
        self._line, self._has_bars, self._at_line_start = "", False, True
        self.lost: OSError | ValueError | None = None
        if hasattr(stream, "reconfigure"):
            # Folder names may contain characters that the terminal's encoding lacks.
            stream.reconfigure(errors="backslashreplace", line_buffering=True)

    def write(self, text: str) -> int:
        is_bar = self._is_of_bar(text)
        if not is_bar:
            *lines, self._line = (self._line + text).split("\n")
            for line in lines:
                self._log.add(line)
        if not is_bar or self.isatty():
            self._show(text)
        return len(text)

    def writelines(self, lines: Iterable[str]) -> None:
        for line in lines:
            self.write(line)

    def flush(self) -> None:
        self._show("")

    def isatty(self) -> bool:
        try:
            return self.lost is None and self._stream.isatty()
        except ValueError:  # closed
            return False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def _is_of_bar(self, text: str) -> bool:
        """Whether a text is a progress bar's: tqdm writes each state as `\\r...`, and moves between several bars."""
        if text.startswith("\r"):
            self._has_bars = self._at_line_start = True
            return True
        moves = "\x1b[A\n" if self._has_bars and self._at_line_start else "\x1b[A"
        if not text.strip(moves):
            return True
        self._at_line_start = text.endswith("\n")
        return False

    def _show(self, text: str) -> None:
        if self.lost is not None:
            return
        try:
            self._stream.write(text)
            self._stream.flush()
        except BlockingIOError:  # full for the moment
            pass
        except (OSError, ValueError) as error:
            self._lose(error)

    def _lose(self, error: OSError | ValueError) -> None:
        self.lost = error
        self._log.add(f"({self._stream.name} cannot be written any more: {error})")
        # For native code, other processes and what is still buffered.
        with contextlib.suppress(OSError, ValueError):
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, self._stream.fileno())
            os.close(nowhere)


_log = _Log()
_last_resort = (
    -1
)  # standard error as it was at the start: TensorFlow's import and conversions redirect descriptor 2


def install() -> None:
    """Makes standard output and error of this process such that printing never fails, for the rest of the process."""
    global _log, _last_resort
    _open_closed_descriptors()
    if _last_resort < 0:
        _last_resort = os.dup(2)
    _log = _Log()
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if isinstance(stream, _Stream):
            stream = stream._stream
        setattr(sys, name, _Stream(stream, _log))


def keep_log(path: os.PathLike[str], headline: str = "") -> None:
    """Appends to a file what this process prints, from its start on, each line with its time; no progress bars.

    A file that cannot be written costs a warning. Without `install` nothing is kept.

    Args:
        path: the file; its folder exists.
        headline: a line for the log alone, before the others.
    """
    if not isinstance(sys.stderr, _Stream):
        return
    held, _log._held = _log._held, []
    if headline:
        _log.add(headline)
    _log._held += held
    try:
        _log.open(path)
    except OSError as error:
        print(
            f"warning: {printable(str(path))} cannot be written ({error.strerror}): this training has no log.",
            file=sys.stderr,
        )


def where_logged() -> str:
    """The end of a message: where the log is, if there is one."""
    return f" Log: {printable(str(_log.path))}" if _log.path is not None else ""


def say_last(line: str) -> None:
    """Shows a line on standard error and in the log although the process is stuck, just before it is ended."""
    _log.add(line)
    with contextlib.suppress(OSError, ValueError):
        descriptor = 2 if _last_resort < 0 else _last_resort
        begin = "\n" if os.isatty(descriptor) else ""
        os.write(descriptor, f"{begin}{line}\n".encode("utf-8", "backslashreplace"))


def unwritten_output() -> str | None:
    """Why standard output is incomplete, where that is a fault (a full disk) and not a reader that left."""
    lost = getattr(sys.stdout, "lost", None)
    return lost.strerror if isinstance(lost, OSError) and lost.errno in _FULL else None


def _on_one_line(text: str) -> str:
    """`printable`, but tabs stay."""
    return "\t".join(map(printable, text.split("\t")))


def _open_closed_descriptors() -> None:
    """Opens descriptors 0 to 2 where they were closed (`>&-`): else the next files would get them, and all output."""
    for descriptor in range(3):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # the lowest free one
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115 (until the process ends)


@contextlib.contextmanager
def elapsed_time(label: str) -> Iterator[None]:
    """Shows a label and the seconds since its beginning while a library that tells no progress works."""
    from tqdm import tqdm

    done = threading.Event()
    with tqdm(desc=label, bar_format="{desc}: {elapsed}", leave=False) as shown:

        def show() -> None:
            while not done.wait(0.5):
                shown.refresh()

        thread = threading.Thread(target=show, daemon=True)
        thread.start()
        try:
            yield
        finally:
            done.set()
            thread.join()
