"""The functions that are exported, as TensorFlow graphs.

`Graphs` tracks the raw variables, not the Keras model: a SavedModel stores a tracked Keras model twice, or, where it is
saved as a plain `tf.Module`, silently omits its weights.
"""

import dataclasses

import numpy as np
import tensorflow as tf

from facevae.editing.face_attributes import FaceAttributes
from facevae.exporting.sampling import CompactMixture
from facevae.model import VAE


@dataclasses.dataclass(frozen=True)
class ExportedModel:
    """The parts of a run that are exported.

    Attributes:
        model: the trained model, in float32.
        edits: the attributes that the model can change, the clearest first; None where there are none.
        density: the fitted density in its compact form, None where new faces come from the prior.
    """

    model: VAE
    edits: FaceAttributes | None
    density: CompactMixture | None


class Graphs(tf.Module):
    """All signatures of an export; they share one set of variables.

    Args:
        exported: what is exported.
        batch: the batch size of every signature; None for any. The .tflite files need 1, because
            XNNPACK does not run graphs of dynamic batch size.
    """

    def __init__(self, exported: ExportedModel, batch: int | None):
        super().__init__()
        self._exported, self._batch = exported, batch
        model = exported.model
        self.weights = [weight.value for weight in model.encoder.weights + model.decoder.weights]
        self.constants = {}
        if exported.edits:
            self.constants["directions"] = tf.Variable(exported.edits.directions, trainable=False)
        if density := exported.density:
            self.constants["basis"] = tf.Variable(density.basis, trainable=False)
            # A component's row is the first row plus all differences up to it. Choosing a row in this way works in
            # 8 bits, unlike comparisons with infinite bounds or a lookup in a table of large numbers.
            for name in ("means", "deviations"):
                rows = getattr(density, name)
                self.constants[f"first_{name}"] = tf.Variable(rows[:1], trainable=False)
                self.constants[f"steps_{name}"] = tf.Variable(np.diff(rows, axis=0), trainable=False)

    def signatures(self) -> dict[str, tf.types.experimental.ConcreteFunction]:
        """The graph of each signature of this export, by name."""
        size, latent_dim = self._exported.model.image_size, self._exported.model.latent_dim
        latent = self._spec((latent_dim,), "latent")
        graphs = {
            "decode": self._graph(self.decode, latent),
            "decode_uint8": self._graph(self.decode_uint8, latent),
        }
        if self._exported.edits:
            strengths = self._spec((len(self._exported.edits.names),), "strengths")
            graphs["edit"] = self._graph(self.edit, latent, strengths)
        if self._exported.density:
            graphs["sample"] = self._graph(self.sample, self._spec((latent_dim + 1,), "noise"))
        graphs["encode"] = self._graph(self.encode, self._spec((size, size, 3), "image"))
        graphs["encode_uint8"] = self._graph(
            self.encode_uint8, self._spec((size, size, 4), "image", tf.uint8)
        )
        return graphs

    def decode(self, latent: tf.Tensor) -> dict[str, tf.Tensor]:
        """`float32[batch, latent_dim]` to `float32[batch, size, size, 3]` in [0, 1]."""
        return {"image": self._decoded(latent)}

    def edit(self, latent: tf.Tensor, strengths: tf.Tensor) -> dict[str, tf.Tensor]:
        """`decode` of the latent moved along each attribute's direction, `strengths: float32[batch, attributes]`."""
        return {"image": self._decoded(latent + tf.matmul(strengths, self.constants["directions"]))}

    def decode_uint8(self, latent: tf.Tensor) -> dict[str, tf.Tensor]:
        """`decode` to `uint8[batch, size, size, 4]`: red, green, blue, and 255 for alpha."""
        levels = tf.cast(tf.round(self._decoded(latent) * 255.0), tf.uint8)
        # Concatenating a constant plane would store at least a byte per pixel in the file; padding stores nothing.
        return {"image": tf.pad(levels, [[0, 0], [0, 0], [0, 0], [0, 1]], constant_values=255)}

    def sample(self, noise: tf.Tensor) -> dict[str, tf.Tensor]:
        """A new face from `noise`, `float32[batch, latent_dim + 1]` of N(0, 1), and its latent for further edits."""
        assert self._exported.density is not None, "`signatures` adds `sample` only where there is a density"
        thresholds = self._exported.density.thresholds()
        passed = tf.cast(noise[:, -1:] >= thresholds, tf.float32)  # [batch, components − 1]
        means, deviations = (
            self.constants[f"first_{name}"] + tf.matmul(passed, self.constants[f"steps_{name}"])
            if len(thresholds)
            else self.constants[f"first_{name}"]
            for name in ("means", "deviations")
        )
        latent = means + tf.matmul(deviations * noise[:, :-1], self.constants["basis"], transpose_b=True)
        return {"image": self._decoded(latent), "latent": latent}

    def encode(self, image: tf.Tensor) -> dict[str, tf.Tensor]:
        """`float32[batch, size, size, 3]` in [0, 1] to mean and log-variance, `float32[batch, latent_dim]` each."""
        mean, log_variance = self._exported.model.encode(image)
        return {"mean": mean, "log_variance": log_variance}

    def encode_uint8(self, image: tf.Tensor) -> dict[str, tf.Tensor]:
        """`encode` of `uint8[batch, size, size, 4]`, whose last channel is ignored."""
        return self.encode(tf.cast(image[..., :3], tf.float32) * (1.0 / 255.0))

    def _decoded(self, latent: tf.Tensor) -> tf.Tensor:
        return self._exported.model.decode(latent)

    def _spec(self, shape: tuple[int, ...], name: str, dtype: tf.DType = tf.float32) -> tf.TensorSpec:
        return tf.TensorSpec((self._batch, *shape), dtype, name)

    def _graph(self, function, *specs):
        return tf.function(function, autograph=False).get_concrete_function(*specs)
