import keras
import numpy as np
import pytest
import tensorflow as tf

from facevae.model.optimizers import Adam, Muon


def test_adam_moves_as_keras_own_does():
    random = np.random.default_rng(0)
    starts = [random.normal(size=shape).astype(np.float32) for shape in ((4, 4, 3, 8), (40, 5), (7,))]
    settings = {"learning_rate": 0.01, "beta_1": 0.8, "beta_2": 0.99, "epsilon": 1e-5, "weight_decay": 0.1}
    sides = [
        (make(**settings), [keras.Variable(start) for start in starts])
        for make in (Adam, keras.optimizers.Adam)
    ]
    for _ in range(20):
        gradients = [tf.constant(random.normal(size=start.shape), tf.float32) for start in starts]
        for optimizer, variables in sides:
            optimizer.apply(gradients, variables)
    (ours, moved), (_, expected) = sides
    for a, b, start in zip(moved, expected, starts, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-6, equal_nan=False)
        assert np.abs(a.numpy() - start).mean() > 0.01
    for a, b in zip(ours.variables, sides[1][0].variables, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-6, equal_nan=False)


@pytest.mark.parametrize("shape", [(3, 3, 8, 16), (4, 4, 16, 8), (5, 40), (40, 5), (12, 24)])
def test_orthogonalises_as_keras_does(shape):
    x = tf.random.stateless_normal(shape, [1, 2])
    ours = Muon().zeropower_via_newtonschulz5(x, 5).numpy()
    matrix = tf.reshape(x, [-1, shape[-1]])
    keras_own = keras.optimizers.Muon().zeropower_via_newtonschulz5(matrix, 5).numpy()
    np.testing.assert_allclose(ours.reshape(keras_own.shape), keras_own, atol=1e-5, equal_nan=False)
    singular_values = np.linalg.svd(ours.reshape(keras_own.shape), compute_uv=False)
    assert (singular_values > 0.6).all()
    assert (singular_values < 1.3).all()


def test_a_step_moves_every_weight_of_a_matrix_as_far_as_adam_would():
    kernel, bias = keras.Variable(tf.zeros([3, 3, 8, 16])), keras.Variable(tf.zeros([16]))
    optimizer = Muon(learning_rate=0.01)
    optimizer.build([kernel, bias])
    gradients = [tf.random.stateless_normal([3, 3, 8, 16], [1, 2]), tf.fill([16], 7.0)]
    optimizer.apply(gradients, [kernel, bias])
    # Moonlight's scale makes the root mean square of an orthogonal update 0.2 of the learning rate.
    moved = np.sqrt(np.mean(np.square(kernel)))
    np.testing.assert_allclose(moved, 0.2 * 0.01, rtol=0.15, equal_nan=False)
    np.testing.assert_allclose(bias, np.full(16, -0.01), rtol=1e-3, equal_nan=False)


def test_a_gradient_of_zero_moves_nothing():
    kernel = keras.Variable(tf.ones([3, 3, 4, 4]))
    optimizer = Muon(learning_rate=0.01, weight_decay=0.0)
    optimizer.build([kernel])
    optimizer.apply([tf.zeros([3, 3, 4, 4])], [kernel])
    np.testing.assert_array_equal(kernel, np.ones([3, 3, 4, 4]))


def test_is_saved_with_a_model(tmp_path):
    model = keras.Sequential([keras.Input((8, 8, 3)), keras.layers.Conv2D(4, 3), keras.layers.Flatten()])
    model.compile(Muon(learning_rate=0.003, momentum=0.9), loss="mse")
    model.fit(np.ones([4, 8, 8, 3]), np.ones([4, 144]), verbose=0)
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert isinstance(loaded.optimizer, Muon)
    assert loaded.optimizer.momentum == 0.9
    for a, b in zip(model.optimizer.variables, loaded.optimizer.variables, strict=True):
        np.testing.assert_array_equal(a, b)
