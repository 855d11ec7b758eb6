"""The second phase of a training, after the likelihood's: sharpens the decoder against a critic."""

import dataclasses
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np

from facevae.command_line.interruption import Interruption
from facevae.configuration.config import Config
from facevae.data import FaceDataset
from facevae.model import VAE, schedules
from facevae.model.optimizers import Adam
from facevae.model.sharpening import Sharpener
from facevae.run.opened_run import load
from facevae.run.run_folder import RunFolder
from facevae.training.checkpoints import Progress, load_checkpoint
from facevae.training.fitting import fit
from facevae.training.runtime import Runtime
from facevae.training.stopping import is_complete

MEASURED_FACES = 1000  # of the training, whose errors set the weights of the losses
LEARNING_RATE, CRITIC_LEARNING_RATE = 3e-4, 6e-4
LOWEST_CRITIC_LOSS = 0.05  # nats: where neither is ahead it is 0.69
# Without momentum, as is usual against a critic: what was right some steps ago is not any more.
BETAS = {"beta_1": 0.0, "beta_2": 0.99}


def sharpen(
    config: Config,
    run: RunFolder,
    dataset: FaceDataset,
    runtime: Runtime,
    before: Progress,
    callbacks: Sequence[keras.callbacks.Callback],
    interruption: Interruption,
) -> VAE | None:
    """Trains the second phase of a run whose first has ended, from its beginning or from its checkpoint.

    Args:
        config: of the run.
        run: its folder, with the finished model of the first phase.
        dataset, runtime, callbacks, interruption: as for `train`.
        before: how far the run had come when the first phase ended.

    Returns:
        The sharpened model in float32; None in workers other than the chief.

    Raises:
        UserError, Interrupted: as for `train`.
    """
    workers = runtime.workers
    workers.copy_file_from_chief(run.network(config.finished_model))
    workers.copy_file_from_chief(run.sharpening_checkpoint)
    model = build_sharpener(config, run, dataset, runtime)
    progress = dataclasses.replace(
        before, epoch_steps=0, first_step=int(model.first_step.numpy()), first_seconds=before.seconds
    )
    if run.sharpening_checkpoint.exists():
        progress = load_checkpoint(run.sharpening_checkpoint, model)
    # The sharpened decoder is not judged by the validation loss, which prefers blur.
    phase = dataclasses.replace(config, early_stopping=None)
    if not is_complete(phase, progress):
        ending = EndWhereCriticWins(progress)
        # Before the callbacks that are given: an epoch is saved after them, with what this one notes.
        fit(model, phase, run, dataset, workers, progress, [ending, *callbacks], interruption)
    return load(run.path, "sharpened") if workers.is_chief else None


class EndWhereCriticWins(keras.callbacks.Callback):
    """Ends a sharpening whose critic recognises every drawing: the decoder learns nothing from it any more.

    Args:
        progress: how far the run has come; its end is noted there, so that a resumed run is not sharpened further.
    """

    def __init__(self, progress: Progress):
        super().__init__()
        self.progress = progress

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        if float((logs or {})["critic_loss"]) < LOWEST_CRITIC_LOSS:
            self.progress.is_ended = True
            print(
                f"The sharpening ends after epoch {epoch + 1}: the critic recognises every drawing "
                f"(critic_loss below {LOWEST_CRITIC_LOSS}). With more training faces it would not learn them by heart."
            )


def build_sharpener(config: Config, run: RunFolder, dataset: FaceDataset, runtime: Runtime) -> Sharpener:
    """The compiled second phase of the run's finished model, as it begins."""
    finished = load(run.path, config.finished_model)
    images = dataset.train.images(np.arange(min(MEASURED_FACES, len(dataset.train))))
    keras.utils.set_random_seed(config.seed)
    with runtime.workers.strategy.scope():
        model = Sharpener.of(finished, images, runtime.precision)
        model.compile(
            _optimizer(model, LEARNING_RATE),
            critic_optimizer=_optimizer(model, CRITIC_LEARNING_RATE),
            jit_compile=runtime.xla,
        )
    return model


def _optimizer(model, peak):
    return Adam(lambda: schedules.sharpening_learning_rate(peak, model.progress()), **BETAS)
