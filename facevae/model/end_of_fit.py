"""Where a `fit` ends, and with it the schedules of its model."""

import inspect
from collections.abc import Callable
from typing import Any

import keras

from facevae.errors import UserError
from facevae.model.compilation import refuse_weights


def end_schedules(model: Any, steps: int | None) -> None:
    """Sets a VAE's `total_steps` so that its schedules end with a training that takes so many more steps.

    Set ahead of `global_step` by anybody but an earlier `fit`, it stays.

    Args:
        model: a `facevae.VAE`.
        steps: how many; None where nobody knows.

    Raises:
        UserError: nobody knows, and the model has schedules.
    """
    done, end = int(model.global_step.numpy()), float(model.total_steps.numpy())
    if end > max(done, 1) and end != model.end_of_fit:
        return
    if steps is not None:
        model.total_steps.assign(float(max(done + steps, 1)))
        model.end_of_fit = float(model.total_steps.numpy())  # as the variable rounds it
    elif model.kl_warmup or model.shift:
        raise UserError(
            "kl_warmup, shift: expected to know how many steps this training takes, received data without a length. "
            "Give fit steps_per_epoch, or set it first: model.total_steps.assign(steps)."
        )


class EndOfFit(keras.callbacks.Callback):
    """Tells a VAE when a `fit` begins how many steps lie before it.

    Args:
        initial_epoch: of `fit`.
    """

    def __init__(self, initial_epoch: int):
        super().__init__()
        self.initial_epoch = initial_epoch

    def on_train_begin(self, logs: Any = None) -> None:
        steps = self.params.get("steps")
        if steps == 0:
            raise UserError("x: expected at least one image, received none. Give some.")
        epochs = max(0, self.params["epochs"] - self.initial_epoch)
        end_schedules(self.model, None if steps is None else epochs * steps)


def fit_arguments(model: Any, fit: Callable, args: tuple[Any, ...], kwargs: dict[str, Any]) -> dict[str, Any]:
    """The arguments of a call of `fit` by name, checked, with an `EndOfFit` before its callbacks.

    Args:
        model: a `facevae.VAE`.
        fit: `keras.Model.fit` of the model.
        args, kwargs: what was given to it.

    Raises:
        UserError: no images, or weights.
    """
    given = inspect.signature(fit).bind(*args, **kwargs).arguments
    refuse_weights(given.pop("class_weight", None))
    refuse_weights(given.pop("sample_weight", None))  # without targets Keras would drop them
    if given.get("x") is None:
        raise UserError(
            "x: expected images, received none. Give an array, a tf.data.Dataset or a generator of batches."
        )
    callbacks = given.pop("callbacks", None)
    if isinstance(callbacks, keras.callbacks.CallbackList):
        end_schedules(model, None)  # it cannot be told how long this fit is
    else:
        callbacks = [EndOfFit(given.get("initial_epoch", 0)), *keras.tree.flatten(callbacks or [])]
    return {**given, "callbacks": callbacks}
