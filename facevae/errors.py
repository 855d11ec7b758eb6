"""The one exception that says "this is the user's to mend", and how entry scripts show it."""

import contextlib
import errno
import io
import sys
from collections.abc import Iterator


class UserError(ValueError):
    """A mistake in a flag, a file or a folder: its message says what was expected, what came, what to do."""


class DataNotFoundError(UserError):
    """A data set is not where it was looked for.

    Args:
        problem: what was expected and what was found, a sentence.
        advice: what to do next.
    """

    def __init__(self, problem: str, advice: str):
        super().__init__(f"{problem} {advice}")
        self.problem = problem


class WorkerLostError(UserError):
    """Training together broke off because another worker is gone; what was saved is intact."""


def printable(text: str) -> str:
    """The text on one line, without what a terminal would obey or cannot show: names of files may hold anything."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text)


# Full or over quota, read-only, not permitted, broken.
_DISK_ERRORS = {errno.ENOSPC, errno.EROFS, errno.EACCES, errno.EPERM, errno.EFBIG, errno.EIO}
_DISK_ERRORS.add(getattr(errno, "EDQUOT", errno.ENOSPC))  # not on Windows


@contextlib.contextmanager
def exit_on_user_error() -> Iterator[None]:
    """Turns a `UserError`, or a disk's refusal, into one message on standard error and exit status 2.

    Other exceptions keep their traceback.
    """
    # Names of folders may hold what the terminal's encoding does not.
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
            "Make room or mend the permissions, then start the command again (train.py with --resume).",
            file=sys.stderr,
        )
        sys.exit(2)
