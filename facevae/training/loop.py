"""Training a run from its configuration: the model, fit, and the finished model."""

import dataclasses
from collections.abc import Sequence

import keras

from facevae.command_line.interruption import Interruption
from facevae.configuration.config import Config
from facevae.data import FaceDataset
from facevae.errors import UserError
from facevae.model import SETTINGS, VAE, schedules
from facevae.model.optimizers import Adam, Muon
from facevae.run.begun_on import BegunOn, describe_data, keep_faces
from facevae.run.encodings import MOST_TRAINING_FACES, encode_faces, training_encodings
from facevae.run.opened_run import OpenedRun, asking_for_data, load
from facevae.run.run_folder import RunFolder
from facevae.run.trained_model import fit_density
from facevae.training import memory
from facevae.training.checkpoints import Progress, load_checkpoint, save_network
from facevae.training.fitting import fit
from facevae.training.many_workers import Workers
from facevae.training.runtime import Runtime
from facevae.training.sharpening import sharpen
from facevae.training.stopping import is_complete


def build_model(config: Config, runtime: Runtime) -> VAE:
    """The compiled model that the configuration describes; its weights are a function of the seed."""
    keras.utils.set_random_seed(config.seed)
    optimizer = {"adam": Adam, "muon": Muon}[config.optimizer]
    with runtime.workers.strategy.scope():
        model = VAE(**{name: getattr(config, name) for name in SETTINGS}, dtype=runtime.precision)
        model.compile(
            optimizer(
                lambda: schedules.learning_rate(config.learning_rate, config.schedule, model.progress())
            ),
            jit_compile=runtime.xla,
        )
        model.optimizer.build(model.trainable_variables)
    return model


def train(
    config: Config,
    run: RunFolder,
    dataset: FaceDataset,
    runtime: Runtime,
    callbacks: Sequence[keras.callbacks.Callback] = (),
    interruption: Interruption | None = None,
) -> VAE | None:
    """Trains a run from the beginning, or from its checkpoint if it has one.

    Args:
        config: of the run.
        run: its folder, locked by the caller. Where several workers train together only the chief writes the run to
            its folder; the others receive its checkpoint in theirs.
        dataset: the prepared faces.
        runtime: devices, precision and compiler.
        callbacks: further callbacks, used in the chief only; they see each epoch before it is saved.
        interruption: says whether the process was asked to end; the training is saved first.

    Returns:
        The finished model in float32, with the density fitted to its encodings and the sharpened decoder if it has one,
        as it is saved in the run folder; None in workers other than the chief.

    Raises:
        UserError: too few faces, loss or gradients that are not finite, or a run folder that cannot be written.
        Interrupted: SIGTERM or Ctrl-C came; all steps are in the checkpoint.
    """
    if config.density_components and len(dataset.train) < 2:
        raise UserError(
            f"data: expected at least 2 training faces to fit a density to, received {len(dataset.train)}. "
            "Give more pictures, or --density-components 0 --sample-from prior."
        )
    interruption, workers = interruption or Interruption(), runtime.workers
    model = build_model(config, runtime)
    workers.copy_file_from_chief(run.checkpoint)
    progress = load_checkpoint(run.checkpoint, model) if run.checkpoint.exists() else Progress()
    likelihood_phase = config.first_phase
    if not is_complete(likelihood_phase, progress):
        run.sharpening_checkpoint.unlink(missing_ok=True)  # of a shorter first phase
        memory.refuse_too_large_batch(model, config.batch_size)
        fit(model, likelihood_phase, run, dataset, workers, progress, callbacks, interruption)
    finished = None
    if workers.is_chief and not (config.sharpen and run.sharpening_checkpoint.exists()):
        finished = finish(config, run, dataset)
    workers.wait_for_all()
    if config.sharpen:
        finished = sharpen(config, run, dataset, runtime, progress, callbacks, interruption)
    if finished is not None:
        _measure_viewing_temperature(run, finished)
    return finished


def _measure_viewing_temperature(run: RunFolder, finished: VAE) -> None:
    """Measures at which temperature faces look best, which the other commands would do when they first need it."""
    opened = OpenedRun(run.path)
    opened.model = finished  # as it would be read from the file just written
    temperature = opened.viewing_temperature
    print(f"Viewing temperature: {temperature:g}, at which new faces look best (1: all the spread).")


def finish(config: Config, run: RunFolder, dataset: FaceDataset) -> VAE:
    """Encodes training faces with the model of the first phase, fits the density to them, and saves it with that."""
    model = load(run.path, config.finished_model)
    encodings = training_encodings(run, model, lambda: dataset.train, verified=True)
    if config.density_components:
        # With few faces their mirror images, which were trained on as well, are worth the time of encoding them.
        is_few = config.flip and len(encodings.mean) < MOST_TRAINING_FACES
        mirrored = encode_faces(model, dataset.train, mirrored=True) if is_few else None
        print(fit_density(model, config, encodings, mirrored))
    if config.density_components or not run.network(config.finished_model).exists():
        save_network(run, config.finished_model, model)
    return model


def prepare_faces(config: Config, run: RunFolder, runtime: Runtime) -> FaceDataset:
    """The faces of a run, prepared; if it has been begun, with its split rule and its order of faces.

    Raises:
        UserError: as `facevae.data.prepare`.
    """
    workers = runtime.workers
    has_begun = workers.is_chief and run.checkpoint.exists()
    description = workers.broadcast(run.load_data_description() if has_begun else {})
    if description:
        workers.copy_file_from_chief(run.faces)
    with asking_for_data(is_needed=bool(description)):
        return BegunOn.of(run, description).prepare(config)


def begin_run(config: Config, run: RunFolder, dataset: FaceDataset, runtime: Runtime) -> Config:
    """Checks that the faces are those of the run, and writes configuration and data set into its folder.

    Returns:
        The configuration to train with: a batch of more images than there are training faces has become smaller, and
        precision and alignment are what was chosen for this machine and these faces.

    Raises:
        UserError: workers have prepared different faces, or the run was begun on other faces.
    """
    runtime.workers.check_same_faces(dataset)
    if run.checkpoint.exists():
        check_unchanged(run, dataset)
    else:
        config = _with_batch_that_fits(config, len(dataset.train), runtime.workers)
    # Also where the run goes on by another machine, on which `auto` would be another precision.
    align = "off" if dataset.found is None else "on"
    config = Config(**{**dataclasses.asdict(config), "precision": runtime.precision, "align": align})
    run.save(config, describe_data(dataset))
    keep_faces(run, dataset)
    return config


def _with_batch_that_fits(config: Config, faces: int, workers: Workers) -> Config:
    fitting = faces - faces % workers.replicas
    if config.batch_size <= faces or not fitting:
        return config
    if workers.is_chief:
        print(
            f"Batches of {fitting} images instead of {config.batch_size}: there are {faces} training faces."
        )
    return dataclasses.replace(config, batch_size=fitting)


def check_unchanged(run: RunFolder, dataset: FaceDataset) -> None:
    """Compares the faces that a run goes on with to those that it was begun on, wherever they lie.

    With other faces the batches would come in another order, and test faces might have been trained on.

    Raises:
        UserError: the counts, faces or attributes differ from those recorded in the run folder.
    """
    begun_on = BegunOn.of(run, run.load_data_description())
    if changed := begun_on.changes(dataset):
        raise UserError(
            f"data: expected the faces that the run was begun on, received others ({'; '.join(changed)}). "
            "Restore them, or start another run without --resume."
        )
    if "content" not in begun_on.description:
        print(
            f"{run.path}: begun by version 0.1: only numbers and attribute names of its faces were compared."
        )
