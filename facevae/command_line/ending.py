"""How a command ends: mistakes and faults of the machine in one line, requests to end, exit statuses."""

import contextlib
import errno
import logging
import os
import sys
import tempfile
from collections.abc import Iterator

from facevae.command_line import display, environment
from facevae.command_line.interruption import Interrupted, Interruption
from facevae.errors import UserError, printable

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
def exit_on_user_error(resumable: bool = False) -> Iterator[None]:
    """What every command runs in: mistakes, faults of the disk and requests to end become one line and a status.

    A `UserError` and an error of the disk end with status 2. A signal ends with that of `Interrupted`. Printing never
    fails; output that a full disk did not take is said in the end. Other exceptions keep their traceback.

    First the environment is set for a command (`environment.settle`).

    Args:
        resumable: whether the command is train.py, which can go on later.
    """
    environment.settle()
    display.install()
    if logging.lastResort is not None:  # shows the warnings of a program that configures no logging
        logging.lastResort.setFormatter(_Printable())
    interruption = Interruption(resumable)
    try:
        with interruption.caught():
            try:
                _check_working_places()
                yield
                _refuse_lost_output(resumable)
            except BaseException as error:
                stop = interruption.behind(error)
                if stop is not None:
                    interruption.say_last_line(stop)
                    sys.exit(stop.status)
                _exit_if_explained(error, resumable)
                raise
    except Interrupted as stop:  # while it was ending
        sys.exit(stop.status)


def _check_working_places() -> None:
    """Fails at once where they are missing: better than a message about the first file that is looked for there."""
    os.getcwd()
    tempfile.gettempdir()


def _exit_if_explained(error: BaseException, resumable: bool) -> None:
    if isinstance(error, SystemExit) and not error.code:
        _refuse_lost_output(resumable)
    elif isinstance(error, UserError):
        print(f"error: {printable(str(error))}{display.where_logged()}", file=sys.stderr)
        sys.exit(error.status)
    elif isinstance(error, OSError) and (advice := _what_to_do(error)) is not None:
        print(f"error: {printable(advice)}{display.where_logged()}", file=sys.stderr)
        sys.exit(2)


def _refuse_lost_output(resumable: bool) -> None:
    reason = display.unwritten_output()
    if reason is not None and not resumable:  # the log of a training has it
        print(
            f"error: standard output could not be written ({reason}); all else was done. "
            "Make room, or print to another place.",
            file=sys.stderr,
        )
        sys.exit(2)


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
