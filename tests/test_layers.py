import keras
import numpy as np
import pytest
import tensorflow as tf

from facevae.layers import BatchNormalization, DepthToSpace, SpaceToDepth


@pytest.mark.parametrize("training", [True, False])
def test_fused_batch_normalization_equals_keras(training):
    x = tf.random.stateless_normal([6, 5, 5, 4], [1, 2]) * 3.0 + 2.0
    ours, plain = BatchNormalization(momentum=0.9), keras.layers.BatchNormalization(momentum=0.9)
    for layer in (ours, plain):
        layer.build(x.shape)
    weights = [np.array([1.0, 2.0, 0.5, -1.0]), np.arange(4.0), np.arange(4.0), np.arange(1.0, 5.0)]
    ours.set_weights(weights)
    plain.set_weights(weights)
    upstream = tf.random.stateless_normal(x.shape, [3, 4])
    results = []
    for layer in (ours, plain):
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = layer(x, training=training)
        gradients = tape.gradient(y, [x, *[v.value for v in layer.trainable_variables]], upstream)
        results.append([y, *gradients, layer.moving_mean, layer.moving_variance])
    for a, b in zip(*results, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-4, equal_nan=False)


def test_frozen_batch_normalization_keeps_its_statistics():
    layer = BatchNormalization()
    layer.build((2, 4, 4, 3))
    layer.trainable = False
    layer(tf.random.stateless_normal([2, 4, 4, 3], [1, 2]), training=True)
    np.testing.assert_array_equal(layer.moving_mean, np.zeros(3))


def test_depth_to_space_undoes_space_to_depth():
    x = tf.reshape(tf.range(2 * 4 * 6 * 3), [2, 4, 6, 3])
    packed = SpaceToDepth(2)(x)
    assert packed.shape == (2, 2, 3, 12)
    np.testing.assert_array_equal(packed[0, 0, 0, :3], x[0, 0, 0])
    np.testing.assert_array_equal(packed[0, 0, 0, 3:6], x[0, 0, 1])
    np.testing.assert_array_equal(DepthToSpace(2)(packed), x)
