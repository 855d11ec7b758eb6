"""The result of an evaluation, and its three forms: a JSON file, curves in TensorBoard, a table."""

import dataclasses
import json
import os
import textwrap
from typing import Any

from facevae.errors import UserError
from facevae.evaluation import evaluators
from facevae.evaluation.metric import features_version
from facevae.files import whole_file
from facevae.run.run_folder import RunFolder


@dataclasses.dataclass(frozen=True)
class Evaluation:
    """The result of an evaluation, with what it was measured on.

    Attributes:
        which: the model that draws, `sharpened`, `best` or `last`.
        step: training steps of the model.
        epoch: the epoch in which they ended, counted from 1; 0 for a model that was not trained.
        seed: of every random draw.
        samples_from: `prior` or `density`, what the group `samples` is drawn from.
        data: name of the data set.
        image_size: pixels along a side.
        latent_dim: number of latent dimensions.
        test_faces: number of faces in the test split.
        feature_classifier: `FeatureClassifier.details`; None for a data set without attributes.
        notes: remarks printed below the table.
        metrics: each value by its name, `group/metric`.
    """

    which: str
    step: int
    epoch: int
    seed: int
    samples_from: str
    data: str
    image_size: int
    latent_dim: int
    test_faces: int
    feature_classifier: dict[str, Any] | None
    notes: list[str]
    metrics: dict[str, float]


def save(run: RunFolder, evaluation: Evaluation) -> None:
    """Writes `evaluation.json`, and TensorBoard's scalars at the model's epoch, as in the training's charts.

    Raises:
        UserError: the run folder cannot be written. An earlier `evaluation.json` stays as it was.
    """
    from facevae.tensorboard.events import EventWriter

    write_result(run.evaluation, evaluation)
    descriptions = {metric.name: metric.description for metric in evaluators.declared_metrics()}
    writer = EventWriter(run.evaluation_logs, first_step=evaluation.epoch)
    for name, value in evaluation.metrics.items():
        writer.scalar(name, value, evaluation.epoch, descriptions.get(name))
    writer.close()


def write_result(path: str | os.PathLike[str], evaluation: Evaluation) -> None:
    """Writes an evaluation as JSON.

    Raises:
        UserError: the file cannot be written; an earlier one is intact.
    """
    content = json.dumps(dataclasses.asdict(evaluation), indent=2, ensure_ascii=False, allow_nan=False)
    try:
        with whole_file(path) as aside:
            aside.write_text(content + "\n", encoding="utf-8")
    except OSError as error:
        raise UserError(
            f"{path}: cannot be written ({error.strerror}). Free disk space, or give another place: --output FILE."
        ) from error


# ------------------------------------------------------------------------------
# Table
# ------------------------------------------------------------------------------

WIDTH = 100  # characters
ARROWS = {"lower": "↓", "higher": "↑", "one": "≈", None: " "}


def table(evaluation: Evaluation) -> str:
    """The metrics with their units, which direction is better, and how to read them."""
    lines = [
        f"{evaluation.test_faces:,} test faces of {evaluation.data}, {evaluation.which} model, epoch "
        f"{evaluation.epoch:,}, step {evaluation.step:,}",
        "↓ lower is better, ↑ higher is better, ≈ 1 is best",
    ]
    for evaluator in evaluators.EVALUATORS:
        metrics = [metric for metric in evaluator.metrics if metric.name in evaluation.metrics]
        if metrics:
            lines += ["", *(_columns if evaluator.columns else _lines)(evaluator, metrics, evaluation)]
            lines += _wrapped(evaluator.note)
    classifier = evaluation.feature_classifier
    if classifier:
        accuracy = classifier["validation_accuracy"]
        accuracy_text = "" if accuracy is None else f", balanced accuracy {accuracy:.1%} on validation faces"
        version = f"version {features_version(vars(evaluation))}, classifier {classifier['sha256'][:12]}"
        lines += ["", f"Features: {version}{accuracy_text}"]
        lines += _wrapped("Compare distances in features, precision and recall only for the same classifier.")
    for note in evaluation.notes:
        lines += _wrapped(note, "Note: ")
    return "\n".join(lines)


def _lines(evaluator, metrics, evaluation):
    """One line for each metric, with its explanation."""
    cells = [metric.text(evaluation.metrics[metric.name], vars(evaluation)) for metric in metrics]
    titles, values = max(len(metric.title) for metric in metrics), max(map(len, cells))
    lines = [evaluator.title]
    for metric, cell in zip(metrics, cells, strict=True):
        start = f"  {metric.title:<{titles}}  {cell:<{values}}  {ARROWS[metric.better]}  "
        lines += _wrapped(metric.explanation, start)
    return lines


def _columns(evaluator, metrics, evaluation):
    """One column for each group, one row for each metric, and the explanations below."""
    by_place = {(metric.title, metric.group): metric for metric in metrics}
    shared = {metric.title: metric for metric in metrics}
    headings = {metric.group: metric.group.replace("_", " ") for metric in metrics}
    headings |= {group: text for group, text in evaluator.columns.items() if group in headings}
    width = max(map(len, shared))
    rows = [(evaluator.title, *(text.format_map(vars(evaluation)) for text in headings.values()))]
    for title, first in shared.items():
        found = (by_place.get((title, group)) for group in headings)
        cells = (m.text(evaluation.metrics[m.name], vars(evaluation)) if m else "" for m in found)
        rows.append((f"  {title:<{width}}  {ARROWS[first.better]}", *cells))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = [
        row[0].ljust(widths[0])
        + "".join(f"  {cell:>{w}}" for cell, w in zip(row[1:], widths[1:], strict=True))
        for row in rows
    ]
    titles = {}
    for title, metric in shared.items():
        titles.setdefault(metric.explanation, []).append(title)
    for explanation, those in titles.items():
        lines += _wrapped(f"{', '.join(those)}: {explanation}")
    return lines


def _wrapped(text, start="  "):
    """The text in lines of at most `WIDTH` characters: the first begins with `start`, the others are indented."""
    return textwrap.wrap(
        text, WIDTH, initial_indent=start, subsequent_indent=" " * len(start), break_on_hyphens=False
    )
