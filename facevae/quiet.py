"""Hides what TensorFlow's native code prints while it is imported."""

import contextlib
import os
import re
import sys
import tempfile
from collections.abc import Iterator

# Informational lines of the form "I0000 00:00:... file.cc:12] ..." and "WARNING: All log messages before ...": at
# import TensorFlow 2.21 writes them to standard error whatever TF_CPP_MIN_LOG_LEVEL says.
_INFORMATION = re.compile(
    rb"[IW]\d{4} \d\d:\d\d:|WARNING: All log messages before absl|To enable the following instructions|"
    # Without an NVIDIA driver there is nothing to initialise; with a card, facevae.training.runtime warns.
    rb"E\d{4} .*failed call to cuInit"
)


@contextlib.contextmanager
def without_native_notes() -> Iterator[None]:
    """Drops native informational lines written to standard error inside the block; errors are passed on after it."""
    sys.stderr.flush()
    real = os.dup(2)
    with tempfile.TemporaryFile() as held:
        os.dup2(held.fileno(), 2)
        try:
            yield
        finally:
            sys.stderr.flush()
            os.dup2(real, 2)
            os.close(real)
            held.seek(0)
            for line in held:
                if not _INFORMATION.match(line):
                    os.write(2, line)
