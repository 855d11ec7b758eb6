"""One row per run in TensorBoard's HParams tab."""

import math
import os
from collections.abc import Mapping
from typing import Any

from tensorboard.plugins.hparams import api_pb2, summary, summary_v2

from callbacks.event_callback import EventCallback
from callbacks.logs import numbers
from facevae import arguments
from facevae.errors import printable
from facevae.evaluation.evaluators import declared_metrics

METRICS = ("val_loss", "val_reconstruction_loss", "val_kl_loss", "val_mse", "loss")
# The tab opens with five settings, by name; those that are said to differ between runs come before the others.
SHOWN_FIRST = ("latent_dim", "learning_rate", "likelihood", "network", "preset")


class HyperParameters(EventCallback):
    """Writes a run's configuration, and its metrics after each epoch, so that runs can be compared in a table.

    The table shows the newest value of each metric, which is the final one after training. The tab reads metrics
    only from this run (`metrics/<name>`) and its sub-folder `evaluation`.

    Args:
        log_dir: folder of the TensorBoard run to write to.
        values: the configuration; values other than finite numbers, bools and strings are written as strings.
        name: name of the row; None for the path of the log folder.
    """

    def __init__(self, log_dir: str | os.PathLike[str], values: Mapping[str, Any], name: str | None = None):
        super().__init__(log_dir)
        mapping = arguments.instance("values", values, Mapping, "Give values by name: config.to_dict().")
        self.values = {key: _plain(mapping[key]) for key in arguments.names("values", mapping)}
        if name is not None:
            arguments.instance("name", name, str, "Give the row's name, or leave it out.")
        # Texts must be UTF-8, which names of files need not be.
        self.name = printable(name or str(self.log_dir))

    def begin(self, epoch: int) -> None:
        parameters = [api_pb2.HParamInfo(name=name, differs=name in SHOWN_FIRST) for name in self.values]
        metrics = [summary_v2.Metric(f"metrics/{name}", display_name=name) for name in METRICS]
        # evaluate.py writes these later, as the run `evaluation` inside this one.
        metrics += [
            summary_v2.Metric(
                metric.name,
                group="evaluation",
                display_name=f"test {metric.name}",
                description=metric.description,
            )
            for metric in declared_metrics()
            if metric.hparams
        ]
        self.writer.summary(
            summary.experiment_pb(parameters, [metric.as_proto() for metric in metrics]), epoch
        )
        self.writer.summary(summary_v2.hparams_pb(self.values, trial_id=self.name), epoch)
        self.writer.flush()

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        for name, value in numbers(logs).items():
            if name in METRICS and math.isfinite(value):
                self.writer.scalar(f"metrics/{name}", value, epoch + 1)
        self.writer.flush()

    def on_train_end(self, logs: Any = None) -> None:
        if self.is_open:
            self.writer.summary(summary.session_end_pb(api_pb2.STATUS_SUCCESS), 0)
        super().on_train_end(logs)


def _plain(value: Any) -> bool | float | str:
    """A value as the tab shows it: a bool, a finite number, or text."""
    if isinstance(value, bool):
        return value
    number = arguments.plain_number(value, float)
    is_number = isinstance(number, float) and math.isfinite(number)
    return number if is_number else printable(str(value))
