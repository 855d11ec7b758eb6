"""What a training needs where several processes take part in it, on one machine or on many.

The names below are loaded on first use: those that are needed before TensorFlow is imported do without it.
"""

import importlib
from typing import Any

_EXPORTS = {
    "Cluster": "facevae.training.many_workers.cluster",
    "Workers": "facevae.training.many_workers.workers",
    "agreed_schedule": "facevae.training.many_workers.agreement",
    "choose_workers": "facevae.training.many_workers.workers",
    "find_cluster": "facevae.training.many_workers.cluster",
    "run_supervised": "facevae.training.many_workers.supervision",
}

__all__ = sorted(_EXPORTS)


def __getattr__(name: str) -> Any:
    if name not in _EXPORTS:
        raise AttributeError(f"module 'facevae.training.many_workers' has no attribute {name!r}")
    return getattr(importlib.import_module(_EXPORTS[name]), name)


def __dir__() -> list[str]:
    return __all__
