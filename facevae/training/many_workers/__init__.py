"""Training in several processes, on one machine or on many.

The names below are loaded on first use: some modules of this package run before TensorFlow is imported.
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
    "tell_parent_that_it_was_heard": "facevae.training.many_workers.supervision",
    "tell_parent_where_the_log_is": "facevae.training.many_workers.supervision",
}

__all__ = sorted(_EXPORTS)


def __getattr__(name: str) -> Any:
    if name not in _EXPORTS:
        raise AttributeError(f"module 'facevae.training.many_workers' has no attribute {name!r}")
    return getattr(importlib.import_module(_EXPORTS[name]), name)


def __dir__() -> list[str]:
    return __all__
