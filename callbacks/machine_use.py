"""Processor, memory and GPU memory while a model trains."""

import os
from collections.abc import Callable
from typing import Any

import psutil
import tensorflow as tf

from callbacks.step_callback import EVERY, StepCallback

GB = 1e9  # bytes


class MachineUse(StepCallback):
    """Writes what a training takes of the machine every so many steps: `machine by step/<what>`.

    The processor's use is a mean since the point before; memory is that of the moment, on a GPU also the most so far.
    What a system does not tell is left out.

    Args:
        log_dir: folder of the TensorBoard run, for callbacks of this kind alone; its step is the training step.
        every: steps between two points; later in a long training a thousandth of the steps so far.
    """

    def __init__(self, log_dir: str | os.PathLike[str], every: int = EVERY):
        super().__init__(log_dir, every)
        self._measures: dict[str, Callable[[], float]] = {}

    def on_train_begin(self, logs: Any = None) -> None:
        super().on_train_begin()
        process = psutil.Process()
        measures = {
            "processor cores in use by this process": lambda: process.cpu_percent() / 100.0,
            "processor of the machine in %": psutil.cpu_percent,
            "memory of this process in GB": lambda: process.memory_info().rss / GB,
            "memory of the machine in %": lambda: psutil.virtual_memory().percent,
        }
        for number in range(len(tf.config.list_logical_devices("GPU"))):
            measures |= _of_gpu(number)
        # The first values of the processor's use mean nothing; what fails now is not asked for again.
        self._measures = {name: measure for name, measure in measures.items() if _value(measure) is not None}

    def write(self) -> None:
        for name, measure in self._measures.items():
            value = _value(measure)
            if value is not None:
                self.writer.scalar(f"machine by step/{name}", value, self.step)


def _of_gpu(number: int) -> dict[str, Callable[[], float]]:
    def used(which: str) -> float:
        return tf.config.experimental.get_memory_info(f"GPU:{number}")[which] / GB

    return {
        f"memory of GPU {number} in GB": lambda: used("current"),
        f"memory of GPU {number} in GB: the most so far": lambda: used("peak"),
    }


def _value(measure: Callable[[], float]) -> float | None:
    try:
        return measure()
    except (psutil.Error, OSError, NotImplementedError, ValueError, tf.errors.OpError):
        return None
