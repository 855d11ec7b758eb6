"""The one exception that says "this is the user's to mend", and how entry scripts show it."""

import contextlib
import sys
from collections.abc import Iterator


class UserError(ValueError):
    """A mistake in a flag, a file or a folder: its message says what was expected, what came, what to do."""


@contextlib.contextmanager
def exit_on_user_error() -> Iterator[None]:
    """Turns a `UserError` into one message on standard error and exit status 2; others keep their traceback."""
    try:
        yield
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(2)
