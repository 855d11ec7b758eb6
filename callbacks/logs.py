"""Keras' logs, of which callbacks show the numbers."""

from collections.abc import Mapping
from typing import Any

import numpy as np


def numbers(logs: Mapping[str, Any] | None) -> dict[str, float]:
    """The logs that are single numbers, by name; a model's metrics may also be vectors, which no curve shows."""
    arrays = {name: np.asarray(value) for name, value in (logs or {}).items()}
    return {
        name: float(array.reshape(()))
        for name, array in arrays.items()
        if array.size == 1 and array.dtype.kind in "biuf"
    }
