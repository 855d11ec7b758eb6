"""The declaration of a metric (name, unit, direction, explanation), and of the evaluator that measures it."""

import dataclasses
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Literal

FEATURES_VERSION = 2  # values in features of different versions are not comparable; 0.1 had version 1


def features_version(evaluation: Mapping[str, Any]) -> int | None:
    """The version of the features of an evaluation, as `evaluation.json` holds it; None if it has no features."""
    classifier = evaluation.get("feature_classifier")
    return classifier.get("version", 1) if classifier else None


@dataclasses.dataclass(frozen=True)
class Metric:
    """A metric that an evaluator measures.

    Attributes:
        name: `group/metric`: its key in evaluation.json and its curve in TensorBoard.
        title: its name in tables, where a heading names the group.
        explanation: one sentence, shown below or beside the value.
        number_format: a format specification, as in `.3f`.
        unit: text after the number; it may name fields of an `Evaluation`, as in `of {latent_dim}`.
        better: `lower`, `higher` or `one`, the value that is best; None where none is better.
        compared: whether `benchmarks/face_quality.py` has a row for it.
        hparams: whether TensorBoard's HParams tab has a column for it. Only for metrics that every image size has.
    """

    name: str
    title: str
    explanation: str
    number_format: str = ".3f"
    unit: str = ""
    better: Literal["lower", "higher", "one"] | None = None
    compared: bool = True
    hparams: bool = False

    @property
    def group(self) -> str:
        """The part of the name before the `/`."""
        return self.name.split("/")[0]

    @property
    def description(self) -> str:
        """The explanation, and which values are better."""
        if self.better is None:
            return self.explanation
        return f"{self.explanation} {'1 is best' if self.better == 'one' else f'{self.better.capitalize()} is better'}."

    def label(self, evaluation: Mapping[str, Any]) -> str:
        """Group, title and unit, for a table without a heading for the group.

        Args:
            evaluation: the fields of an `Evaluation`.
        """
        words = f"{self.group.replace('_', ' ')}: {self.title}"
        return f"{words}, {self.unit.format_map(evaluation)}" if self.unit else words

    def text(self, value: float, evaluation: Mapping[str, Any]) -> str:
        """A value with its unit.

        Args:
            value: of this metric.
            evaluation: the fields of the `Evaluation` that the value is from.
        """
        return f"{format(value, self.number_format)} {self.unit.format_map(evaluation)}".rstrip()


@dataclasses.dataclass(frozen=True)
class Evaluator:
    """A function that measures a run, and the metrics that it measures.

    Attributes:
        title: heading of its part of the table.
        metrics: all that the function may yield, in the table's order.
        measure: a function of a run, the encodings of its test faces and the feature classifier (None on a data set
            without attributes) that yields pairs of a metric's name and its value.
        columns: a column's heading for each group, for an evaluator that measures the same metrics of several groups;
            it may name fields of an `Evaluation`. If empty, each metric has a line of its own.
        note: how to read the values, printed below them.
    """

    title: str
    metrics: tuple[Metric, ...]
    measure: Callable[..., Iterator[tuple[str, float]]]
    columns: Mapping[str, str] = dataclasses.field(default_factory=dict)
    note: str = ""
