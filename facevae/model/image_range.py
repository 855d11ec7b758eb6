"""Float images are in [0, 1]: others are refused before anything is learned from them."""

from collections.abc import Callable
from typing import Any

import numpy as np
import tensorflow as tf

from facevae.errors import UserError

TOLERANCE = 1e-3  # resizing overshoots, and 16 bits round


def check_range(images: np.ndarray) -> None:
    """That no value leaves [0, 1] by more than rounding.

    Args:
        images: `float32[batch, height, width, 3]`.

    Raises:
        UserError: some do, or are NaN; it says how they come to [0, 1].
    """
    if not images.size:
        return
    lowest, highest = images.min(), images.max()  # NaN when one value is
    if lowest >= -TOLERANCE and highest <= 1.0 + TOLERANCE:
        return
    finite = np.isfinite(images)
    if not finite.all():
        raise UserError(
            f"images: expected float32 in [0, 1], received {np.count_nonzero(~finite):,} values that are NaN or "
            f"infinite in a batch of {len(images)}. Leave the images out that they are in."
        )
    if lowest < -TOLERANCE:
        from_minus_one = lowest >= -1.0 - TOLERANCE and highest <= 1.0 + TOLERANCE
        what_next = "add 1 and divide by 2" if from_minus_one else "bring them to [0, 1]"
    else:
        what_next = "divide by 255" if 2.0 < highest <= 255.0 + TOLERANCE else "bring them to [0, 1]"
    raise UserError(
        f"images: expected float32 in [0, 1], received values from {lowest:g} to {highest:g}: {what_next}, "
        "or pass uint8 in [0, 255]."
    )


class FirstBatch:
    """Checks the range of the first batch of each call of `fit`, `evaluate` or `predict`.

    A pipeline gives its first batch once, and what a step has done with it cannot be undone. So the step itself looks,
    before it computes anything, and in all steps after it passes by for the price of reading one truth value.
    """

    def __init__(self) -> None:
        self._is_ahead = tf.Variable(False, trainable=False)
        self._waits = False  # the same, without asking the device
        self._refusal: UserError | None = None

    def expect(self) -> None:
        """The next batch that comes is a first one."""
        self._is_ahead.assign(True)
        self._waits = True

    def check(self, images: Any) -> Any:
        """The same images, in a step; what depends on them is not computed when the first ones are refused.

        Args:
            images: in any form that the model takes or refuses; only float32 can have a wrong range.
        """
        if getattr(images, "dtype", None) != tf.float32:
            return images
        images = tf.convert_to_tensor(images)

        def checked():
            in_range = tf.numpy_function(self._in_range, [images], tf.bool)
            with tf.control_dependencies([tf.debugging.Assert(in_range, ["images leave [0, 1]"])]):
                return tf.identity(images)

        return tf.cond(self._is_ahead, checked, lambda: images)

    def _in_range(self, images: np.ndarray) -> bool:
        try:
            check_range(images)
        except UserError as error:
            self._refusal = error  # what is raised inside of a step, TensorFlow makes an error of its own of
        return self._refusal is None

    def watch(self, function: Callable) -> Callable:
        """A function that takes steps, whose first run after `expect` raises what `check` has to refuse."""

        def watched(batches):
            if not self._waits:
                return function(batches)
            self._waits, self._refusal = False, None
            try:
                return function(batches)
            except tf.errors.OpError:
                if self._refusal is None:
                    raise
                raise self._refusal from None
            finally:
                self._is_ahead.assign(False)

        return watched
