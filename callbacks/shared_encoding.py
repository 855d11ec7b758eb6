"""The fixed faces that all callbacks show, encoded once per epoch for all of them."""

import warnings
from collections.abc import Callable, Sequence

import keras
import numpy as np
import tensorflow as tf

from facevae.data.faces import Records
from facevae.encodings import Encodings
from facevae.errors import UserError
from facevae.model.batches import in_batches
from facevae.model.image_range import check_range

# The batch sizes are fixed, so that each graph is traced once; a short last batch is padded. There are thousands of
# faces to encode, dozens of latents to decode.
ENCODING_BATCH = 128
DECODING_BATCH = 32


class SharedEncoding:
    """A fixed set of validation faces, with the posterior that the model in training gives them.

    Works with any Keras model that has `encode(images) -> (mean, log_variance)` and
    `decode(latents) -> images` with images in [0, 1]. Both run as graphs, in inference mode.

    Args:
        images: `[faces, height, width, 3]`, in the form that the model's `encode` takes: uint8, or float32 in
            [0, 1].
        attributes: `[faces, attributes]` of 0 and 1, or None.
        attribute_names: the names of the attributes.

    Raises:
        UserError: arrays of other shapes, floats outside [0, 1], or attributes that do not match the images and
            names.
    """

    def __init__(
        self, images: np.ndarray, attributes: np.ndarray | None = None, attribute_names: Sequence[str] = ()
    ):
        self.images = np.asarray(images)
        self.attribute_names = tuple(attribute_names)
        self.attributes = None if attributes is None or not self.attribute_names else np.asarray(attributes)
        if self.images.ndim != 4 or self.images.shape[-1] != 3 or not len(self.images):
            raise UserError(
                "images: expected at least one image, [faces, height, width, 3], received "
                f"{list(self.images.shape)}. Give the callbacks some images that the model is not trained on."
            )
        if self.images.dtype.kind == "f":
            check_range(self.images)
        expected = (len(self.images), len(self.attribute_names))
        if self.attributes is not None and self.attributes.shape != expected:
            raise UserError(
                f"attributes: expected {list(expected)} for these images and names, "
                f"received {list(self.attributes.shape)}. Give one row for each image, one column for each name."
            )
        self._model: keras.Model | None = None
        self._functions: dict[str, Callable] = {}
        self._epoch: int | None = None
        self._encodings: Encodings | None = None

    @classmethod
    def of_records(
        cls, records: Records, attribute_names: Sequence[str] = (), count: int = 2000, seed: int = 0
    ) -> "SharedEncoding":
        """At most `count` faces of a prepared split, drawn without replacement, in the order drawn."""
        indices = np.random.default_rng(seed).permutation(len(records))[:count]
        return cls(records.images(indices), records.attributes(indices), attribute_names)

    def attach(self, model: keras.Model) -> None:
        """Encodes and decodes with `model` from now on, and forgets the encodings made so far.

        Raises:
            UserError: the model lacks `encode` or `decode`.
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
        images = self.images[indices]
        return images.astype(np.float32) / 255.0 if images.dtype == np.uint8 else images.astype(np.float32)

    def decode(self, latents: np.ndarray) -> np.ndarray:
        """Decodes latents `float32[n, latent_dim]` to images `float32[n, height, width, 3]`; NaN becomes black."""
        latents = np.asarray(latents, np.float32)
        (images,) = in_batches(self._functions["decode"], latents, DECODING_BATCH, fixed=True)
        return np.nan_to_num(images.astype(np.float32), nan=0.0, posinf=1.0, neginf=0.0)

    def _encode(self):
        results = in_batches(self._functions["encode"], self.images, ENCODING_BATCH, fixed=True)
        if len(results) != 2 or results[0].ndim != 2 or results[0].shape != results[1].shape:
            raise UserError(
                "model.encode: expected mean and log_variance, each [faces, latent_dim], "
                f"received {', '.join(str(list(result.shape)) for result in results)}. "
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
