"""What a command's libraries read from the environment, set before they are imported.

Notebooks, other frameworks and colleagues set such variables and files for programs of their own: a Keras backend, a
matplotlib backend, warnings as errors. A command depends on none of them. Programs that import facevae as a library
keep their own.
"""

import os
import sys
import warnings

# Keras reads keras.json in KERAS_HOME, matplotlib a file of the name MATPLOTLIBRC; tqdm takes each TQDM_ variable for a
# default of its bars; scikit-learn counts cores by LOKY_MAX_CPU_COUNT.
_OF_OTHER_TOOLS = (
    *("KERAS_", "MPLBACKEND", "MATPLOTLIBRC", "TQDM_", "LOKY_", "JOBLIB_", "SKLEARN_"),
    "PROTOCOL_BUFFERS_PYTHON_IMPLEMENTATION",
)
_settled = False


def settle() -> None:
    """Sets this process' environment for a command, and for the processes that it starts."""
    global _settled
    _settled = True
    for name in [name for name in os.environ if name.startswith(_OF_OTHER_TOOLS)]:
        del os.environ[name]
    os.environ["KERAS_BACKEND"] = "tensorflow"
    # No folder can be made below a file: without a keras.json Keras takes its own defaults, and writes none.
    os.environ["KERAS_HOME"] = os.path.join(__file__, "none")
    os.environ["MPLBACKEND"] = "agg"
    if os.environ.get("TF_CPP_MIN_LOG_LEVEL") not in ("0", "1", "2"):
        os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
    if any(option.startswith("error") for option in sys.warnoptions):
        _forget_warnings_as_errors()


def is_settled() -> bool:
    """Whether this process is a command's, and not a program of somebody else."""
    return _settled


def _forget_warnings_as_errors() -> None:
    """Python's own filters again: libraries warn of their own futures, which must not end a training."""
    os.environ.pop("PYTHONWARNINGS", None)
    warnings.resetwarnings()
    for category in (DeprecationWarning, PendingDeprecationWarning, ImportWarning, ResourceWarning):
        warnings.simplefilter("ignore", category)
