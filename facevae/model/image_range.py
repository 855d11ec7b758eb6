"""Float images must be in [0, 1]: others are refused before the model learns from them."""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from facevae.errors import UserError

TOLERANCE = 1e-3  # resizing overshoots, and 16 bits round


def check_range(images: np.ndarray) -> None:
    """Refuses images whose values leave [0, 1] by more than rounding.

    Args:
        images: `float32[batch, height, width, 3]`.

    Raises:
        UserError: a value does, or is NaN; the message says how to scale the images.
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
            f"infinite in a batch of {len(images)}. Leave out the images that contain them."
        )
    if lowest < -TOLERANCE:
        from_minus_one = lowest >= -1.0 - TOLERANCE and highest <= 1.0 + TOLERANCE
        what_next = "add 1 and divide by 2" if from_minus_one else "scale them to [0, 1]"
    else:
        what_next = "divide by 255" if 2.0 < highest <= 255.0 + TOLERANCE else "scale them to [0, 1]"
    raise UserError(
        f"images: expected float32 in [0, 1], received values from {lowest:g} to {highest:g}: {what_next}, "
        "or pass uint8 in [0, 255]."
    )


class FirstBatch:
    """Checks the range of the first batch of each call of `fit`, `evaluate` or `predict`.

    An input pipeline yields its first batch only once, and a step cannot be undone. So the step itself checks the
    batch before it computes anything; in every later step the check costs reading one boolean.
    """

    def __init__(self) -> None:
        self._is_next = tf.Variable(False, trainable=False)
        self._is_next_on_host = False  # the same, without reading it from the device
        self._refusal: UserError | None = None

    def expect(self) -> None:
        """Marks the next batch as the first of a call."""
        self._is_next.assign(True)
        self._is_next_on_host = True

    def check(self, images: Any) -> Any:
        """Called inside a step: the same images, on which the rest of the step must depend to be skipped on refusal.

        Args:
            images: of any dtype; only float32 is checked.
        """
        if getattr(images, "dtype", None) != tf.float32:
            return images
        images = tf.convert_to_tensor(images)

        def checked():
            in_range = tf.numpy_function(self._in_range, [images], tf.bool)
            with tf.control_dependencies([tf.debugging.Assert(in_range, ["images leave [0, 1]"])]):
                return tf.identity(images)

        return tf.cond(self._is_next, checked, lambda: images)

    def _in_range(self, images: np.ndarray) -> bool:
        try:
            check_range(images)
        except UserError as error:
            self._refusal = error  # kept, since TensorFlow replaces an error raised inside a step by its own
        return self._refusal is None

    def watch(self, function: Callable) -> Callable:
        """A function that runs steps, wrapped so that it raises the `UserError` that `check` found inside a step."""

        def watched(batches):
            if not self._is_next_on_host:
                return function(batches)
            self._is_next_on_host, self._refusal = False, None
            try:
                return function(batches)
            except tf.errors.OpError:
                if self._refusal is None:
                    raise
                raise self._refusal from None
            finally:
                self._is_next.assign(False)

        return watched


class RangeCheckedModel(keras.Model):
    """A Keras model whose `fit`, `evaluate` and `predict` refuse a first batch of float images that leave [0, 1].

    `train_step` and `test_step` of a subclass pass their images through `check_first_batch`. The subclass brings
    `to_float`, which refuses other shapes and dtypes.

    Raises:
        UserError: in `fit`, `evaluate` and `predict`.
    """

    to_float: Callable[[Any], tf.Tensor]

    def __init__(self, **kwargs: Any):
        super().__init__(**kwargs)
        self._first_batches = {kind: FirstBatch() for kind in ("train", "test", "predict")}

    def check_first_batch(self, kind: str, images: Any) -> Any:
        """`FirstBatch.check` in a step of the kind `train`, `test` or `predict`."""
        return self._first_batches[kind].check(images)

    def predict_step(self, data: Any) -> tf.Tensor:
        images, *_ = keras.utils.unpack_x_y_sample_weight(data)
        return super().predict_step((self.to_float(self.check_first_batch("predict", images)),))

    def make_train_function(self, force: bool = False) -> None:
        self._watch_first_batch("train", super().make_train_function, force)

    def make_test_function(self, force: bool = False) -> None:
        self._watch_first_batch("test", super().make_test_function, force)

    def make_predict_function(self, force: bool = False) -> None:
        self._watch_first_batch("predict", super().make_predict_function, force)

    def _watch_first_batch(self, kind, make, force):
        # Keras makes a function once, but calls `make` at the beginning of every fit, evaluate and predict.
        name, first_batch = f"{kind}_function", self._first_batches[kind]
        before = getattr(self, name)
        make(force)
        if getattr(self, name) is not before:
            setattr(self, name, first_batch.watch(getattr(self, name)))
        first_batch.expect()
