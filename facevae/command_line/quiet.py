"""Hides what TensorFlow's native code prints while it is imported."""

import contextlib
import os
import re
import sys
import tempfile
from collections.abc import Iterator
from typing import IO

# Informational lines of the form "I0000 00:00:... file.cc:12] ..." and "WARNING: All log messages before ...": at
# import TensorFlow 2.21 writes them to standard error whatever TF_CPP_MIN_LOG_LEVEL says.
_INFORMATION = re.compile(
    rb"[IW]\d{4} \d\d:\d\d:|WARNING: All log messages before absl|To enable the following instructions|"
    # Without an NVIDIA driver there is nothing to initialise; with a card, facevae.training.runtime warns.
    rb"E\d{4} .*failed call to cuInit|"
    rb"INFO: Created TensorFlow Lite XNNPACK delegate for CPU"
)


@contextlib.contextmanager
def without_native_notes() -> Iterator[None]:
    """Drops native informational lines written to standard error inside the block; errors are passed on after it.

    Where there is no standard error, or nowhere to keep its lines, nothing is dropped.
    """
    with contextlib.ExitStack() as stack:
        with contextlib.suppress(OSError):
            real = os.dup(2)
            stack.callback(os.close, real)
            held = stack.enter_context(tempfile.TemporaryFile())
            _flush()
            os.dup2(held.fileno(), 2)
            stack.callback(_release, real, held)
        yield


def _release(real: int, held: IO[bytes]) -> None:
    _flush()
    os.dup2(real, 2)
    held.seek(0)
    for line in held:
        if not _INFORMATION.match(line):
            with contextlib.suppress(AttributeError, OSError, ValueError):
                sys.stderr.write(line.decode(errors="backslashreplace"))
    _flush()


def _flush() -> None:
    with contextlib.suppress(AttributeError, OSError, ValueError):  # none, broken, closed
        sys.stderr.flush()
