import types

import keras
import pytest
import tensorflow as tf
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from callbacks import Scalars
from facevae.model import VAE


def read(folder):
    accumulator = EventAccumulator(str(folder))
    accumulator.Reload()
    values = {}
    for tag in accumulator.Tags()["tensors"]:
        values[tag] = [(e.step, tf.make_ndarray(e.tensor_proto).item()) for e in accumulator.Tensors(tag)]
    return values


def test_every_number_of_every_epoch_is_written_under_its_split(tmp_path, blob_images):
    model = VAE(image_size=32, latent_dim=4, width=8)
    model.compile(keras.optimizers.Adam(3e-4))
    images = blob_images(32)
    history = model.fit(
        images,
        batch_size=8,
        epochs=2,
        validation_data=(images, None),
        verbose=0,
        callbacks=[Scalars(tmp_path, 8)],
    ).history
    train, validation = read(tmp_path / "train"), read(tmp_path / "validation")
    for name in ("loss", "reconstruction_loss", "kl_loss", "mse"):
        assert [step for step, _ in train[name]] == [step for step, _ in validation[name]] == [1, 2]
        assert [value for _, value in train[name]] == pytest.approx(history[name], rel=1e-6)
        assert [value for _, value in validation[name]] == pytest.approx(history[f"val_{name}"], rel=1e-6)
    assert [value for _, value in train["learning_rate"]] == pytest.approx([3e-4, 3e-4])
    assert all(value > 0 for _, value in train["images_per_second"])
    assert "images_per_second" not in validation


def test_images_per_second_counts_steps_that_are_taken_at_once(tmp_path, monkeypatch):
    clock = iter([10.0, 12.0, 14.0])
    monkeypatch.setattr("callbacks.scalars.time", types.SimpleNamespace(monotonic=lambda: next(clock)))
    callback = Scalars(tmp_path, batch_size=8)
    optimizer = types.SimpleNamespace(learning_rate=0.1)
    callback.set_model(types.SimpleNamespace(steps_per_execution=5, optimizer=optimizer))
    callback.on_train_begin()
    callback.on_epoch_begin(0)
    for batch in (4, 9, 14):
        callback.on_train_batch_end(batch)
    callback.on_epoch_end(0, {})
    callback.on_train_end()
    assert read(tmp_path / "train")["images_per_second"] == [(1, 2 * 5 * 8 / 4.0)]
