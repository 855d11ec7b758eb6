"""Measuring a trained run on its test split, for `evaluate.py`.

Evaluators yield values and declare a metric for each. The table, TensorBoard's curves, the HParams tab and the
benchmarks read the declarations. The names below are loaded on first use, so that importing one module of this package
does not import the others.
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
    "write_result": "facevae.evaluation.report",
}

__all__ = sorted(_EXPORTS)


def __getattr__(name: str) -> Any:
    if name not in _EXPORTS:
        raise AttributeError(f"module 'facevae.evaluation' has no attribute {name!r}")
    return getattr(importlib.import_module(_EXPORTS[name]), name)


def __dir__() -> list[str]:
    return __all__
