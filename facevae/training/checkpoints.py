"""The files that a training writes: the models, and a checkpoint with all that resuming needs as plain arrays."""

import dataclasses
import json
import math
import pathlib

import keras
import numpy as np

from facevae.errors import UserError
from facevae.files import whole_file
from facevae.run.run_folder import RunFolder
from facevae.run.trained_model import read_checkpoint


@dataclasses.dataclass
class Progress:
    """How far a run has come.

    Attributes:
        epochs: completed epochs.
        epoch_steps: steps of the epoch after them; the checkpoint then holds its metrics' totals so far.
        seconds: spent in the training loop, over all resumes.
        best_loss: lowest validation loss, nats per image.
        best_epoch: the epoch that reached it, counted from 1; 0 while there is none.
        first_step, first_seconds: where its present phase began.
        is_ended: whether that phase has ended before its time.
    """

    epochs: int = 0
    seconds: float = 0.0
    best_loss: float = math.inf
    best_epoch: int = 0
    epoch_steps: int = 0
    first_step: int = 0
    first_seconds: float = 0.0
    is_ended: bool = False


def _variables(model: keras.Model) -> list:
    """Every variable of the model, its optimizers and its metrics, in an order fixed by how the model is built."""
    found = list(model.variables)
    for optimizer in model.optimizers:
        found += [
            *optimizer.variables,
            *getattr(getattr(optimizer, "inner_optimizer", None), "variables", []),
        ]
    found += metric_variables(model)
    return list({id(variable): variable for variable in found}.values())


def metric_variables(model: keras.Model) -> list:
    """The totals of the model's metrics, which `model.variables` leaves out."""
    return [variable for metric in model.metrics for variable in metric.variables]


def save_checkpoint(path: pathlib.Path, model: keras.Model, progress: Progress) -> None:
    """Writes weights, moving statistics, optimizer state, loss scale, random state, metrics, step and progress.

    The new file replaces the earlier checkpoint when it is complete, in one move.

    Args:
        path: of the `.npz` file.
        model: compiled.
        progress: how far the run has come.

    Raises:
        UserError: the file cannot be written; the earlier checkpoint is intact.
    """
    arrays = {f"variable_{i:04d}": v.numpy() for i, v in enumerate(_variables(model))}
    try:
        with whole_file(path) as aside:
            np.savez(aside, progress=np.array(json.dumps(dataclasses.asdict(progress))), **arrays)
    except OSError as error:
        raise UserError(
            f"{path}: the checkpoint could not be written ({error.strerror}). The earlier one is intact. "
            "Make room, then go on with --resume."
        ) from error


def load_checkpoint(path: pathlib.Path, model: keras.Model) -> Progress:
    """Restores what `save_checkpoint` wrote.

    Args:
        path: of the `.npz` file.
        model: built and compiled from the same configuration.

    Returns:
        How far the run had come.

    Raises:
        UserError: the file is damaged or belongs to another model.
    """
    variables = _variables(model)
    try:
        # The variables of the model, with room for headers and the progress; a larger file is not read.
        expected = sum(math.prod(v.shape) * 8 for v in variables) + 2**20
        described, arrays = read_checkpoint(path, expected)
        progress = Progress(**described)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UserError(
            f"{path}: the checkpoint is damaged ({error}). Restore it from a copy, or train in another --run-dir; "
            "trained models of this run can be used as they are."
        ) from error
    if [a.shape for a in arrays] != [tuple(v.shape) for v in variables]:
        raise UserError(
            f"{path}: the checkpoint holds {len(arrays)} arrays that are not those of this model "
            f"({len(variables)} variables): it was written by another version or for another configuration. "
            "Go on with that one, or choose another --run-dir."
        )
    for variable, array in zip(variables, arrays, strict=True):
        variable.assign(array)
    return progress


def save_network(run: RunFolder, which: str, model: keras.Model) -> None:
    """Writes the float32 model as `best`, `last` or `sharpened`; a complete file replaces the earlier one in one move.

    Raises:
        UserError: the file cannot be written; the earlier one is intact.
    """
    path = run.network(which)
    try:
        with whole_file(path) as aside:
            model.save(aside)
    except OSError as error:
        raise UserError(
            f"{path}: the model could not be written ({error.strerror}). The earlier one is intact. "
            "Make room, then go on with --resume."
        ) from error
