"""The one exception that says "this is the user's to mend", and how entry scripts show it."""

import contextlib
import errno
import sys
from collections.abc import Iterator


class UserError(ValueError):
    """A mistake in a flag, a file or a folder: its message says what was expected, what came, what to do."""


# Full or over quota, read-only, not permitted, broken.
_DISK_ERRORS = {errno.ENOSPC, errno.EROFS, errno.EACCES, errno.EPERM, errno.EFBIG, errno.EIO}
_DISK_ERRORS.add(getattr(errno, "EDQUOT", errno.ENOSPC))  # not on Windows


@contextlib.contextmanager
def exit_on_user_error() -> Iterator[None]:
    """Turns a `UserError`, or a disk's refusal, into one message on standard error and exit status 2.

    Other exceptions keep their traceback.
    """
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
