"""Flags in the environment that TensorFlow's native code reads."""

import os
import re
import subprocess
import sys

from facevae.errors import UserError

_VARIABLES = ("XLA_FLAGS", "TF_XLA_FLAGS")
# The first is read where XLA first compiles, which may be hours after the import.
_PROGRAM = "import tensorflow as tf; tf.function(tf.exp, jit_compile=True)(tf.ones(1))"


def check_native_flags() -> None:
    """Refuses flags that TensorFlow does not know: it would end this process with them, in a way that none can catch.

    Only another process can find out, for some seconds; nothing is done where no flags are set.

    Raises:
        UserError: it does not know one.
    """
    given = [name for name in _VARIABLES if os.environ.get(name)]
    if not given:
        return
    # No GPU, whose memory this process is about to take; the flags are read all the same.
    environment = {**os.environ, "CUDA_VISIBLE_DEVICES": "-1"}
    command = [sys.executable, "-P", "-c", _PROGRAM]
    output = subprocess.run(command, env=environment, capture_output=True).stderr.decode(errors="replace")
    if fatal := re.search(r"^F\d{4} .*?\] (.*)", output, re.MULTILINE):
        raise UserError(
            f"{' and '.join(given)}: TensorFlow does not start with them ({fatal[1]}). Correct them, or unset them."
        )
