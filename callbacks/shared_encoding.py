"""The fixed faces that all callbacks show, encoded once per epoch for all of them."""

import re
import warnings
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from callbacks.checked_faces import checked_attributes, checked_images
from facevae import arguments
from facevae.configuration.config import MOST_COUNT, check_settings
from facevae.data.faces import Records
from facevae.errors import UserError
from facevae.model.batches import in_batches
from facevae.run.encodings import Encodings

# The batch sizes are fixed, so that each graph is traced once; a short last batch is padded. There are thousands of
# faces to encode, dozens of latents to decode.
ENCODING_BATCH = 128
DECODING_BATCH = 32
# What a model's methods return.
EXPECTED = {"encode": "mean and log_variance, each [faces, latent_dim]", "decode": "images"}


class SharedEncoding:
    """A fixed set of validation faces, with the posterior that the model in training gives them.

    Works with any Keras model that has `encode(images) -> (mean, log_variance)` and
    `decode(latents) -> images` with images in [0, 1]. Both run as graphs, in inference mode.

    Args:
        images: `[faces, height, width, 3]`, in the form that the model's `encode` takes: uint8, or float32 in
            [0, 1].
        attributes: `[faces, attributes]` of 0 and 1, or of -1 and 1 as CelebA has them, or None.
        attribute_names: the names of the attributes, each once.

    Attributes:
        images: as given, uint8 or float32.
        attributes: `uint8[faces, attributes]` of 0 and 1, or None.
        attribute_names: a tuple.

    Raises:
        UserError: arrays of other shapes or types, values outside [0, 1], or attributes that do not match the images
            and names.
    """

    def __init__(
        self, images: np.ndarray, attributes: np.ndarray | None = None, attribute_names: Sequence[str] = ()
    ):
        self.images = checked_images(images)
        self.attribute_names = arguments.names("attribute_names", attribute_names)
        self.attributes = checked_attributes(attributes, len(self.images), self.attribute_names)
        self._model: keras.Model | None = None
        self._functions: dict[str, Any] = {}
        self._is_range_checked = False
        self._epoch: int | None = None
        self._encodings: Encodings | None = None

    @classmethod
    def of_records(
        cls, records: Records, attribute_names: Sequence[str] = (), count: int = 2000, seed: int = 0
    ) -> "SharedEncoding":
        """At most `count` faces of a prepared split, drawn without replacement, in the order drawn.

        Without names the attributes of the split are left out.
        """
        arguments.instance("records", records, Records, "For images in an array: SharedEncoding(images).")
        count = arguments.whole_number("count", count, 1, MOST_COUNT)
        seed = check_settings({"seed": seed})["seed"]
        indices = np.random.default_rng(seed).permutation(len(records))[:count]
        names = arguments.names("attribute_names", attribute_names)
        return cls(records.images(indices), records.attributes(indices) if names else None, names)

    def attach(self, model: keras.Model) -> None:
        """Encodes and decodes with `model` from now on, and forgets the encodings made so far.

        Raises:
            UserError: the model lacks `encode` or `decode`, or its `encode` does not take the images.
        """
        missing = [name for name in ("encode", "decode") if not callable(getattr(model, name, None))]
        if missing:
            raise UserError(
                "model: expected one with the methods encode(images) -> (mean, log_variance) and decode(latents) "
                f"-> images, received a {type(model).__name__} without {' and '.join(missing)}. "
                "Add them to its class."
            )
        if model is not self._model:
            self._model = model
            self._functions = {name: tf.function(getattr(model, name)) for name in ("encode", "decode")}
            self._is_range_checked = False
            if model.built:  # else tracing would make its weights before training does
                shape = (ENCODING_BATCH, *self.images.shape[1:])
                specification = tf.TensorSpec(shape, self.images.dtype)
                _explained("encode", self._functions["encode"].get_concrete_function, specification)
        self._epoch = self._encodings = None

    def encodings(self, epoch: int) -> Encodings:
        """The posterior of the faces after `epoch`, computed once per epoch.

        Faces whose posterior is not finite are left out with a warning; `indices` has those that remain.

        Raises:
            UserError: `encode` returns anything but two arrays `[faces, latent_dim]`.
        """
        if self._encodings is None or epoch != self._epoch:
            self._encodings, self._epoch = self._encode(), epoch
        return self._encodings

    def originals(self, indices: np.ndarray) -> np.ndarray:
        """The images at `indices`, `float32[n, height, width, 3]` in [0, 1]."""
        return _as_float(self.images[indices])

    def decode(self, latents: np.ndarray) -> np.ndarray:
        """Decodes latents `float32[n, latent_dim]` to images `float32[n, height, width, 3]`; NaN becomes black.

        Raises:
            UserError: `decode` returns images of another shape.
        """
        latents = np.asarray(latents, np.float32)
        results = in_batches(lambda batch: self._run("decode", batch), latents, DECODING_BATCH, fixed=True)
        size = self.images.shape[1:]
        if len(results) != 1 or results[0].shape[1:] != size:
            raise UserError(
                f"model.decode: expected images, {['n', *size]}, received {_shapes(results)}. "
                "Return one array, as large as the images of the SharedEncoding."
            )
        images = np.nan_to_num(_as_float(results[0]), nan=0.0, posinf=1.0, neginf=0.0)
        self._warn_of_range(images)
        return images

    def _warn_of_range(self, images):
        # Once per model. Decoders that do not end in a sigmoid overshoot a little, and lose nothing that can be seen.
        lowest, highest = images.min(initial=0.0), images.max(initial=0.0)
        if not self._is_range_checked and (lowest < -0.5 or highest > 1.5):
            self._is_range_checked = True
            warnings.warn(
                f"model.decode: expected images in [0, 1], received values from {lowest:g} to {highest:g}. "
                "TensorBoard's pictures are cut off there: bring them to [0, 1] in decode.",
                stacklevel=2,
            )

    def _run(self, name, batch):
        """What the model's method makes of a batch, as a list of arrays with a row for each of it."""
        outputs = _explained(name, self._functions[name], batch)
        outputs = list(outputs) if isinstance(outputs, tuple | list) else [outputs]
        arrays = [np.asarray(output) for output in outputs]
        if any(array.shape[:1] != (len(batch),) for array in arrays):
            kinds = [
                type(output).__name__ if array.dtype == object else list(array.shape)
                for array, output in zip(arrays, outputs, strict=True)
            ]
            raise UserError(
                f"model.{name}: expected {EXPECTED[name]}, received {', '.join(map(str, kinds))} for {len(batch)} "
                "rows. Return arrays, one row for each."
            )
        return arrays

    def _encode(self):
        results = in_batches(
            lambda batch: self._run("encode", batch), self.images, ENCODING_BATCH, fixed=True
        )
        if len(results) != 2 or results[0].ndim != 2 or results[0].shape != results[1].shape:
            raise UserError(
                f"model.encode: expected {EXPECTED['encode']}, received {_shapes(results)}. "
                "Return both, one row for each face."
            )
        mean, log_variance = (result.astype(np.float32) for result in results)
        finite = np.isfinite(mean).all(axis=1) & np.isfinite(log_variance).all(axis=1)
        if not finite.all():
            warnings.warn(
                f"{np.count_nonzero(~finite)} of {len(finite)} faces have latents that are not finite; "
                "TensorBoard's pictures and figures leave them out.",
                stacklevel=2,
            )
        attributes = None if self.attributes is None else self.attributes[finite]
        return Encodings(np.flatnonzero(finite), mean[finite], log_variance[finite], attributes)


def _explained(name, function, given):
    """The function of what is given; where it fails, with the method's name and what it was given."""
    try:
        return function(given)
    except (UserError, MemoryError, tf.errors.ResourceExhaustedError):
        raise
    except Exception as error:  # of any kind: the method is the user's
        raise UserError(
            f"model.{name}: expected a method that takes {given.dtype.name}{list(given.shape)} in a graph, received "
            f"an error ({_reason(error)}). Mend it, or give SharedEncoding the images that it takes."
        ) from error


def _as_float(images):
    return images.astype(np.float32) / 255.0 if images.dtype == np.uint8 else images.astype(np.float32)


def _shapes(arrays):
    return ", ".join(str(list(array.shape)) for array in arrays)


def _reason(error):
    """The line of a model's error that says what is wrong: graphs and Keras put theirs around it."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()] or [type(error).__name__]
    named = [number for number, line in enumerate(lines) if re.match(r"\w+(Error|Exception): ", line)]
    lines = lines[named[-1] :] if named else lines
    return next((line for line in lines if "Exception encountered when calling" not in line), lines[0])
