"""What the replicas of a step (tf.distribute) share, so that many devices compute what one would.

On a single device every function here gives back what it is given.
"""

from collections.abc import Callable
from typing import Any

import keras
import tensorflow as tf


def count() -> int:
    """How many replicas train together, over all workers."""
    return tf.distribute.get_strategy().num_replicas_in_sync


def position() -> int | tf.Tensor:
    """Which of them computes this: the first has the first part of the global batch."""
    return tf.distribute.get_replica_context().replica_id_in_sync_group


def own_part(faces: tf.Tensor, draw: Callable[[tf.Tensor], tf.Tensor]) -> tf.Tensor:
    """What is drawn for this replica's part of the global batch: what one device would draw for the same faces.

    Args:
        faces: `int32[]`, faces in this part.
        draw: makes random values for so many faces, one row for each.

    Returns:
        Its rows for this part.
    """
    first = position() * faces
    return draw(count() * faces)[first : first + faces]


def total(shares: Any) -> Any:
    """The sum over all replicas, whose gradient is that of this replica's share.

    A loss made from such sums is the global batch's, and the gradients of the replicas add up to its gradient. With a
    loss of its own on every replica they would add up to the gradient of the average times the number of replicas.

    Args:
        shares: a tensor or a list of tensors, of the same shapes on all replicas.

    Returns:
        The same structure.
    """
    if count() == 1:
        return shares

    @tf.custom_gradient
    def summed(*tensors):
        sums = tf.distribute.get_replica_context().all_reduce(tf.distribute.ReduceOp.SUM, list(tensors))
        return sums, lambda *upstream: list(upstream)

    # A variable's value lies on no device in particular, and several workers want to know one.
    sums = summed(*[tf.identity(tensor) for tensor in tf.nest.flatten(shares)])
    return tf.nest.pack_sequence_as(shares, sums)


class Mean(keras.metrics.Mean):
    """A mean over global batches, the same on all replicas.

    Keras' own keeps a part on every replica and adds them up when it is read; with several workers that takes all of
    them, and a chief that saves a checkpoint would wait for ever.
    """

    def add_variable(self, shape, initializer, dtype=None, aggregation="none", name=None):
        initializer = keras.initializers.get(initializer)
        return keras.Variable(initializer, shape=shape, dtype=dtype, trainable=False, name=name)
