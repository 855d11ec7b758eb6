"""Training a run: the loop, what is saved, how it ends, and what a process needs around it.

The names below are loaded on first use: some modules of this package run before TensorFlow is imported.
"""

import importlib
from typing import Any

_EXPORTS = {
    "Runtime": "facevae.training.runtime",
    "begin_run": "facevae.training.loop",
    "build_model": "facevae.training.loop",
    "check_unchanged": "facevae.training.loop",
    "choose_runtime": "facevae.training.runtime",
    "describe_data": "facevae.run.begun_on",
    "parse_command_line": "facevae.training.flags",
    "prepare_faces": "facevae.training.loop",
    "steps_per_epoch": "facevae.training.fitting",
    "train": "facevae.training.loop",
    "training_process": "facevae.training.process",
    "what_next": "facevae.training.messages",
}

__all__ = sorted(_EXPORTS)


def __getattr__(name: str) -> Any:
    if name not in _EXPORTS:
        raise AttributeError(f"module 'facevae.training' has no attribute {name!r}")
    return getattr(importlib.import_module(_EXPORTS[name]), name)


def __dir__() -> list[str]:
    return __all__
