"""What `evaluate.py` does with a run: `evaluate` measures it, `save_images` writes pictures for other tools."""

import os

import numpy as np

from facevae.encodings import encode_faces
from facevae.errors import UserError
from facevae.evaluation import evaluators
from facevae.evaluation.evaluated_run import EvaluatedRun
from facevae.evaluation.evaluators import UNUSED_KL
from facevae.evaluation.feature_classifier import cached_classifier
from facevae.evaluation.picture_sets import choose_indices, decoded, faces_of, write_png
from facevae.evaluation.report import Evaluation


def evaluate(evaluated: EvaluatedRun) -> Evaluation:
    """Runs all evaluators.

    Raises:
        UserError: a figure that is not finite.
    """
    dataset, notes, classifier = evaluated.dataset, list(evaluated.notes), None
    if dataset.attribute_names:
        classifier = cached_classifier(dataset)
    else:
        notes.append(
            f"{dataset.name} has no attributes to train the feature classifier with: "
            "Fréchet distance, precision and recall are left out."
        )
    encodings = encode_faces(evaluated.model, dataset.test)
    found: dict[str, float] = {}
    for evaluator in evaluators.EVALUATORS:
        found.update(evaluator.measure(evaluated, encodings, classifier))
    found = {name: float(value) for name, value in found.items()}
    if unknown := found.keys() - {metric.name for metric in evaluators.declared_metrics()}:
        raise ValueError(f"evaluators: expected metrics that they declare, received also {sorted(unknown)}.")
    for name, value in found.items():
        if not np.isfinite(value):
            raise UserError(
                f"{evaluated.opened.run.network(evaluated.opened.which)}: {name} is {value}, expected a finite figure. "
                "Train again with a lower --learning-rate, or with --precision float32."
            )
    unused = int(found["likelihood/unused_units"])
    if unused:
        notes.append(
            f"Posterior collapse: {unused} of {evaluated.model.latent_dim} latent dimensions carry less than "
            f"{UNUSED_KL} nats."
        )
    details = classifier.details if classifier is not None else None
    return Evaluation(
        which=evaluated.opened.which,
        step=int(evaluated.model.global_step),
        seed=evaluated.seed,
        samples_from=evaluated.samples_from,
        data=dataset.name,
        image_size=dataset.image_size,
        latent_dim=evaluated.model.latent_dim,
        test_faces=len(dataset.test),
        feature_classifier=details,
        notes=notes,
        metrics=found,
    )


# ------------------------------------------------------------------------------
# Pictures for other tools
# ------------------------------------------------------------------------------

PUBLISHED_PROTOCOL = {"crop": "140", "size": "64x64", "pictures": "10,000"}


def save_images(evaluated: EvaluatedRun, count: int, folder: str | os.PathLike[str]) -> str:
    """Writes samples and test faces as PNG, for the tools that compute the FID of the literature.

    Args:
        evaluated: the run.
        count: of each.
        folder: gets `samples/` and `references/`, which must not hold anything yet.

    Returns:
        What was written, and how it differs from the published protocol.

    Raises:
        UserError: fewer test faces than asked for, pictures there already, or a folder that cannot be written.
    """
    model, test = evaluated.model, evaluated.dataset.test
    if count > len(test):
        raise UserError(
            f"--save-images: expected at most {len(test):,}, the faces of the test split, received {count:,}. "
            "Give fewer."
        )
    samples = decoded("samples", model, model.sample_latents(count, evaluated.seed))
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
