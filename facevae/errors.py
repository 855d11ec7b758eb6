"""Errors that the user can fix, and how the commands show them."""

import contextlib
import errno
import io
import logging
import os
import sys
from collections.abc import Iterator

from facevae import environment


class UserError(ValueError):
    """A mistake in a flag, a file or a folder; the message says what was expected, what was received, what to do."""


class DataNotFoundError(UserError):
    """A data set was not found.

    Args:
        problem: what was expected and what was found, a sentence.
        advice: what to do next.
    """

    def __init__(self, problem: str, advice: str):
        super().__init__(f"{problem} {advice}")
        self.problem = problem


class WorkerLostError(UserError):
    """Distributed training ended because another worker was lost; what was saved is intact."""


def printable(text: str) -> str:
    """The text on one line with control characters and undecodable bytes escaped, which file names may contain."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text)


# What the machine answers, and what to do then. Some systems lack some of the names.
_DISK = "Make room or fix the permissions, then start the command again (train.py with --resume)."
_ADVICE = {
    # Full or over quota, read-only, not permitted, broken.
    "ENOSPC EDQUOT EROFS EACCES EPERM EFBIG EIO": f"Earlier files are intact. {_DISK}",
    "ENAMETOOLONG EILSEQ": "The disk takes no such name: give a shorter or plainer one.",
    "ENOTDIR EISDIR ELOOP": "Correct the path: a part of it is not what it should be.",
    "EMFILE ENFILE": "Allow this process more open files (ulimit -n 4096), then start the command again.",
    "ENOMEM EAGAIN": "Close other programs or allow more memory and processes, then start the command again.",
    "ENOLCK ENOSYS ENOTSUP EOPNOTSUPP ENODEV": "This disk cannot do that: give a folder on another one.",
    "ESTALE ENXIO ETIMEDOUT EHOSTDOWN EREMOTEIO": f"Earlier files are intact. Connect the disk again. {_DISK}",
}


@contextlib.contextmanager
def exit_on_user_error() -> Iterator[None]:
    """Turns a `UserError`, or an error of the machine, into one message on standard error and exit status 2.

    Other exceptions keep their traceback. First the environment is set for a command (`environment.settle`).
    """
    environment.settle()
    _print_every_name()
    try:
        os.getcwd()  # fails where it is gone: better than a message about the first file that is looked for in it
        yield
    except UserError as error:
        print(f"error: {printable(str(error))}", file=sys.stderr)
        sys.exit(2)
    except OSError as error:
        advice = _what_to_do(error)
        if advice is None:
            raise
        print(f"error: {printable(advice)}", file=sys.stderr)
        sys.exit(2)


def _print_every_name() -> None:
    """Names of files may hold characters that the terminal's encoding lacks, or that a terminal obeys."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")
    if logging.lastResort is not None:  # shows the warnings of a program that configures no logging
        logging.lastResort.setFormatter(_Printable())


class _Printable(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        return printable(super().format(record))


def _what_to_do(error: OSError) -> str | None:
    """The message for an error of the machine; None for one that is a mistake of the program."""
    if error.errno == errno.ENOENT and error.filename is None:
        if str(error.strerror).startswith("No usable temporary directory"):  # tempfile, in English everywhere
            return "temporary files: no folder for them can be written. Set TMPDIR to one that can, e.g. TMPDIR=$PWD."
        return "current folder: it is gone. Change to another one (cd), then start the command again."
    for names, advice in _ADVICE.items():
        if error.errno in [getattr(errno, name) for name in names.split() if hasattr(errno, name)]:
            where = os.fsdecode(error.filename) if isinstance(error.filename, str | bytes) else "a file"
            return f"{where}: {error.strerror}. {advice}"
    return None
