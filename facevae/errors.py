"""Errors that the user can fix, and how the commands show them."""

import contextlib
import errno
import sys
from collections.abc import Iterator

from facevae import display
from facevae.interruption import RESUME_STATUS, Interrupted, Interruption


class UserError(ValueError):
    """A mistake in a flag, a file or a folder; the message says what was expected, what was received, what to do.

    Attributes:
        status: the exit status of a command that it ends.
    """

    status = 2


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

    status = RESUME_STATUS


def printable(text: str) -> str:
    """The text on one line with control characters and undecodable bytes escaped, which file names may contain."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text)


# Full or over quota, read-only, not permitted, broken.
_DISK_ERRORS = {errno.ENOSPC, errno.EROFS, errno.EACCES, errno.EPERM, errno.EFBIG, errno.EIO}
_DISK_ERRORS.add(getattr(errno, "EDQUOT", errno.ENOSPC))  # not on Windows


@contextlib.contextmanager
def exit_on_user_error(resumable: bool = False) -> Iterator[None]:
    """What every command runs in: mistakes, faults of the disk and requests to end become one line and a status.

    A `UserError` and an error of the disk end with status 2. A signal ends with that of `Interrupted`. Printing never
    fails; output that a full disk did not take is said in the end. Other exceptions keep their traceback.

    Args:
        resumable: whether the command is train.py, which can go on later.
    """
    display.install()
    interruption = Interruption(resumable)
    try:
        with interruption.caught():
            try:
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


def _exit_if_explained(error: BaseException, resumable: bool) -> None:
    if isinstance(error, SystemExit) and not error.code:
        _refuse_lost_output(resumable)
    elif isinstance(error, UserError):
        print(f"error: {error}{display.where_logged()}", file=sys.stderr)
        sys.exit(error.status)
    elif isinstance(error, OSError) and error.errno in _DISK_ERRORS:
        print(
            f"error: {error.filename or 'a file'}: {error.strerror}. Earlier files are intact. "
            "Make room or fix the permissions, then start the command again (train.py with --resume)."
            f"{display.where_logged()}",
            file=sys.stderr,
        )
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
