"""The trained model of a run: read from its file, or made again from the checkpoint; and the density fitted to it."""

import contextlib
import os
import pathlib
from typing import Any

import numpy as np

from facevae.configuration.config import Config
from facevae.errors import UserError
from facevae.files import free_path, whole_file
from facevae.files.untrusted import MOST_ARRAY_BYTES, parse_json, read_arrays
from facevae.model import SETTINGS, VAE, density
from facevae.model.keras_file import read_model
from facevae.run.encodings import Encodings, stored_encodings
from facevae.run.run_folder import RunFolder


def open_model(run: RunFolder, config: Config, which: str) -> VAE:
    """The model `best`, `last` or `sharpened` of a run, in float32, not compiled.

    Where its file is missing or damaged and the checkpoint holds the same weights, the model is made again from it,
    and written if nobody else is writing the run and the folder lets us; a line says so. A damaged file is kept as
    `<name>.damaged`.

    Raises:
        UserError: there is no such model, or its file is damaged and the checkpoint does not hold it.
    """
    path, problem = run.network(which), None
    if os.path.lexists(path):
        try:
            return read_model(path)
        except UserError as error:
            problem = error
    model = _from_checkpoint(run, config, which)
    if model is None:
        raise _unavailable(run, which, problem)
    notes = [f"{path} {'is damaged' if problem else 'is missing'}: made again from {run.checkpoint.name}"]
    if which == config.finished_model and config.density_components:
        notes.append(_density_again(run, config, model))
    notes.append("written" if _written(run, path, model) else "not written")
    print(f"{', '.join(notes)}.")
    return model


def fit_density(model: VAE, config: Config, encodings: Encodings, mirrored: Encodings | None = None) -> str:
    """Fits the density of a finished model to encoded training faces.

    Args:
        model: its density is set.
        config: of the run.
        encodings: of its training faces.
        mirrored: of their mirror images.

    Returns:
        A sentence that says what it was fitted to.
    """
    views, names = [encodings.sample(config.seed)], f"{len(encodings.mean):,} encoded faces"
    if mirrored is not None:
        views.append(mirrored.sample(config.seed + 1))
        names += " and their mirror images"
    model.density, tried = density.choose(np.stack(views, axis=1), config.density_components, config.seed)
    return f"Density: fitted to {names}. {density.summary(tried)}"


def read_checkpoint(
    path: pathlib.Path, most_bytes: int = MOST_ARRAY_BYTES
) -> tuple[dict[str, Any], list[np.ndarray]]:
    """The progress of a training and the values of all variables, as `training.checkpoints` writes them.

    Args:
        path: of the `.npz` file.
        most_bytes: of the file; a larger one is refused unread.

    Raises:
        OSError, ValueError, KeyError, TypeError: it is missing or damaged.
    """
    stored = read_arrays(path, most_bytes)
    progress = parse_json(str(stored["progress"]))
    if not isinstance(progress, dict):
        raise ValueError("the progress is no object of names and values")
    return progress, [stored[f"variable_{i:04d}"] for i in range(len(stored) - 1)]


def _from_checkpoint(run: RunFolder, config: Config, which: str) -> VAE | None:
    """The model with the weights of the checkpoint, which begins with them; None if it does not hold this model."""
    try:
        progress, arrays = read_checkpoint(run.checkpoint)
        epochs, is_best = int(progress["epochs"]), progress["best_epoch"] == progress["epochs"]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    if epochs < 1 or which == "sharpened":
        return None
    if which == "best" and not (is_best and progress.get("epoch_steps") == 0):
        return None
    model = VAE(**{name: getattr(config, name) for name in SETTINGS}, dtype="float32")
    variables = list(model.variables)
    values = arrays[: len(variables)]
    if [value.shape for value in values] != [tuple(variable.shape) for variable in variables]:
        return None
    if not all(value.dtype.kind in "biuf" and np.isfinite(value).all() for value in values):
        return None
    for variable, value in zip(variables, values, strict=True):
        variable.assign(value)
    return model


def _density_again(run: RunFolder, config: Config, model: VAE) -> str:
    """Fits the density, which a training fits after its last checkpoint; says what was done."""
    encodings = stored_encodings(run, model)
    if encodings is not None and len(encodings.mean) > 1:
        fit_density(model, config, encodings)
        return f"its density fitted again to {len(encodings.mean):,} encoded faces"
    has = "with the density of its last epoch" if model.density is not None else "without a density"
    return f"{has} (to fit it again: train.py --run-dir {run.path} --resume)"


def _written(run: RunFolder, path: pathlib.Path, model: VAE) -> bool:
    with contextlib.suppress(UserError, OSError), run.locked():
        if os.path.lexists(path):
            os.replace(path, free_path(path.with_name(f"{path.name}.damaged")))
        with whole_file(path) as aside:
            model.save(aside)
        return True
    return False


def _unavailable(run: RunFolder, which: str, problem: UserError | None) -> UserError:
    path, other = run.network(which), "best" if which == "last" else "last"
    if run.network(other).exists():
        meaning = "the newest model" if other == "last" else "the model of the lowest validation loss"
        return UserError(
            f"{problem or f'{path} is missing, and the checkpoint does not hold this model. Restore it.'} "
            f"To use {meaning} instead, copy {run.network(other)} to its place."
        )
    return problem or UserError(
        f"{path}: the run has no trained model yet; the first is saved after the first epoch. "
        f"Go on with: python train.py --run-dir {run.path} --resume"
    )
