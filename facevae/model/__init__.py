"""The variational autoencoder: its networks, what it learns by, how it trains, and what a trained one can do.

The names below are loaded on first use, so that a module of this package that needs no TensorFlow can be had without.
"""

import importlib
from typing import Any

_EXPORTS = {"SETTINGS": "facevae.model.vae", "VAE": "facevae.model.vae"}

__all__ = sorted(_EXPORTS)


def __getattr__(name: str) -> Any:
    if name not in _EXPORTS:
        raise AttributeError(f"module 'facevae.model' has no attribute {name!r}")
    return getattr(importlib.import_module(_EXPORTS[name]), name)


def __dir__() -> list[str]:
    return __all__
