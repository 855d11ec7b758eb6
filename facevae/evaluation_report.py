"""What an evaluation found: its file, its curves in TensorBoard, its table."""

import dataclasses
import json
from typing import Any

from facevae.errors import UserError
from facevae.files import whole_file
from facevae.run_folder import RunFolder


@dataclasses.dataclass(frozen=True)
class Evaluation:
    """What was measured.

    Attributes:
        which: the model, `best` or `last`.
        step: training steps behind it.
        seed: of every draw.
        samples_from: `prior` or `density`, for the group `samples`.
        data: name of the data set.
        image_size: side of the pictures.
        latent_dim: latent dimensions.
        test_faces: of the split.
        feature_classifier: what is known of it; None where there are no attributes.
        notes: what a reader of the figures has to know.
        metrics: `group/metric` and its value.
    """

    which: str
    step: int
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
    """Writes `evaluation.json`, and TensorBoard's scalars at the model's training step.

    Raises:
        UserError: the run folder cannot be written; an earlier evaluation is intact.
    """
    from facevae.tensorboard_files import EventWriter

    content = json.dumps(dataclasses.asdict(evaluation), indent=2, ensure_ascii=False, allow_nan=False)
    try:
        with whole_file(run.evaluation) as aside:
            aside.write_text(content + "\n", encoding="utf-8")
    except OSError as error:
        raise UserError(
            f"{run.evaluation}: cannot be written ({error.strerror}). Make room in the run folder, or copy it."
        ) from error
    writer = EventWriter(run.evaluation_logs, first_step=evaluation.step)
    for name, value in evaluation.metrics.items():
        writer.scalar(name, value, evaluation.step)
    writer.close()


# ------------------------------------------------------------------------------
# Table
# ------------------------------------------------------------------------------


def table(evaluation: Evaluation) -> str:
    """The figures for people, with their units and what to hold them against."""
    found, dimensions = evaluation.metrics, evaluation.image_size**2 * 3
    test = f"{evaluation.test_faces:,} test faces of {evaluation.data}"
    lines = [
        f"Reconstruction of {test}",
        _line("mean squared error", f"{found['reconstruction/mse']:.5f}"),
        _line("PSNR", f"{found['reconstruction/psnr']:.2f} dB"),
        _line("SSIM", f"{found['reconstruction/ssim']:.3f}"),
        "",
        "Likelihood",
        _line(
            "ELBO",
            f"{found['likelihood/elbo']:,.1f} nats per image, with σ = {found['likelihood/sigma']:.4f}",
        ),
        _line(
            "bits per dimension",
            f"{found['likelihood/bits_per_dimension']:.3f} = -ELBO / ({dimensions:,} ln 2) + log2 255, 8-bit pixels",
        ),
        _line("KL divergence", f"{found['likelihood/kl']:.1f} nats per image"),
        _line("active units", f"{found['likelihood/active_units']:.0f} of {evaluation.latent_dim}"),
        _line("unused units", f"{found['likelihood/unused_units']:.0f} (KL below 0.01 nats)"),
        "",
        *_distances(evaluation),
        "",
        "Root mean square distance to the nearest training face, median of "
        f"{found['memorisation/count']:.0f}",
        _line("test faces", f"{found['memorisation/test_faces']:.4f}"),
        _line("reconstructions", f"{found['memorisation/reconstructions']:.4f}"),
        _line("samples", f"{found['memorisation/samples']:.4f}"),
        f"  Of the samples {found['memorisation/nearer_than_test_faces']:.1%} are nearer than the nearest 5 % of the "
        f"test faces, and {found['memorisation/nearer_than_reconstructions']:.1%} than the nearest 5 % of their "
        "reconstructions.",
        "  Blurred pictures are near to every face: samples that repeat training faces are nearer than the "
        "reconstructions.",
    ]
    classifier = evaluation.feature_classifier
    if classifier:
        accuracy = classifier["validation_accuracy"]
        accuracy_text = "" if accuracy is None else f", balanced accuracy {accuracy:.1%} on validation faces"
        lines += ["", f"Features: attribute classifier {classifier['sha256'][:12]}{accuracy_text}"]
    lines += [f"Note: {note}" for note in evaluation.notes]
    return "\n".join(lines)


def _line(name, value):
    return f"  {name:<20}{value}"


def _distances(evaluation):
    """One column for each set of pictures, one row for each distance."""
    found = evaluation.metrics
    titles = {
        "validation_faces": "validation faces",
        "reconstructions": "reconstructions",
        "samples": f"samples ({evaluation.samples_from})",
        "prior": "samples (prior)",
    }
    groups = [group for group in titles if f"{group}/count" in found]
    measures = {
        "count": ("pictures", ",.0f"),
        "frechet_distance": ("Fréchet distance", ".3f"),
        "precision": ("precision", ".3f"),
        "recall": ("recall", ".3f"),
    }
    sides = sorted(
        (int(name.rsplit("_", 1)[1]) for name in found if name.startswith("samples/sliced")), reverse=True
    )
    measures |= {f"sliced_wasserstein_{side}": (f"SWD {side}x{side} x 1000", ".1f") for side in sides}
    rows = [("Against as many test faces", *(titles[group] for group in groups))]
    for measure, (title, form) in measures.items():
        if f"samples/{measure}" in found:
            rows.append((f"  {title}", *(format(found[f"{group}/{measure}"], form) for group in groups)))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        row[0].ljust(widths[0])
        + "".join(f"  {cell:>{w}}" for cell, w in zip(row[1:], widths[1:], strict=True))
        for row in rows
    ]
