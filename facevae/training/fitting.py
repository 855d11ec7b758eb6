"""Keras' fit of one phase of a training: batches, callbacks, and errors in words."""

import contextlib
from collections.abc import Iterator, Sequence

import keras
import tensorflow as tf

from facevae.command_line.interruption import Interruption
from facevae.configuration.config import Config
from facevae.data import FaceDataset, evaluation_batches, training_batches
from facevae.errors import UserError
from facevae.model import VAE
from facevae.model.sharpening import Sharpener
from facevae.run.run_folder import RunFolder
from facevae.training import memory
from facevae.training.checkpoints import Progress
from facevae.training.many_workers import Workers, agreed_schedule
from facevae.training.nan_guard import NaNGuard
from facevae.training.saving import SaveRun
from facevae.training.stopping import StopTraining


def steps_per_epoch(config: Config, dataset: FaceDataset) -> int:
    """Steps between two validations."""
    return config.steps_per_epoch or len(dataset.train) // config.batch_size


def fit(
    model: VAE,
    config: Config,
    run: RunFolder,
    dataset: FaceDataset,
    workers: Workers,
    progress: Progress,
    callbacks: Sequence[keras.callbacks.Callback],
    interruption: Interruption,
) -> None:
    """Runs Keras' fit from `progress` to the end of a phase.

    Args:
        model: compiled; with the weights of `progress`.
        config: of the phase.
        run: the run folder; its `sharpened` model is written where the model is a `Sharpener`, else `last` and `best`.
        dataset, callbacks, interruption: as for `train`.
        workers: that train together.
        progress: how far the run has come; updated.

    Raises:
        UserError, Interrupted: as for `train`.
    """
    explained = memory.explained_memory_errors(config.batch_size)
    with interruption.deferred(), explained, _explained_damage(dataset):
        _fit(model, config, run, dataset, workers, progress, callbacks, interruption)


def _fit(model, config, run, dataset, workers, progress, callbacks, interruption):
    train_faces, validation_faces, batch_size = dataset.train, dataset.validation, config.batch_size
    steps, first_step = steps_per_epoch(config, dataset), int(model.global_step.numpy())
    schedule, interruption = agreed_schedule(config, progress, steps, workers, interruption)
    model.fit(
        workers.distribute(
            lambda share: training_batches(
                train_faces, batch_size, config.seed, first_step, config.flip, share
            )
        ),
        shuffle=False,
        steps_per_epoch=steps,
        initial_epoch=progress.epochs,
        epochs=config.epochs or 10**9,
        validation_data=workers.distribute(
            lambda share: evaluation_batches(validation_faces, batch_size, share)
        ),
        validation_steps=-(-len(validation_faces) // batch_size),
        callbacks=[
            schedule,
            NaNGuard(run),
            *(callbacks if workers.is_chief else ()),
            SaveRun(
                run if workers.is_chief else None,
                progress,
                config,
                steps,
                interruption,
                sharpens=isinstance(model, Sharpener),
            ),
            StopTraining(config, progress, steps),
        ],
        verbose=0,
    )


@contextlib.contextmanager
def _explained_damage(dataset: FaceDataset) -> Iterator[None]:
    """Turns TensorFlow's error about a batch that cannot be read into the message about damaged pixels behind it."""
    try:
        yield
    except tf.errors.OpError as error:
        damage = next(filter(None, (records.damage for records in dataset.splits.values())), None)
        if damage is None:
            raise
        raise UserError(damage) from error
