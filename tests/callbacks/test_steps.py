"""Curves inside the epochs: what a point is the mean of, where it stands, and what is measured of the machine."""

import types

import keras
import numpy as np
import psutil
import pytest
import tensorflow as tf
from callback_helpers import read, steps, train, values

from callbacks import MachineUse, StepCurves
from callbacks.step_callback import StepCallback

LOSS = "by step/loss"
SPEED = "by step/images_per_second"


class CountingModel(keras.Model):
    """A model whose loss is the number of the step, and 1,000 in validation."""

    def __init__(self):
        super().__init__()
        self.loss_tracker = keras.metrics.Mean(name="loss")
        self.seen = self.add_weight(shape=(), initializer="zeros")

    @property
    def metrics(self):
        return [self.loss_tracker]

    def train_step(self, data):
        self.seen.assign_add(1.0)
        self.loss_tracker.update_state(self.seen)
        return {"loss": self.loss_tracker.result()}

    def test_step(self, data):
        self.loss_tracker.update_state(1000.0)
        return {"loss": self.loss_tracker.result()}


def _fit(callbacks, epochs, validated):
    model = CountingModel()
    model.compile("adam")
    pictures = np.zeros((8, 1), np.float32)
    validation = (pictures, pictures) if validated else None
    model.fit(
        pictures,
        pictures,
        1,
        epochs,
        callbacks=callbacks,
        validation_data=validation,
        verbose=0,
        shuffle=False,
    )


@pytest.mark.parametrize("validated", [True, False])
def test_a_point_is_the_mean_since_the_one_before_over_the_ends_of_epochs(tmp_path, validated):
    _fit([StepCurves(tmp_path, 1, every=3)], 2, validated)
    curve = values(read(tmp_path), LOSS)
    # Epochs end after steps 8 and 16; the last point is what is left.
    assert {step: float(value) for step, value in curve.items()} == pytest.approx(
        {3: 2.0, 6: 5.0, 9: 8.0, 12: 11.0, 15: 14.0, 16: 16.0}
    )


def test_what_an_epoch_had_added_up_before_a_resume_is_not_in_the_first_point(tmp_path):
    class HasHalfAnEpoch(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            self.model.loss_tracker.update_state(700.0, sample_weight=5.0)

    _fit([StepCurves(tmp_path, 1, every=4), HasHalfAnEpoch()], 1, False)
    curve = values(read(tmp_path), LOSS)
    assert {step: float(value) for step, value in curve.items()} == pytest.approx({4: 2.5, 8: 6.5})


def test_images_per_second_leave_out_first_executions_and_the_time_between_epochs(tmp_path, monkeypatch):
    clock = iter(
        [10.0, 16.0, 110.0, 116.0]
    )  # after the first step and the reading after the last, of both epochs
    monkeypatch.setattr("callbacks.step_curves.time", types.SimpleNamespace(monotonic=lambda: next(clock)))
    callback = StepCurves(tmp_path, batch_size=8, every=100)
    callback.set_model(types.SimpleNamespace(steps_per_execution=5, metrics=[], optimizer=None))
    callback.on_train_begin()
    for epoch in range(2):
        callback.on_epoch_begin(epoch)
        for batch in range(3):
            callback.on_train_batch_begin(batch)
            callback.on_train_batch_end(batch)
        callback.on_epoch_end(epoch)
    callback.on_train_end()
    assert values(read(tmp_path), SPEED) == {30: pytest.approx(2 * (2 * 5 * 8) / (2 * 6.0))}


def test_a_mean_that_is_not_finite_is_left_out(tmp_path):
    class Spoils(keras.callbacks.Callback):
        def on_train_batch_begin(self, batch, logs=None):
            if batch == 5:
                self.model.seen.assign(float("nan"))

    _fit([Spoils(), StepCurves(tmp_path, 1, every=4)], 1, False)
    assert steps(read(tmp_path), LOSS) == [4]


def test_a_resumed_training_has_each_step_once(tmp_path, blob_images):
    pictures = blob_images(32, 16)
    callbacks = [StepCurves(tmp_path, 8, every=2), MachineUse(tmp_path, every=2)]
    model = train(pictures, callbacks, epochs=3)  # 12 steps
    model.optimizer.iterations.assign(8)  # as a checkpoint has it
    train(pictures, callbacks, epochs=4, initial_epoch=2, model=model)
    accumulator = read(tmp_path)
    for tag in (LOSS, SPEED, "machine by step/memory of this process in GB"):
        assert steps(accumulator, tag) == [2, 4, 6, 8, 10, 12, 14, 16]


def test_gaps_grow_with_the_training_so_that_tensorboard_shows_all_points(tmp_path):
    points = []

    class Notes(StepCallback):
        def write(self):
            points.append(self.step)

    callback = Notes(tmp_path)
    callback.set_model(types.SimpleNamespace(steps_per_execution=1, optimizer=None))
    callback.on_train_begin()
    callback.on_epoch_begin(0)
    for batch in range(300_000):
        callback.on_train_batch_end(batch)
    callback.on_train_end()
    gaps = np.diff([0, *points])
    assert set(gaps[:1000]) == {50}
    assert gaps.max() <= 300
    assert 2500 < len(points) < 3000


def test_the_use_of_the_machine_is_measured(tmp_path, blob_images):
    train(blob_images(32, 16), [MachineUse(tmp_path, every=1)], epochs=2)
    accumulator = read(tmp_path)
    memory = values(accumulator, "machine by step/memory of this process in GB")[8]
    assert memory == pytest.approx(psutil.Process().memory_info().rss / 1e9, rel=0.3)
    cores = [*values(accumulator, "machine by step/processor cores in use by this process").values()]
    assert 0.0 < max(cores) <= psutil.cpu_count() * 1.5
    for whole in ("processor", "memory"):
        shares = [*values(accumulator, f"machine by step/{whole} of the machine in %").values()]
        assert min(shares) >= 0.0
        assert 0.0 < max(shares) <= 100.0


def test_the_memory_of_each_gpu_is_measured_and_what_a_system_does_not_tell_is_left_out(
    tmp_path, monkeypatch
):
    def memory(device):
        if device == "GPU:1":
            raise ValueError("Allocator stats not available")
        return {"current": 1_500_000_000, "peak": 2_500_000_000}

    monkeypatch.setattr(tf.config, "list_logical_devices", lambda kind: ["a", "b"])
    monkeypatch.setattr(tf.config.experimental, "get_memory_info", memory)
    monkeypatch.setattr(psutil, "cpu_percent", _not_implemented)
    callback = MachineUse(tmp_path, every=1)
    callback.set_model(types.SimpleNamespace(steps_per_execution=1, optimizer=None))
    callback.on_train_begin()
    callback.on_epoch_begin(0)
    callback.on_train_batch_end(0)
    callback.on_train_end()
    accumulator = read(tmp_path)
    gpu = "machine by step/memory of GPU 0 in GB"
    assert values(accumulator, gpu) == {1: 1.5}
    assert values(accumulator, f"{gpu}: the most so far") == {1: 2.5}
    tags = accumulator.Tags()["tensors"]
    assert not [tag for tag in tags if "GPU 1" in tag or "processor of the machine" in tag]


def _not_implemented():
    raise NotImplementedError
