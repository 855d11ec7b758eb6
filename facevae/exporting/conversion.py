"""Converts graphs to .tflite files: builtin operations only, batch 1, named signatures that share their weights."""

import contextlib
import os
import pathlib
import re
import sys
import tempfile
import warnings
from collections.abc import Callable, Iterator

import numpy as np
import tensorflow as tf

from facevae.errors import UserError

# For each signature, arrays by input or output name, each with a leading axis of examples.
Examples = dict[str, dict[str, np.ndarray]]


def convert(saved_model: pathlib.Path, signatures: list[str], form: str, calibration: Examples) -> bytes:
    """Converts some signatures of a SavedModel to one .tflite file.

    Args:
        saved_model: folder of a SavedModel whose signatures have batch 1.
        signatures: names of those that the file gets.
        form: `float32`, `float16`, `dynamic_int8` (weights in 8 bits) or `int8` (activations too).
        calibration: typical inputs of each signature, `[examples, ...]`; used by `int8` only.

    Returns:
        The file's content.

    Raises:
        UserError: the graph needs operations that are not LiteRT builtins; the message names them.
    """
    converter = tf.lite.TFLiteConverter.from_saved_model(str(saved_model), signature_keys=signatures)
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS]
    if form != "float32":
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
    if form == "float16":
        converter.target_spec.supported_types = [tf.float16]
    if form == "int8":
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
        converter.representative_dataset = _calibration_data({name: calibration[name] for name in signatures})
    try:
        with quiet():
            return converter.convert()
    except Exception as error:  # the converter raises several private classes
        raise UserError(
            f"{form}: the networks cannot be converted to builtin operations: {first_reason(str(error))}. "
            "Use layers of facevae.model.networks, or leave this format out with --formats."
        ) from error


def first_reason(log: str) -> str:
    """The line of a converter's log that gives the reason, e.g. `TF Select ops: Erf`."""
    for pattern in (r"TF Select ops: .*", r"Custom ops: .*", r"error: .*"):
        if found := re.search(pattern, log):
            return found.group(0)[:300]
    lines = [line.strip() for line in log.splitlines() if line.strip()]
    return lines[0][:300] if lines else "no reason given"


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Discards what the C++ code of TensorFlow and LiteRT prints.

    It writes to the file descriptors directly, not to Python's `sys.stderr`.
    """
    sys.stdout.flush(), sys.stderr.flush()
    with tempfile.TemporaryFile() as log, warnings.catch_warnings(), contextlib.ExitStack() as restored:
        warnings.simplefilter("ignore")  # tf.lite warns of its move to LiteRT at every conversion
        for descriptor in (1, 2):
            kept = os.dup(descriptor)
            restored.callback(os.close, kept)
            restored.callback(os.dup2, kept, descriptor)
            os.dup2(log.fileno(), descriptor)
        yield


def _calibration_data(examples: Examples) -> Callable[[], Iterator[tuple[str, dict[str, np.ndarray]]]]:
    def batches():
        for name, inputs in examples.items():
            for index in range(len(next(iter(inputs.values())))):
                yield name, {key: values[index : index + 1] for key, values in inputs.items()}

    return batches
