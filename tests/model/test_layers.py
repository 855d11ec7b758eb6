import keras
import numpy as np
import pytest
import tensorflow as tf

from facevae.model.layers import BatchNormalization, DepthToSpace, Dropout, LowPass, SpaceToDepth


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


@pytest.mark.parametrize("rate", [0.25, 0.5, 0.1, 0.9, 0.0625, 0.3125])
def test_dropout_drops_each_activation_independently(rate):
    layer = Dropout(rate, seed=1)
    first, second = (layer(tf.ones([64, 32, 32, 3]), training=True).numpy() for _ in range(2))
    for outputs in (first, second):
        np.testing.assert_allclose(np.unique(outputs), [0.0, 1.0 / (1.0 - rate)], rtol=1e-6)
    dropped = np.stack([first, second]) == 0.0
    n = first.size
    # Five standard deviations of a share, and of the correlation of independent draws.
    assert abs(dropped[0].mean() - rate) < 5.0 * np.sqrt(rate * (1.0 - rate) / n)
    neighbours = [(dropped[0], dropped[1])]  # the same place in the next step
    neighbours += [(np.roll(dropped[0], 1, axis), dropped[0]) for axis in range(4)]
    # Activations whose bits come from one byte lie an eighth, a quarter or half of the batch apart.
    neighbours += [(np.roll(dropped[0], 64 * part // 8, 0), dropped[0]) for part in range(1, 8)]
    for a, b in neighbours:
        assert abs(np.corrcoef(a.ravel(), b.ravel())[0, 1]) < 5.0 / np.sqrt(n)


def test_dropout_passes_gradients_where_it_passes_activations():
    x = tf.ones([4, 5, 5, 3])  # 300 values: not a whole number of random words
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = Dropout(0.5, seed=0)(x, training=True)
    np.testing.assert_array_equal(tape.gradient(y, x), y)
    assert 0.0 < np.mean(y == 0.0) < 1.0


def test_dropout_does_nothing_in_evaluation_and_keeps_16_bits():
    x = tf.random.stateless_normal([2, 8, 8, 4], [1, 2])
    layer = Dropout(0.25, dtype="mixed_float16")
    assert layer(x, training=True).dtype == tf.float16
    np.testing.assert_array_equal(Dropout(0.25)(x, training=False), x)


def test_depth_to_space_undoes_space_to_depth():
    x = tf.reshape(tf.range(2 * 4 * 6 * 3), [2, 4, 6, 3])
    packed = SpaceToDepth(2)(x)
    assert packed.shape == (2, 2, 3, 12)
    np.testing.assert_array_equal(packed[0, 0, 0, :3], x[0, 0, 0])
    np.testing.assert_array_equal(packed[0, 0, 0, 3:6], x[0, 0, 1])
    np.testing.assert_array_equal(DepthToSpace(2)(packed), x)


@pytest.mark.parametrize("dtype", ["float32", "float16"])
def test_the_low_pass_keeps_a_plane_to_its_borders_and_takes_stripes_away(dtype):
    rows, columns = np.mgrid[:8, :6]
    stripes = np.stack([rows % 2, columns % 2, (rows + columns) % 2, np.ones_like(rows)], axis=-1)[
        None
    ].astype(dtype)
    smooth = LowPass(dtype=dtype)(stripes)
    assert smooth.dtype == dtype
    np.testing.assert_allclose(smooth[0, 1:-1, 1:-1, :3], np.full((6, 4, 3), 0.5), atol=1e-3)
    np.testing.assert_allclose(smooth[..., 3], np.ones((1, 8, 6)), atol=2e-3)


def test_the_low_pass_spreads_a_pixel_over_its_neighbours():
    pixel = np.zeros((1, 5, 5, 1), np.float32)
    pixel[0, 2, 2] = 16.0
    expected = np.pad([[1.0, 2.0, 1.0], [2.0, 4.0, 2.0], [1.0, 2.0, 1.0]], 1)
    np.testing.assert_allclose(LowPass()(pixel)[0, ..., 0], expected, atol=1e-5)
