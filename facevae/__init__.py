"""facevae: train a face VAE in Keras, watch it in TensorBoard, put its decoder on a phone.

The names below are loaded on first use, so that `import facevae` (and `train.py --help`) needs no TensorFlow.
"""

import importlib
import os
from typing import Any

# Hides TensorFlow's start-up log (processor instructions, "no CUDA" on machines without a GPU); the command prints the
# device in one line (facevae.training.runtime). It must be set before TensorFlow is first imported. All else that only
# commands set: facevae.command_line.environment.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

_EXPORTS = {
    "Config": "facevae.configuration.config",
    "UserError": "facevae.errors",
    "VAE": "facevae.model",
    "load": "facevae.run.opened_run",
}

__all__ = sorted(_EXPORTS)


def __getattr__(name: str) -> Any:
    if name not in _EXPORTS:
        raise AttributeError(f"module 'facevae' has no attribute {name!r}")
    from facevae.command_line.quiet import without_native_notes

    with without_native_notes():
        return getattr(importlib.import_module(_EXPORTS[name]), name)


def __dir__() -> list[str]:
    return __all__
