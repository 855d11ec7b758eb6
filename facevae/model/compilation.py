"""What `Trainer.compile` prepares: the optimizer, and the passes that XLA compiles."""

import math
from collections.abc import Callable
from typing import Any

import keras
import tensorflow as tf

from facevae.errors import UserError


def refuse_losses_and_metrics(**given: Any) -> None:
    """Refuses what `keras.Model.compile` takes and the model would ignore.

    Args:
        **given: the arguments `loss`, `loss_weights`, `metrics` and `weighted_metrics`.

    Raises:
        UserError: one of them is not None.
    """
    for name, value in given.items():
        if value is not None:
            raise UserError(
                f"{name}: expected None, received {value!r}. The model minimises its own loss (likelihood, "
                "mse_weight, kl_weight) and reports its parts: leave it out."
            )


def with_loss_scaling(
    optimizer: keras.optimizers.Optimizer, pixel_values: int
) -> keras.optimizers.LossScaleOptimizer:
    """The optimizer with loss scaling for 16-bit gradients; one that scales already is returned as it is.

    Args:
        optimizer: any.
        pixel_values: of an image, over which the loss is a sum.
    """
    if isinstance(optimizer, keras.optimizers.LossScaleOptimizer):
        return optimizer
    # Keras starts at 2^15, meant for losses near 1. Ours are sums over all pixel values: from there the first dozen
    # steps would overflow and be skipped.
    scale = 2.0 ** (15 - round(math.log2(pixel_values)))
    return keras.optimizers.LossScaleOptimizer(optimizer, initial_scale=scale)


def without_gradient_sum(optimizer: keras.optimizers.Optimizer) -> keras.optimizers.Optimizer:
    """The optimizer, set to take gradients that are the global batch's already: Keras would sum the replicas' again."""
    getattr(optimizer, "inner_optimizer", optimizer)._all_reduce_sum_gradients = lambda pairs: pairs
    return optimizer


def with_xla(gradients: Callable, forward: Callable, replica_count: int) -> tuple[Callable, Callable]:
    """The functions of a training step, compiled with XLA as far as the replicas allow.

    Args:
        gradients: forward and backward pass, which calls `forward` and exchanges sums between replicas.
        forward: the forward pass of one replica.
        replica_count: how many replicas train together.

    Returns:
        Both functions, one of them compiled: `gradients` on one device. Replicas exchange sums between the passes,
        which XLA cannot do on every device: there it is `forward`.
    """
    if replica_count == 1:
        return tf.function(gradients, jit_compile=True), forward
    return gradients, tf.function(forward, jit_compile=True)


def refuse_weights(weights: Any) -> None:
    """Refuses weights of classes or images in training, which the model would ignore.

    Raises:
        UserError: they are not None.
    """
    if weights is not None:
        raise UserError(
            "sample_weight, class_weight: expected none in training, received weights. All images count alike: "
            "leave the weights out, or leave out the images that count less."
        )
