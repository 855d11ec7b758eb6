"""What a figure is called and how it is read, declared once beside the evaluator that yields it."""

import dataclasses
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Literal


@dataclasses.dataclass(frozen=True)
class Metric:
    """A figure that an evaluator yields.

    Attributes:
        name: `group/metric`: its key in evaluation.json and its curve in TensorBoard.
        title: for tables, where a heading names the group.
        explanation: a sentence for people.
        number_format: a format specification, as in `.3f`.
        unit: what stands after the number; it may name fields of an `Evaluation`, as in `of {latent_dim}`.
        better: `lower` or `higher`; None where neither is.
        compared: whether a comparison of trainings has a row for it.
        hparams: whether TensorBoard's HParams tab has a column for it; for metrics of every data set and image size.
    """

    name: str
    title: str
    explanation: str
    number_format: str = ".3f"
    unit: str = ""
    better: Literal["lower", "higher"] | None = None
    compared: bool = True
    hparams: bool = False

    @property
    def group(self) -> str:
        """What stands before the name's `/`."""
        return self.name.split("/")[0]

    @property
    def description(self) -> str:
        """The explanation, and which values are better."""
        return (
            f"{self.explanation} {self.better.capitalize()} is better." if self.better else self.explanation
        )

    def label(self, evaluation: Mapping[str, Any]) -> str:
        """Title, group and unit, for where no heading says them.

        Args:
            evaluation: the fields of an `Evaluation`.
        """
        words = f"{self.group.replace('_', ' ')}: {self.title}"
        return f"{words}, {self.unit.format_map(evaluation)}" if self.unit else words

    def text(self, value: float, evaluation: Mapping[str, Any]) -> str:
        """A value with its unit.

        Args:
            value: of this metric.
            evaluation: the fields of the `Evaluation` that it is from.
        """
        return f"{format(value, self.number_format)} {self.unit.format_map(evaluation)}".rstrip()


@dataclasses.dataclass(frozen=True)
class Evaluator:
    """A function that measures a run, and what it measures.

    Attributes:
        title: heads its part of the table.
        metrics: all that it may yield, in the table's order.
        measure: a function of a run, the encodings of its test faces and the feature classifier (None on a data set
            without attributes) that yields pairs of a metric's name and its value.
        columns: heading by group, for an evaluator that measures several groups alike; they may name fields of an
            `Evaluation`. Without them each metric has a line.
        note: what to hold the figures against.
    """

    title: str
    metrics: tuple[Metric, ...]
    measure: Callable[..., Iterator[tuple[str, float]]]
    columns: Mapping[str, str] = dataclasses.field(default_factory=dict)
    note: str = ""
