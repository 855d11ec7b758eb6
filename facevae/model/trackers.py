"""The running means that `fit` and `evaluate` report."""

import keras
import tensorflow as tf

TRACKED = ("loss", "reconstruction_loss", "kl_loss", "mse", "gradient_norm")


class Mean(keras.metrics.Mean):
    """A mean over global batches, the same on all replicas.

    Keras' own keeps a share on each replica and adds the shares up when it is read. With several workers that needs
    all of them, so a chief that saves a checkpoint alone would wait for ever.
    """

    def add_variable(self, shape, initializer, dtype=None, aggregation="none", name=None):
        initializer = keras.initializers.get(initializer)
        return keras.Variable(initializer, shape=shape, dtype=dtype, trainable=False, name=name)


def update(
    trackers: dict[str, Mean], results: dict[str, tf.Tensor], faces: tf.Tensor
) -> dict[str, tf.Tensor]:
    """Adds the results of a step to the means.

    Args:
        trackers: by name.
        results: by name, each `float32[]`, a mean over the global batch.
        faces: `float32[]`, how many faces the global batch has.

    Returns:
        The means so far, each `float32[]`, of every name in `results`.
    """
    for name, value in results.items():
        # Steps that a loss-scaling optimizer skips have no finite gradient.
        counted = tf.math.is_finite(value) if name == "gradient_norm" else True
        weight = tf.where(counted, faces, 0.0)
        trackers[name].update_state(tf.where(counted, value, 0.0), sample_weight=weight)
    return {name: trackers[name].result() for name in results}
