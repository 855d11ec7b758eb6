"""The variational autoencoder: networks, losses, training step, optimizers, and the density of its latents.

The names below are loaded on first use, so that modules of this package without TensorFlow can be imported without it.
"""

import importlib
from typing import Any

from facevae.model.keras_settings import check_keras

_EXPORTS = {"SETTINGS": "facevae.model.vae", "VAE": "facevae.model.vae"}

__all__ = sorted(_EXPORTS)


def __getattr__(name: str) -> Any:
    if name not in _EXPORTS:
        raise AttributeError(f"module 'facevae.model' has no attribute {name!r}")
    check_keras()
    return getattr(importlib.import_module(_EXPORTS[name]), name)


def __dir__() -> list[str]:
    return __all__
