"""The steps of `evaluate.py`: `evaluate` measures a run, `save_images` writes PNG files for other tools."""

import os

import numpy as np

from facevae.errors import UserError
from facevae.evaluation import evaluators
from facevae.evaluation.evaluated_run import EvaluatedRun
from facevae.evaluation.evaluators import UNUSED_KL
from facevae.evaluation.feature_classifier import FeatureClassifier, cached_classifier
from facevae.evaluation.image_sets import choose_indices, decoded_images, faces_of, write_png
from facevae.evaluation.reference_figures import reference_note
from facevae.evaluation.report import Evaluation
from facevae.run.encodings import Encodings, encode_faces
from facevae.training import steps_per_epoch


def evaluate(evaluated: EvaluatedRun) -> Evaluation:
    """Runs all evaluators.

    Raises:
        UserError: a value that is not finite.
    """
    dataset, notes, classifier = evaluated.dataset, list(evaluated.notes), None
    if dataset.attribute_names:
        classifier = cached_classifier(dataset)
    else:
        notes.append(
            f"{dataset.name} has no attributes to train the feature classifier with: "
            "Fréchet distance, precision and recall are left out."
        )
    measured = _measure(evaluated, encode_faces(evaluated.model, dataset.test), classifier)
    unused = int(measured["likelihood/unused_units"])
    if unused:
        notes.append(
            f"Posterior collapse: {unused} of {evaluated.model.latent_dim} latent dimensions carry less than "
            f"{UNUSED_KL} nats."
        )
    if reference := reference_note(dataset):
        notes.append(reference)
    step = int(evaluated.model.global_step.numpy())
    return Evaluation(
        which=evaluated.opened.which,
        step=step,
        epoch=-(-step // max(steps_per_epoch(evaluated.opened.config, dataset), 1)),
        seed=evaluated.seed,
        samples_from=evaluated.samples_from,
        data=dataset.name,
        image_size=dataset.image_size,
        latent_dim=evaluated.model.latent_dim,
        test_faces=len(dataset.test),
        feature_classifier=classifier.details if classifier is not None else None,
        notes=notes,
        metrics=measured,
    )


def _measure(
    evaluated: EvaluatedRun, encodings: Encodings, classifier: FeatureClassifier | None
) -> dict[str, float]:
    """The values of all evaluators by the metric's name, checked to be declared and finite."""
    measured: dict[str, float] = {}
    for evaluator in evaluators.EVALUATORS:
        values = evaluator.measure(evaluated, encodings, classifier)
        measured.update((name, float(value)) for name, value in values)
    if unknown := measured.keys() - {metric.name for metric in evaluators.declared_metrics()}:
        raise ValueError(f"evaluators: expected declared metrics only, received also {sorted(unknown)}.")
    for name, value in measured.items():
        if not np.isfinite(value):
            raise UserError(
                f"{evaluated.opened.run.network(evaluated.opened.which)}: {name} is {value}, expected a finite value. "
                "Train again with a lower --learning-rate, or with --precision float32."
            )
    return measured


# ------------------------------------------------------------------------------
# PNG files for other tools
# ------------------------------------------------------------------------------

PUBLISHED_PROTOCOL = {"crop": "140", "size": "64x64", "pictures": "10,000"}


def save_images(evaluated: EvaluatedRun, count: int, folder: str | os.PathLike[str]) -> str:
    """Writes samples and test faces as PNG files, for tools that compute the FID as papers report it.

    Args:
        evaluated: the run.
        count: number of samples, and of test faces.
        folder: where `samples/` and `references/` are made; both must be empty if they exist.

    Returns:
        A sentence that says what was written, and how it differs from the published protocol.

    Raises:
        UserError: fewer test faces than `count`, a folder that is not empty, or one that cannot be written.
    """
    model, test = evaluated.model, evaluated.dataset.test
    if count > len(test):
        raise UserError(
            f"--save-images: expected at most {len(test):,}, the number of test faces, received {count:,}. "
            "Give a smaller number."
        )
    samples = decoded_images("samples", model, model.sample_latents(count, evaluated.seed))
    references = faces_of("references", test, choose_indices(len(test), count, evaluated.seed))
    write_png([samples, references], folder)
    size = f"{model.image_size}x{model.image_size}"
    used = {"crop": evaluated.opened.config.crop, "size": size, "pictures": f"{count:,}"}
    differs = [f"{k} {used[k]} instead of {v}" for k, v in PUBLISHED_PROTOCOL.items() if used[k] != v]
    protocol = (
        f"not the protocol of CelebA's published figures ({', '.join(differs)})"
        if differs
        else f"the protocol of CelebA's published figures (crop 140, {size}, {count:,})"
    )
    return (
        f"{count:,} samples (from the {evaluated.samples_from}) and {count:,} test faces of {evaluated.dataset.name} "
        f"are in {folder}: {protocol}."
    )
