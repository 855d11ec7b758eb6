"""Keeps several workers at the same step: they use the chief's clock, and a request to end one of them ends all."""

from typing import Any

import keras

from facevae.command_line.interruption import Interruption
from facevae.configuration.config import Config
from facevae.training.checkpoints import Progress
from facevae.training.many_workers.workers import Workers
from facevae.training.schedule import Schedule

STEPS_BETWEEN_AGREEMENTS = 10  # an agreement takes some milliseconds


class AgreedSchedule(Schedule):
    """A `Schedule` that is the same in all workers.

    Where a run has `minutes` its learning rate follows the time: by their own clocks the workers would use different
    learning rates, and end at different steps.

    Args:
        config, progress, steps: as for `Schedule`.
        workers: those that train together.
        own: says whether this process was asked to end.
        agreed: says whether any worker was; set at the same step in all of them.
    """

    def __init__(
        self,
        config: Config,
        progress: Progress,
        steps: int,
        workers: Workers,
        own: Interruption,
        agreed: Interruption,
    ):
        super().__init__(config, progress, steps)
        self.workers, self.own, self.agreed = workers, own, agreed
        self._counts = 0

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        self._counts = 0
        super().on_epoch_end(epoch, logs)

    def count_time(self) -> None:
        self._counts += 1
        if self._counts % STEPS_BETWEEN_AGREEMENTS == 1:
            super().count_time()
            self.progress.seconds = self.workers.broadcast(self.progress.seconds)
            self.agreed.requested = self.workers.largest(self.own.requested or 0) or None


def agreed_schedule(
    config: Config, progress: Progress, steps: int, workers: Workers, interruption: Interruption
) -> tuple[keras.callbacks.Callback, Interruption]:
    """The schedule of a process and the requests to end that it follows: its own, or those agreed with other workers.

    Returns:
        The callback that counts steps and time, and the `Interruption` that `SaveRun` follows.
    """
    if workers.cluster is None:
        return Schedule(config, progress, steps), interruption
    agreed = Interruption()
    return AgreedSchedule(config, progress, steps, workers, interruption, agreed), agreed
