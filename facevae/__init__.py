"""facevae: train a face VAE in Keras, watch it in TensorBoard, put its decoder on a phone.

The names below are loaded on first use, so that `import facevae` (and `train.py --help`) needs no TensorFlow.
"""

import importlib
from typing import Any

_EXPORTS = {
    "Config": "facevae.config",
    "UserError": "facevae.errors",
    "VAE": "facevae.model",
    "load": "facevae.loading",
}

__all__ = sorted(_EXPORTS)


def __getattr__(name: str) -> Any:
    if name not in _EXPORTS:
        raise AttributeError(f"module 'facevae' has no attribute {name!r}")
    return getattr(importlib.import_module(_EXPORTS[name]), name)


def __dir__() -> list[str]:
    return __all__
