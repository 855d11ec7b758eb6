"""Sums and random draws over the replicas of a step (tf.distribute), so that many devices compute what one would.

On a single device there is one replica, and every sum is its own value.
"""

from collections.abc import Callable
from typing import Any

import tensorflow as tf


def count() -> int:
    """How many replicas train together, over all workers."""
    return tf.distribute.get_strategy().num_replicas_in_sync


def position() -> int | tf.Tensor:
    """The index of this replica: replica 0 has the first part of the global batch."""
    return tf.distribute.get_replica_context().replica_id_in_sync_group


def own_part(faces: tf.Tensor, draw: Callable[[tf.Tensor], tf.Tensor]) -> tf.Tensor:
    """Random values for this replica's part of the global batch, equal to those of one device for the same faces.

    Args:
        faces: `int32[]`, faces in this part.
        draw: random values `[faces, ...]` for a number of faces.

    Returns:
        The rows of this part.
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

    # The value of a variable is not placed on a device, which several workers need: identity places it.
    sums = summed(*[tf.identity(tensor) for tensor in tf.nest.flatten(shares)])
    return tf.nest.pack_sequence_as(shares, sums)


def mean(values: Any) -> Any:
    """The mean over all replicas of a tensor or a structure of tensors, of the same shapes on all of them."""
    return values if count() == 1 else tf.nest.map_structure(lambda value: value / count(), total(values))


def average(variables: list[Any]) -> None:
    """Sets each variable to its average over all replicas."""
    if count() == 1:
        return
    sums = total([tf.convert_to_tensor(variable) for variable in variables])
    for variable, value in zip(variables, sums, strict=True):
        variable.assign(value / count())
