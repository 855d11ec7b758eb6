"""Keras layers that Keras lacks, or that TensorFlow runs faster in another form."""

import keras
import numpy as np
import tensorflow as tf

from facevae.model import replicas


@keras.saving.register_keras_serializable(package="facevae")
class BatchNormalization(keras.layers.BatchNormalization):
    """Keras' BatchNormalization over the last axis of images, computed by TensorFlow's fused kernel.

    Weights, moving statistics and results are those of `keras.layers.BatchNormalization`, which on TensorFlow
    computes moments and scaling as separate operations (keras 3.15) and passes over the activations several times.
    With `synchronized`, which the kernel does not support, Keras' own implementation is used.
    """

    def call(self, inputs: tf.Tensor, training: bool | None = None) -> tf.Tensor:
        if training and self.synchronized:
            return super().call(inputs, training)
        if not (training and self.trainable):
            return self._normalise(inputs, self.moving_mean, self.moving_variance, is_training=False)[0]
        outputs, mean, variance = self._normalise(inputs, None, None, is_training=True)
        # The kernel returns the unbiased variance; Keras keeps the biased one.
        count = tf.cast(tf.reduce_prod(tf.shape(inputs)[:-1]), tf.float32)
        variance *= (count - 1.0) / count
        for moving, batch in ((self.moving_mean, mean), (self.moving_variance, variance)):
            moving.assign(moving * self.momentum + batch * (1.0 - self.momentum))
        return outputs

    def _normalise(self, inputs, mean, variance, is_training):
        scale, offset = tf.convert_to_tensor(self.gamma), tf.convert_to_tensor(self.beta)
        if not is_training:
            mean, variance = tf.convert_to_tensor(mean), tf.convert_to_tensor(variance)
        return tf.compat.v1.nn.fused_batch_norm(
            inputs, scale, offset, mean, variance, epsilon=self.epsilon, is_training=is_training
        )


@keras.saving.register_keras_serializable(package="facevae")
class Dropout(keras.layers.Dropout):
    """Keras' Dropout, with few random bits for each activation.

    Each activation is dropped independently with probability `rate`, the others are divided by `1 - rate`. Keras draws
    a float for each, which is costly beside the layers of a small network. Here each gets the fewest bits n of 1, 2, 4
    and 8 for which `rate` is a multiple of 1/2ⁿ (two for 0.25), else 16 (`rate` is then met to within 1/131072).
    """

    def call(self, inputs: tf.Tensor, training: bool | None = None) -> tf.Tensor:
        if not training or self.rate == 0:
            return inputs
        bits = next((bits for bits in (1, 2, 4, 8) if (self.rate * 2**bits).is_integer()), 16)
        # The seed generators of all replicas are equal: their position makes the masks of their parts differ.
        seed = tf.cast(self.seed_generator.next(), tf.int32) + tf.stack([replicas.position(), 0])
        kept = _draws(tf.size(inputs), bits, round(self.rate * 2**bits), seed)
        scale = tf.cast(kept, inputs.dtype) * tf.constant(1.0 / (1.0 - self.rate), inputs.dtype)
        return inputs * tf.reshape(scale, tf.shape(inputs))


def _draws(count, bits, threshold, seed):
    """`bool[count]`: whether random numbers of `bits` bits are at least `threshold`."""
    words = tf.random.stateless_uniform(
        [-(-count // (32 // bits))], seed, minval=None, maxval=None, dtype=tf.uint32
    )
    if bits == 16:
        return tf.reshape(tf.bitcast(words, tf.uint16), [-1])[:count] >= threshold
    numbers = tf.reshape(tf.bitcast(words, tf.uint8), [-1])
    parts = [
        tf.bitwise.bitwise_and(numbers, tf.constant((2**bits - 1) << shift, tf.uint8)) >= threshold << shift
        for shift in range(0, 8, bits)
    ]
    return tf.concat(parts, 0)[:count]


@keras.saving.register_keras_serializable(package="facevae")
class DepthToSpace(keras.layers.Layer):
    """Moves channels into pixels: `[batch, h, w, b·b·c]` to `[batch, h·b, w·b, c]`.

    Args:
        block_size: b.
    """

    def __init__(self, block_size: int = 2, **kwargs):
        super().__init__(**kwargs)
        self.block_size = block_size

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        return tf.nn.depth_to_space(inputs, self.block_size)

    def compute_output_shape(self, input_shape):
        batch, height, width, channels = input_shape
        return batch, height * self.block_size, width * self.block_size, channels // self.block_size**2

    def get_config(self):
        return {**super().get_config(), "block_size": self.block_size}


@keras.saving.register_keras_serializable(package="facevae")
class SpaceToDepth(DepthToSpace):
    """Moves pixels into channels: `[batch, h, w, c]` to `[batch, h/b, w/b, b·b·c]`."""

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        return tf.nn.space_to_depth(inputs, self.block_size)

    def compute_output_shape(self, input_shape):
        batch, height, width, channels = input_shape
        return batch, height // self.block_size, width // self.block_size, channels * self.block_size**2


@keras.saving.register_keras_serializable(package="facevae")
class LowPass(keras.layers.Layer):
    """Averages each pixel with its neighbours, by 1/4, 1/2, 1/4 along rows and columns: `[batch, h, w, c]` unchanged.

    The filter's response at the highest frequency is 0: a pattern that goes up and down from pixel to pixel becomes its
    mean. At the borders the weights of the pixels that exist are scaled to sum to 1.
    """

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        _, height, width, channels = inputs.shape
        weights = np.array([0.25, 0.5, 0.25])
        kernel = np.repeat(np.outer(weights, weights)[:, :, None, None], channels, axis=2)
        present = [np.convolve(np.ones(side), weights, "same") for side in (height, width)]
        scale = 1.0 / np.outer(*present)[None, :, :, None]
        smooth = tf.nn.depthwise_conv2d(inputs, tf.constant(kernel, inputs.dtype), [1, 1, 1, 1], "SAME")
        return smooth * tf.constant(scale, inputs.dtype)

    def compute_output_shape(self, input_shape):
        return input_shape
