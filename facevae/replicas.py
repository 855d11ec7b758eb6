"""Sums over the replicas of a step (tf.distribute), so that many devices compute what one would.

On a single device every function here gives back what it is given.
"""

from typing import Any

import tensorflow as tf


def count() -> int:
    """How many replicas train together, over all workers."""
    return tf.distribute.get_strategy().num_replicas_in_sync


def position() -> int | tf.Tensor:
    """Which of them computes this: the first has the first part of the global batch."""
    return tf.distribute.get_replica_context().replica_id_in_sync_group


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
