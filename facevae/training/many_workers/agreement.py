"""How several workers do the same at the same step: the time is the chief's, and a request to end is everybody's."""

from typing import Any

import keras

from facevae.config import Config
from facevae.training.checkpoints import Progress
from facevae.training.interruption import Interruption
from facevae.training.many_workers.workers import Workers
from facevae.training.schedule import Schedule

EVERY = 10  # executions of steps between two agreements: asking one another costs some milliseconds


class AgreedSchedule(Schedule):
    """A `Schedule` that moves in all workers alike.

    The learning rate follows the time where a run has `minutes`: with clocks of their own the workers would take
    different steps, and end at different ones.

    Args:
        config, progress, steps: as of `Schedule`.
        workers: those that have to agree.
        own: who is asked to end this process.
        agreed: told when any worker has been, at the same step in all.
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

    def _count_time(self) -> None:
        self._counts += 1
        if self._counts % EVERY == 1:
            super()._count_time()
            self.progress.seconds = self.workers.from_chief(self.progress.seconds)
            self.agreed.requested = self.workers.largest(self.own.requested or 0) or None


def agreed_schedule(
    config: Config, progress: Progress, steps: int, workers: Workers, interruption: Interruption
) -> tuple[keras.callbacks.Callback, Interruption]:
    """What counts steps and time, and who is asked to end: by one process alone, or by all workers together."""
    if workers.cluster is None:
        return Schedule(config, progress, steps), interruption
    agreed = Interruption()
    return AgreedSchedule(config, progress, steps, workers, interruption, agreed), agreed
