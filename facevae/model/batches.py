"""Many faces through a function that takes a batch."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from tqdm import tqdm

# Large enough to keep a device busy, small enough for its memory beside the model. The patches that an evaluation
# looks at are drawn anew for each batch: another size gives its distances other noise.
BATCH = 256


def batch_slices(count: int, size: int = BATCH, *, progress: str = "") -> Iterator[slice]:
    """The places 0 to `count` − 1, cut into slices of at most `size`.

    Args:
        count: how many faces, latents or other rows there are.
        size: how many of them a slice has; the last one may have fewer.
        progress: what a progress bar says that appears after two seconds; "" for none.
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
            leading axis. Faces on disk are not read at once when the inputs are their indices and the function reads
            their images.
        inputs: `[count, ...]`; for 0 inputs the function is asked once, for the shapes of its outputs.
        size: inputs in a batch.
        fixed: fill up the last batch with zeros, and cut the outputs: a traced graph then sees one shape only.
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
