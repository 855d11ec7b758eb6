"""Training a run from its configuration: the model, the loop, and the finished model."""

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np

from facevae.checkpoints import Progress, load_checkpoint, save_network
from facevae.config import Config
from facevae.data import FaceDataset, evaluation_batches, training_batches
from facevae.encodings import MOST_TRAINING_FACES, encode_faces, training_encodings
from facevae.errors import UserError
from facevae.interruption import Interruption
from facevae.memory import enough_memory
from facevae.model import SETTINGS, VAE, density, schedules
from facevae.model.optimizers import Adam, Muon
from facevae.run_folder import RunFolder
from facevae.runtime import Runtime
from facevae.training_callbacks import SaveRun, StopAtNotFinite, is_finished
from facevae.worker_agreement import agreed_schedule


def build_model(config: Config, runtime: Runtime) -> VAE:
    """The compiled model that the configuration describes; weights are a function of its seed."""
    keras.utils.set_random_seed(config.seed)
    optimizer = {"adam": Adam, "muon": Muon}[config.optimizer]
    with runtime.workers.strategy.scope():
        model = VAE(**{name: getattr(config, name) for name in SETTINGS}, dtype=runtime.precision)
        model.compile(
            optimizer(
                lambda: schedules.learning_rate(config.learning_rate, config.schedule, model.progress())
            ),
            jit_compile=runtime.xla,
            steps_per_execution=config.steps_per_execution,
        )
        model.optimizer.build(model.trainable_variables)
    return model


def steps_per_epoch(config: Config, dataset: FaceDataset) -> int:
    """Steps between two validations.

    Raises:
        UserError: fewer than are taken at once.
    """
    steps = config.steps_per_epoch or len(dataset.train) // config.batch_size
    at_once = config.steps_per_execution
    if at_once > max(steps, 1):
        raise UserError(
            f"steps_per_execution: expected at most {steps}, the steps of an epoch, received {at_once}. "
            "Give fewer, or a smaller --batch-size."
        )
    return steps // at_once * at_once


def train(
    config: Config,
    run: RunFolder,
    dataset: FaceDataset,
    runtime: Runtime,
    callbacks: Sequence[keras.callbacks.Callback] = (),
    interruption: Interruption | None = None,
) -> VAE | None:
    """Trains a run, or goes on with it where its checkpoint says.

    Args:
        config: of the run.
        run: its folder, locked by the caller. What other workers than the chief give here only takes the chief's
            checkpoint.
        dataset: the prepared faces.
        runtime: precision, compiler, and what trains together.
        callbacks: what watches the training; they see each epoch before it is saved.
        interruption: who is asked to end; while steps are taken, everything is saved first.

    Returns:
        The finished model, in float32, with the density fitted to its encodings; it is also saved in the run folder.
        None in other workers than the chief.

    Raises:
        UserError: too few faces, loss or gradients that stopped being finite, or a run folder that cannot be written.
        Interrupted: SIGTERM or Ctrl-C came; all steps are in the checkpoint.
    """
    interruption = interruption or Interruption()
    workers = runtime.workers
    if workers.cluster and config.steps_per_execution > 1:
        raise UserError(
            "steps_per_execution: expected 1 with several workers, whose sums TensorFlow cannot take in its loop, "
            f"received {config.steps_per_execution}. Leave --steps-per-execution out."
        )
    if config.density_components and len(dataset.train) < 2:
        raise UserError(
            f"data: expected at least 2 training faces to fit a density to, received {len(dataset.train)}. "
            "Give more pictures, or --density-components 0 --sample-from prior."
        )
    model = build_model(config, runtime)
    workers.share_file(run.checkpoint)
    progress = load_checkpoint(run.checkpoint, model) if run.checkpoint.exists() else Progress()
    steps, first_step = steps_per_epoch(config, dataset), int(model.global_step.numpy())
    schedule, agreed = agreed_schedule(config, progress, steps, workers, interruption)
    saving = SaveRun(run if workers.is_chief else None, progress, config, steps, agreed)
    size, validation = config.batch_size, dataset.validation
    if not is_finished(config, progress):
        with interruption.deferred(), enough_memory(model, config.batch_size):
            model.fit(
                workers.distribute(
                    lambda share: training_batches(
                        dataset.train, size, config.seed, first_step, config.flip, share
                    )
                ),
                shuffle=False,
                steps_per_epoch=steps,
                initial_epoch=progress.epochs,
                epochs=config.epochs or 10**9,
                validation_data=workers.distribute(lambda share: evaluation_batches(validation, size, share)),
                validation_steps=-(-len(validation) // size),
                callbacks=[schedule, StopAtNotFinite(run), *callbacks, saving],
                verbose=0,
            )
    finished = finish(config, run, dataset) if workers.is_chief else None
    workers.largest(0)  # the others wait for the chief: the training ends well where all of it does
    return finished


def finish(config: Config, run: RunFolder, dataset: FaceDataset) -> VAE:
    """Encodes training faces with the finished model, fits the density to them, and saves the model with it."""
    from facevae.loading import load

    model = load(run.path, config.finished_model)
    encodings = training_encodings(run, model, lambda: dataset.train, verified=True)
    if config.density_components:
        views, named = [encodings.sample(config.seed)], f"{len(encodings.mean):,} encoded faces"
        # Few faces: their mirror images, which were trained on as well, are worth their time.
        if config.flip and len(encodings.mean) < MOST_TRAINING_FACES:
            mirrored = encode_faces(model, dataset.train, mirrored=True)
            views.append(mirrored.sample(config.seed + 1))
            named += " and their mirror images"
        model.density, tried = density.choose(np.stack(views, axis=1), config.density_components, config.seed)
        print(f"Density: fitted to {named}. {density.summary(tried)}")
        save_network(run, config.finished_model, model)
    return model


def describe_data(dataset: FaceDataset) -> dict[str, Any]:
    """What a run folder remembers of its data set."""
    return {
        "name": dataset.name,
        "attribute_names": list(dataset.attribute_names),
        "faces": dataset.counts,
    }


def check_unchanged(run: RunFolder, dataset: FaceDataset) -> None:
    """That a run goes on with the faces that it was begun on.

    Others would change the order of the batches, and faces of the test split might have been trained on.

    Raises:
        UserError: other counts or attributes than the run folder remembers.
    """
    begun, now = run.load_data_description(), describe_data(dataset)
    changed = [
        f"{name.replace('_', ' ')}: then {begun[name]}, now {now[name]}"
        for name in ("faces", "attribute_names")
        if begun.get(name, now[name]) != now[name]
    ]
    if changed:
        raise UserError(
            f"data: expected the faces that the run was begun on, received others ({'; '.join(changed)}). "
            "Restore them, or start another run without --resume."
        )
