"""Batches that do not fit into memory: refused before training where that can be estimated, else explained."""

import contextlib
import math
import os
import pathlib
from collections.abc import Iterator

import keras
import tensorflow as tf

from facevae.errors import UserError

# uint8 batches that are made ahead (tf.data's buffer and the two being made), and bytes of a float32.
_BATCHES_AHEAD, _FLOAT_BYTES = 10, 4
# Of each weight as float32: itself, its gradient, two moments of the optimizer, the copy that is saved, and the arrays
# that a checkpoint is written from.
_COPIES_OF_WEIGHTS = 8
_MARGIN = 1.25  # gradients and scratch memory beside the outputs, measured


def refuse_too_large_batch(model: keras.Model, batch_size: int) -> None:
    """Compares the memory that a training step takes with what the machine has.

    Only on a processor, where the system kills a process that takes too much, without a message. On a GPU TensorFlow
    raises an error: `explained_memory_errors`.

    Args:
        model: a `facevae.VAE`.
        batch_size: faces per step.

    Raises:
        UserError: a step takes more; the message names the largest batch that fits.
    """
    if tf.config.list_physical_devices("GPU"):
        return
    available, needed = available_bytes(), step_bytes(model, batch_size)
    if available is None or needed <= available:
        return
    for_weights = step_bytes(model, 0)
    fits = int((available - for_weights) / (step_bytes(model, 1) - for_weights))
    advice = f"Give at most --batch-size {fits}" if fits >= 1 else "Give a smaller --width or --latent-dim"
    raise UserError(
        f"batch_size: a step of {batch_size:,} faces of {model.image_size}x{model.image_size} takes about "
        f"{needed / 1e9:.1f} GB of memory with networks of this size, and there are {available / 1e9:.1f} GB. "
        f"{advice}, or a smaller --image-size."
    )


@contextlib.contextmanager
def explained_memory_errors(batch_size: int) -> Iterator[None]:
    """Says what to do where TensorFlow runs out of memory inside the block.

    Args:
        batch_size: faces per step, for the message.

    Raises:
        UserError: memory ran out.
    """
    try:
        yield
    except tf.errors.ResourceExhaustedError as error:
        raise UserError(
            f"batch_size: the memory is too small for a step of {batch_size:,} faces "
            f"({str(error.message).splitlines()[0]}). Give a smaller --batch-size, --width or --image-size; "
            "what was saved before is intact."
        ) from error


def step_bytes(model: keras.Model, batch_size: int) -> int:
    """Estimates the memory of a training step in bytes: every layer's output is kept for the backward pass."""
    layers = [layer for network in (model.encoder, model.decoder) for layer in network.layers]
    outputs = [output for layer in layers for output in keras.tree.flatten(layer.output)]
    activations = sum(math.prod(output.shape[1:]) for output in outputs)
    weights = sum(math.prod(weight.shape) for weight in model.weights)
    pixel_values = model.image_size**2 * 3
    per_face = int(_MARGIN * _FLOAT_BYTES * activations) + pixel_values * (_BATCHES_AHEAD + _FLOAT_BYTES)
    return batch_size * per_face + _COPIES_OF_WEIGHTS * _FLOAT_BYTES * weights


def available_bytes() -> int | None:
    """Memory in bytes that a new process can take without swapping; None where the system does not tell."""
    found = []
    try:
        lines = dict(line.split(":") for line in pathlib.Path("/proc/meminfo").read_text().splitlines())
        found.append(1024 * int(lines["MemAvailable"].split()[0]))
    except (OSError, KeyError, ValueError):  # no Linux
        if "SC_PHYS_PAGES" in getattr(os, "sysconf_names", {}):
            found.append(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"))
    control_group = pathlib.Path("/sys/fs/cgroup")  # a container's own limit
    try:
        limit = int((control_group / "memory.max").read_text())
        found.append(limit - int((control_group / "memory.current").read_text()))
    except (OSError, ValueError):  # none, or "max"
        pass
    return min(found, default=None)
