"""Measuring a trained run on its test split, for `evaluate.py`.

Evaluators yield figures and declare a metric for each; report, curves, HParams and benchmarks read the declarations.
The names below are loaded on first use: whoever needs one module of this package imports no others.
"""

import importlib
from typing import Any

_EXPORTS = {
    "Evaluation": "facevae.evaluation.report",
    "Evaluator": "facevae.evaluation.metric",
    "Metric": "facevae.evaluation.metric",
    "EvaluatedRun": "facevae.evaluation.evaluated_run",
    "declared_metrics": "facevae.evaluation.evaluators",
    "evaluate": "facevae.evaluation.commands",
    "open_evaluation": "facevae.evaluation.evaluated_run",
    "save": "facevae.evaluation.report",
    "save_images": "facevae.evaluation.commands",
    "table": "facevae.evaluation.report",
}

__all__ = sorted(_EXPORTS)


def __getattr__(name: str) -> Any:
    if name not in _EXPORTS:
        raise AttributeError(f"module 'facevae.evaluation' has no attribute {name!r}")
    return getattr(importlib.import_module(_EXPORTS[name]), name)


def __dir__() -> list[str]:
    return __all__
