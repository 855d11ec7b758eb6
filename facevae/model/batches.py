"""Applies a function of a batch to any number of inputs."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from tqdm import tqdm

# Large enough to keep a device busy, small enough for its memory beside the model. Evaluations draw random patches for
# each batch, so another size changes the noise in their distances.
BATCH = 256


def batch_slices(count: int, size: int = BATCH, *, progress: str = "") -> Iterator[slice]:
    """The indices 0 to `count` − 1 as slices of at most `size`.

    Args:
        count: how many faces, latents or other rows there are.
        size: how many of them each slice has; the last one may have fewer.
        progress: label of a progress bar, which appears after two seconds; "" for none.
    """
    starts = range(0, count, size)
    for start in tqdm(starts, desc=progress, unit="batch", delay=2, leave=False, disable=not progress):
        yield slice(start, min(start + size, count))


def in_batches(
    function: Callable[[np.ndarray], Any],
    inputs: np.ndarray,
    size: int = BATCH,
    *,
    fixed: bool = False,
    progress: str = "",
) -> list[np.ndarray]:
    """The outputs of a function for any number of inputs, a batch at a time.

    Args:
        function: from `inputs[batch]` to one output or a tuple or list of outputs, arrays or tensors with the same
            leading axis.
        inputs: `[count, ...]`; for 0 inputs the function is called once, for the shapes of its outputs. So that not
            all faces on disk are read at once, pass their indices and let the function read the images.
        size: inputs in a batch.
        fixed: pad the last batch with zeros and drop their outputs, so that a `tf.function` is traced for one shape.
        progress: see `batch_slices`.

    Returns:
        Each output as an array `[count, ...]`.
    """
    parts: list[list[np.ndarray]] = []
    for part in batch_slices(max(len(inputs), 1), size, progress=progress):
        batch = inputs[part]
        used = len(batch)
        if fixed and used < size:
            batch = np.concatenate([batch, np.zeros((size - used, *inputs.shape[1:]), inputs.dtype)])
        outputs = function(batch)
        outputs = outputs if isinstance(outputs, tuple | list) else (outputs,)
        parts.append([np.asarray(output)[:used] for output in outputs])
    return [np.concatenate(column) for column in zip(*parts, strict=True)]
