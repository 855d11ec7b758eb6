"""NaN and infinity are caught at the step where they appear; 16-bit training skips steps that overflow."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from facevae.errors import UserError
from facevae.model import VAE, schedules
from facevae.run.run_folder import RunFolder
from facevae.training.nan_guard import NaNGuard

TINY = {"image_size": 32, "latent_dim": 4, "width": 8}
BAD_STEP = 3


@pytest.fixture(scope="module")
def poisonable():
    """A model whose loss has a variable added to it, 0 until a test poisons it; traced once for all tests."""
    poison = tf.Variable(0.0)
    clean = schedules.kl_weight
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(schedules, "kl_weight", lambda *arguments: clean(*arguments) + poison)
        keras.utils.set_random_seed(0)
        model = VAE(**TINY)
        model.compile("adam")
        model.optimizer.build(model.trainable_variables)
        model.poison = poison
        model.fresh = [(v, v.numpy()) for v in [*model.weights, *model.optimizer.variables]]
        yield model


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("place", ["data", "loss", "weights"])
def test_what_is_not_finite_is_caught_at_its_step(tmp_path, blob_images, poisonable, place, value):
    model = poisonable
    for variable, fresh in model.fresh:
        variable.assign(fresh)
    model.poison.assign(0.0)
    pictures = np.tile(blob_images(8).astype(np.float32) / 255.0, (6, 1, 1, 1))
    if place == "data":
        pictures[8 * BAD_STEP + 5, 7, 9, 1] = value

    class Poison(keras.callbacks.Callback):
        def on_train_batch_begin(self, batch, logs=None):
            if batch == BAD_STEP and place == "loss":
                model.poison.assign(value)
            if batch == BAD_STEP and place == "weights":
                kernel = model.decoder.trainable_variables[0]
                kernel.assign(tf.tensor_scatter_nd_update(kernel, [[0] * len(kernel.shape)], [value]))

    with pytest.raises(UserError, match=rf"no longer finite at step {BAD_STEP}\. There is no checkpoint yet"):
        model.fit(
            pictures,
            batch_size=8,
            shuffle=False,
            callbacks=[Poison(), NaNGuard(RunFolder(tmp_path))],
            verbose=0,
        )
    assert int(model.global_step) == BAD_STEP + 1  # not a step more was taken


def test_a_validation_loss_that_is_not_finite_ends_the_training(tmp_path):
    with pytest.raises(UserError, match="validation loss is not finite after epoch 3"):
        NaNGuard(RunFolder(tmp_path)).on_epoch_end(2, {"val_loss": float("nan")})


@pytest.mark.slow
def test_mixed_float16_takes_a_thousand_steps_and_none_of_them_is_bad(tmp_path, blob_images):
    keras.utils.set_random_seed(0)
    model = VAE(**TINY, dtype="mixed_float16")
    # The highest scale there is: the first steps overflow.
    model.compile(keras.optimizers.LossScaleOptimizer(keras.optimizers.Adam(1e-3), initial_scale=2.0**24))
    seen = {"skipped": 0, "mse": []}

    class Watch(keras.callbacks.Callback):
        def on_train_batch_begin(self, batch, logs=None):
            self._before = [weight.numpy() for weight in model.trainable_variables], self._scale()

        def on_train_batch_end(self, batch, logs=None):
            weights, scale = self._before
            after = [weight.numpy() for weight in model.trainable_variables]
            assert all(np.isfinite(weight).all() for weight in after)
            same = all(np.array_equal(a, b) for a, b in zip(weights, after, strict=True))
            skipped = self._scale() < scale
            assert same == skipped, "a step that overflows changes nothing, every other one does"
            seen["skipped"] += skipped

        def on_epoch_end(self, epoch, logs=None):
            seen["mse"].append(logs["mse"])

        def _scale(self):
            return float(model.optimizer.dynamic_scale) if model.optimizer.built else np.inf

    images = blob_images(80)
    model.fit(images, batch_size=4, epochs=50, callbacks=[Watch(), NaNGuard(RunFolder(tmp_path))], verbose=0)
    assert int(model.global_step) == 1000
    assert 1 <= seen["skipped"] < 50
    assert int(model.not_finite_step) == -1
    assert np.isfinite(seen["mse"]).all()
    assert seen["mse"][-1] < 0.2 * seen["mse"][0]

    # Gradients that never become finite again: the scale sinks without end.
    model.optimizer.dynamic_scale.assign(2.0**-21)
    with pytest.raises(UserError, match="gradients overflow at every step"):
        model.fit(images, batch_size=4, callbacks=[NaNGuard(RunFolder(tmp_path))], verbose=0)
