"""Errors that the user can fix, and how the commands show them."""

import contextlib
import errno
import io
import sys
from collections.abc import Iterator


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


# Full or over quota, read-only, not permitted, broken.
_DISK_ERRORS = {errno.ENOSPC, errno.EROFS, errno.EACCES, errno.EPERM, errno.EFBIG, errno.EIO}
_DISK_ERRORS.add(getattr(errno, "EDQUOT", errno.ENOSPC))  # not on Windows


@contextlib.contextmanager
def exit_on_user_error() -> Iterator[None]:
    """Turns a `UserError`, or an error of the disk, into one message on standard error and exit status 2.

    Other exceptions keep their traceback.
    """
    # Folder names may contain characters that the terminal's encoding lacks.
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        yield
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(2)
    except OSError as error:
        if error.errno not in _DISK_ERRORS:
            raise
        print(
            f"error: {error.filename or 'a file'}: {error.strerror}. Earlier files are intact. "
            "Make room or fix the permissions, then start the command again (train.py with --resume).",
            file=sys.stderr,
        )
        sys.exit(2)
