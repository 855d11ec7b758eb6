"""Training a run from its configuration: the model, the loop, what is saved, and how it ends."""

import math
import time
from collections.abc import Sequence
from typing import Any

import keras

from facevae import density, schedules
from facevae.checkpoints import Progress, load_checkpoint, save_checkpoint
from facevae.config import Config
from facevae.data import FaceDataset, evaluation_batches, training_batches
from facevae.encodings import cached_encodings
from facevae.errors import UserError
from facevae.model import SETTINGS, VAE
from facevae.run_folder import RunFolder, replacing
from facevae.runtime import Runtime

ENCODED_FACES = 20_000  # training faces that the final density and the latent pictures are made from


def build_model(config: Config, runtime: Runtime) -> VAE:
    """The compiled model that the configuration describes; weights are a function of its seed."""
    keras.utils.set_random_seed(config.seed)
    model = VAE(**{name: getattr(config, name) for name in SETTINGS}, dtype=runtime.precision)
    optimizer = keras.optimizers.Adam(
        lambda: schedules.learning_rate(config.learning_rate, config.schedule, model.progress())
    )
    model.compile(optimizer, jit_compile=runtime.xla)
    model.optimizer.build(model.trainable_variables)
    return model


def steps_per_epoch(config: Config, dataset: FaceDataset) -> int:
    """Steps between two validations."""
    return config.steps_per_epoch or len(dataset.train) // config.batch_size


def train(
    config: Config,
    run: RunFolder,
    dataset: FaceDataset,
    runtime: Runtime,
    callbacks: Sequence[keras.callbacks.Callback] = (),
) -> VAE:
    """Trains a run, or goes on with it where its checkpoint says.

    Args:
        config: of the run.
        run: its folder, locked by the caller.
        dataset: the prepared faces.
        runtime: precision and compiler.
        callbacks: what watches the training; they see each epoch before it is saved.

    Returns:
        The best model, in float32, with the density fitted to its encodings; it is also saved in the run folder.

    Raises:
        UserError: loss or gradients stopped being finite, or the run folder cannot be written.
    """
    model = build_model(config, runtime)
    progress = load_checkpoint(run.checkpoint, model) if run.checkpoint.exists() else Progress()
    steps = steps_per_epoch(config, dataset)
    first_step = int(model.global_step)
    batches = training_batches(dataset.train, config.batch_size, config.seed, first_step, config.flip)
    saving = SaveRun(run, progress, config.early_stopping)
    finished = saving.stopped_early() or _share_done(config, progress, first_step, steps) >= 1.0
    if not finished:
        model.fit(
            batches,
            shuffle=False,
            steps_per_epoch=steps,
            initial_epoch=progress.epochs,
            epochs=config.epochs or 10**9,
            validation_data=evaluation_batches(dataset.validation, config.batch_size),
            callbacks=[Schedule(config, progress, steps), StopAtNotFinite(run), *callbacks, saving],
            verbose=0,
        )
    return finish(config, run, dataset)


def finish(config: Config, run: RunFolder, dataset: FaceDataset) -> VAE:
    """Encodes training faces with the best model, fits the density to them, and saves the model with it."""
    from facevae.loading import load

    model = load(run.path, "best")
    encodings = cached_encodings(run, model, dataset.train, "train", ENCODED_FACES)
    if config.density_components:
        print(f"Fitting the density to {len(encodings.mean):,} encoded faces.")
        model.density = density.fit(encodings.sample(config.seed), config.density_components, config.seed)
        save_network(run, "best", model)
    return model


def save_network(run: RunFolder, which: str, model: VAE) -> None:
    """Writes the float32 model as `best` or `last`, replaced at once when complete.

    Raises:
        UserError: the file cannot be written; the earlier one is intact.
    """
    path = run.network(which)
    try:
        with replacing(path) as aside:
            model.save(aside)
    except OSError as error:
        raise UserError(
            f"{path}: the model could not be written ({error.strerror}). The earlier one is intact. "
            "Make room, then go on with --resume."
        ) from error


