"""From a source of face pictures to batches: sources, prepared records, tf.data.

The names below are loaded on first use: decoding processes import this package and need no TensorFlow.
"""

import importlib
from typing import Any

_EXPORTS = {
    "FaceDataset": "facevae.data.faces",
    "Records": "facevae.data.faces",
    "evaluation_batches": "facevae.data.pipeline",
    "prepare": "facevae.data.preparation",
    "prepare_for": "facevae.data.preparation",
    "training_batches": "facevae.data.pipeline",
}

__all__ = sorted(_EXPORTS)


def __getattr__(name: str) -> Any:
    if name not in _EXPORTS:
        raise AttributeError(f"module 'facevae.data' has no attribute {name!r}")
    return getattr(importlib.import_module(_EXPORTS[name]), name)


def __dir__() -> list[str]:
    return __all__
