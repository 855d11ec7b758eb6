"""Trainings of some seconds, and callbacks that end them early or keep their logs."""

import signal

import keras

from facevae.configuration.choosing import from_preset
from facevae.run.run_folder import RunFolder
from facevae.training import describe_data
from facevae.training.runtime import Runtime

CPU = Runtime("processor", "float32", False)


def tiny(**chosen):
    defaults = {
        "image_size": 32,
        "latent_dim": 4,
        "width": 8,
        "batch_size": 16,
        "epochs": 3,
        "density_components": 2,
    }
    return from_preset("demo", **{**defaults, **chosen})


def begin(path, config, blob_dataset):
    run = RunFolder(path)
    run.save(config, describe_data(blob_dataset))
    return run


class KillAfter(keras.callbacks.Callback):
    """Ends the training inside an epoch without saving, as a kill would."""

    def __init__(self, step):
        super().__init__()
        self.step = step

    def on_train_batch_end(self, batch, logs=None):
        if int(self.model.global_step) == self.step:
            raise KeyboardInterrupt


class Ask(keras.callbacks.Callback):
    """Asks for the end at the n-th call of one of a callback's methods, as SIGTERM would."""

    def __init__(self, interruption, hook, call):
        super().__init__()
        self.calls, self.call, self.interruption = 0, call, interruption
        setattr(self, hook, self._count)

    def _count(self, *_, **__):
        self.calls += 1
        if self.calls == self.call:
            self.interruption.requested = signal.SIGTERM


class Logs(keras.callbacks.Callback):
    """Keeps the logs of each epoch."""

    def __init__(self):
        super().__init__()
        self.epochs = {}

    def on_epoch_end(self, epoch, logs=None):
        assert epoch not in self.epochs
        self.epochs[epoch] = dict(logs)
