"""A profile of some training steps, which shows where their time goes."""

import importlib.util
import os
import pathlib
import warnings
from typing import Any

import keras
import tensorflow as tf

from facevae import arguments
from facevae.configuration.config import MOST_COUNT
from facevae.errors import UserError


class Profile(keras.callbacks.Callback):
    """Profiles some training steps for TensorBoard's Profile tab, once per training.

    The first steps are left out, because the model compiles in them. Profiling slows down the steps that it covers.

    Args:
        log_dir: folder of the TensorBoard run to write to.
        first_step: the first step to profile, counted from the start of the training.
        steps: number of steps to profile.

    Raises:
        UserError: when training begins, if TensorBoard's profile plugin is not installed; when profiling begins, if
            another profiler is at work.
    """

    def __init__(self, log_dir: str | os.PathLike[str], first_step: int = 20, steps: int = 10):
        super().__init__()
        self.log_dir: pathlib.Path = arguments.folder("log_dir", log_dir)
        self.first_step = arguments.whole_number("first_step", first_step, 0, MOST_COUNT)
        self.steps = arguments.whole_number("steps", steps, 1, MOST_COUNT)
        self._step = 0
        self._running = self._done = False

    def on_train_begin(self, logs: Any = None) -> None:
        if not importlib.util.find_spec("tensorboard_plugin_profile"):
            raise UserError(
                "profile: expected TensorBoard's profile plugin, which is not installed. "
                'Install it with: pip install -e ".[profile]"'
            )
        if not os.fspath(self.log_dir).isprintable():
            raise UserError(
                f"profile: expected a log folder with a plain name, received {str(self.log_dir)!r}. Choose another "
                "--run-dir, or leave --profile out: TensorFlow's profiler takes names in UTF-8 alone."
            )
        self._stop()  # an interrupted training leaves it running
        self._step, self._done = 0, False

    def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
        if not self._done and not self._running and self._step >= self.first_step:
            try:
                tf.profiler.experimental.start(str(self.log_dir))
            except tf.errors.AlreadyExistsError as error:
                raise UserError(
                    "profile: expected no other profiler in this process, received one that is running. "
                    "Leave one of the two out, e.g. profile_batch of keras.callbacks.TensorBoard."
                ) from error
            self._running = True

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        self._step += self.model.steps_per_execution
        if self._step >= self.first_step + self.steps:
            self._stop()

    def on_train_end(self, logs: Any = None) -> None:
        self._stop()
        if not self._done:
            warnings.warn(
                f"profile: expected a training of more than {self.first_step} steps (first_step), received "
                f"{self._step}. Nothing was profiled: train longer, or give a smaller first_step.",
                stacklevel=2,
            )

    def _stop(self):
        if self._running:
            tf.profiler.experimental.stop()
            self._running, self._done = False, True