def _share_done(config: Config, progress: Progress, step: int, steps: int) -> float:
    """How much of the training is done, by steps and by time, whichever is further."""
    shares = [0.0]
    if config.epochs is not None:
        shares.append(step / (config.epochs * steps))
    if config.minutes is not None:
        shares.append(progress.seconds / (60.0 * config.minutes))
    return max(shares)


class Schedule(keras.callbacks.Callback):
    """Tells the model where its schedules end, and ends the training when its minutes are over.

    With `minutes`, the end in steps is estimated anew before each step, so that the schedules follow the clock.
    The time of a resumed run goes on from the progress in its checkpoint.
    """

    def __init__(self, config: Config, progress: Progress, steps: int):
        super().__init__()
        self.config, self.progress, self.steps = config, progress, steps
        self.step = 0
        self._clock: float | None = None

    def on_train_begin(self, logs: Any = None) -> None:
        self.step = int(self.model.global_step)
        self._set_end()

    def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
        if self._clock is None:
            self._clock = time.monotonic()
        self._count_time()
        if self.config.minutes is not None:
            self._set_end()

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        self.step += 1
        if self.config.minutes is not None and self.progress.seconds >= 60.0 * self.config.minutes:
            self.model.stop_training = True

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        self._count_time()

    def _count_time(self) -> None:
        now = time.monotonic()
        self.progress.seconds += now - self._clock
        self._clock = now

    def _set_end(self) -> None:
        share = _share_done(self.config, self.progress, self.step, self.steps)
        by_steps = math.inf if self.config.epochs is None else float(self.config.epochs * self.steps)
        self.model.total_steps.assign(min(by_steps, max(self.step, 1) / max(share, 1e-9)))


class StopAtNotFinite(keras.callbacks.Callback):
    """Ends a run whose loss or gradients stopped being finite, naming the step and the last good checkpoint.

    The model notes the step itself; asking it costs a wait for the device, so it is asked every 20 steps and
    before anything of the epoch is saved.
    """

    def __init__(self, run: RunFolder):
        super().__init__()
        self.run = run

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        if batch % 20 == 0:
            self._check()

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        self._check()

    def _check(self) -> None:
        step = int(self.model.not_finite_step)
        if step < 0:
            return
        kept = (
            f"The last good checkpoint is {self.run.checkpoint}"
            if self.run.checkpoint.exists()
            else "There is no checkpoint yet"
        )
        raise UserError(
            f"training: loss or gradients were no longer finite at step {step}. {kept}. "
            "Start again with a lower --learning-rate, or with --precision float32."
        )


class SaveRun(keras.callbacks.Callback):
    """Saves the last model, the best one, and the checkpoint, after each epoch; stops early where that is asked.

    The checkpoint comes last: a kill before it costs the epoch, and resuming makes it again.
    """

    def __init__(self, run: RunFolder, progress: Progress, early_stopping: int | None = None):
        super().__init__()
        self.run, self.progress, self.early_stopping = run, progress, early_stopping
        self._copy: VAE | None = None

    def on_train_begin(self, logs: Any = None) -> None:
        # Built once: building the networks takes longer than saving them.
        self._copy = self.model.float32_copy()

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        loss = float((logs or {})["val_loss"])
        self.progress.epochs = epoch + 1
        better = loss < self.progress.best_loss or not self.progress.best_epoch
        if better:
            self.progress.best_loss, self.progress.best_epoch = loss, epoch + 1
        self._copy.set_weights(self.model.get_weights())
        for which in ("last", "best") if better else ("last",):
            save_network(self.run, which, self._copy)
        save_checkpoint(self.run.checkpoint, self.model, self.progress)
        if self.stopped_early():
            self.model.stop_training = True

    def stopped_early(self) -> bool:
        """Whether the patience of early stopping is used up."""
        patience = self.early_stopping
        return patience is not None and self.progress.epochs - self.progress.best_epoch >= patience


def describe_data(dataset: FaceDataset) -> dict[str, Any]:
    """What a run folder remembers of its data set."""
    return {
        "name": dataset.name,
        "attribute_names": list(dataset.attribute_names),
        "faces": {split: len(getattr(dataset, split)) for split in ("train", "validation", "test")},
    }
