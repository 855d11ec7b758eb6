"""When a training stops: each rule as a function of a run's progress."""

import types

import pytest

from facevae.configuration.choosing import from_preset
from facevae.training.checkpoints import Progress
from facevae.training.stopping import StopTraining, is_complete


@pytest.mark.parametrize(
    ("chosen", "progress", "complete"),
    [
        ({"epochs": 3}, {"epochs": 2}, False),
        ({"epochs": 3}, {"epochs": 3}, True),
        ({"minutes": 2.0}, {"seconds": 119.9}, False),
        ({"minutes": 2.0}, {"seconds": 120.0}, True),
        ({"minutes": 2.0}, {"seconds": 120.0, "epoch_steps": 1}, False),  # not validated yet
        ({"epochs": 3, "minutes": 2.0}, {"epochs": 3, "seconds": 1.0}, True),
        ({"epochs": 30, "early_stopping": 4}, {"epochs": 8, "best_epoch": 5}, False),
        ({"epochs": 30, "early_stopping": 4}, {"epochs": 9, "best_epoch": 5}, True),
        ({"epochs": 30}, {"epochs": 9, "best_epoch": 1}, False),
    ],
)
def test_a_run_is_complete_after_its_epochs_its_minutes_or_by_early_stopping(chosen, progress, complete):
    assert is_complete(from_preset("demo", **chosen), Progress(**progress)) is complete


def test_an_epoch_resumed_half_way_ends_after_its_steps_and_the_training_goes_on():
    progress = Progress(epochs=1, epoch_steps=4)
    callback = StopTraining(from_preset("demo", epochs=3), progress, 6)
    callback.set_model(types.SimpleNamespace(stop_training=False))
    callback.on_train_begin()
    stopped = []
    for step in (5, 6):
        progress.epoch_steps = step
        callback.on_train_batch_end(step)
        stopped.append(callback.model.stop_training)
    assert stopped == [False, True]
    callback.on_test_begin()
    progress.epochs, progress.epoch_steps = 2, 0
    callback.on_epoch_end(1)
    assert not callback.model.stop_training


def test_minutes_end_an_epoch_early():
    progress = Progress(epoch_steps=1, seconds=59.0)
    callback = StopTraining(from_preset("demo", minutes=1.0), progress, 1000)
    callback.set_model(types.SimpleNamespace(stop_training=False))
    callback.on_train_begin()
    callback.on_train_batch_end(1)
    assert not callback.model.stop_training
    progress.seconds = 60.0
    callback.on_train_batch_end(2)
    assert callback.model.stop_training
    callback.on_test_begin()
    progress.epochs, progress.epoch_steps = 1, 0
    callback.on_epoch_end(0)
    assert callback.model.stop_training
