"""Judging a trained run on the test split: evaluators, and the metrics that each of them declares.

An evaluator is a function that yields pairs of a metric's name and its value, and an entry of `EVALUATORS`: a new one,
or a new metric, needs nothing outside this file. The groups `validation_faces`, `reconstructions`, `samples` and
`prior` are sets of pictures that are held against faces of the test split.
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from tqdm import tqdm

from facevae import latents
from facevae.encodings import Encodings
from facevae.evaluation import metrics
from facevae.evaluation.evaluated_run import FEWEST_FACES, EvaluatedRun
from facevae.evaluation.feature_classifier import FeatureClassifier
from facevae.evaluation.metric import Evaluator, Metric
from facevae.evaluation.neighbours import nearest_faces
from facevae.evaluation.picture_sets import choose_indices, decode, decoded, faces_of
from facevae.model import losses
from facevae.model.batches import batch_slices

COMPARED_FACES = 256  # pictures of each set that are searched for in the training split
UNUSED_KL = 0.01  # nats: a latent dimension below it has the prior for its posterior, whatever the face

Pairs = Iterator[tuple[str, float]]


# ------------------------------------------------------------------------------
# Reconstructions
# ------------------------------------------------------------------------------

RECONSTRUCTION = (
    Metric(
        "reconstruction/mse",
        "mean squared error",
        "Mean over pixels in [0, 1], decoded from the posterior means.",
        ".5f",
        better="lower",
        hparams=True,
    ),
    Metric(
        "reconstruction/psnr",
        "PSNR",
        "Peak signal-to-noise ratio, -10 log10 of a face's error.",
        ".2f",
        "dB",
        better="higher",
    ),
    Metric(
        "reconstruction/ssim",
        "SSIM",
        "Structural similarity with the face itself, 1 where equal.",
        better="higher",
        hparams=True,
    ),
)


def reconstruction(
    evaluated: EvaluatedRun, encodings: Encodings, classifier: FeatureClassifier | None = None
) -> Pairs:
    """Fidelity of the test faces decoded from their posterior means: means over the faces."""
    errors, similarities = [], []
    for images, pictures in _decoded_test_faces(evaluated, encodings.mean, "Reconstructing"):
        errors.append(losses.squared_error(images, pictures).numpy())
        similarities.append(metrics.ssim(images, pictures))
    mse = np.concatenate(errors)
    yield "reconstruction/mse", mse.mean()
    yield "reconstruction/psnr", metrics.psnr(mse).mean()
    yield "reconstruction/ssim", np.concatenate(similarities).mean()


# ------------------------------------------------------------------------------
# Likelihood
# ------------------------------------------------------------------------------

LIKELIHOOD = (
    Metric(
        "likelihood/elbo",
        "ELBO",
        "Lower bound of the log-likelihood of a test face.",
        ",.1f",
        "nats per image",
        better="higher",
        compared=False,
    ),
    Metric(
        "likelihood/bits_per_dimension",
        "bits per dimension",
        "-ELBO / (D ln 2) + log2 255, for D = height x width x 3 values of 8 bits.",
        better="lower",
        hparams=True,
    ),
    Metric(
        "likelihood/sigma",
        "σ of the decoder",
        "Standard deviation of the Gaussian around a pixel.",
        ".4f",
        compared=False,
    ),
    Metric(
        "likelihood/kl",
        "KL divergence",
        "What the latents carry, mean over the test faces.",
        ".1f",
        "nats per image",
    ),
    Metric(
        "likelihood/active_units",
        "active units",
        "Dimensions whose mean varies over the test faces.",
        ".0f",
        "of {latent_dim}",
    ),
    Metric(
        "likelihood/unused_units",
        "unused units",
        f"Dimensions with a KL divergence below {UNUSED_KL} nats.",
        ".0f",
        compared=False,
    ),
)


def likelihood(
    evaluated: EvaluatedRun, encodings: Encodings, classifier: FeatureClassifier | None = None
) -> Pairs:
    """The evidence lower bound of the test faces, with one sample of each posterior, and what the latents carry.

    The decoder is N(reconstruction, σ²I), the KL weight 1. σ² is the one that training stored, or under
    `weighted_mse` the one that the weight implies.
    """
    model = evaluated.model
    if model.likelihood == "weighted_mse":
        variance = metrics.implied_variance(model.mse_weight, evaluated.pixel_values)
    else:
        variance = float(model.variance)
    negative = [
        losses.gaussian_negative_log_likelihood(
            losses.squared_error(images, pictures), variance, evaluated.pixel_values
        ).numpy()
        for images, pictures in _decoded_test_faces(
            evaluated, encodings.sample(evaluated.seed), "Bounding the likelihood of"
        )
    ]
    kl = latents.kl_per_dimension(encodings.mean, encodings.log_variance)
    elbo = -float(np.concatenate(negative).mean(dtype=np.float64)) - float(kl.sum())
    yield "likelihood/elbo", elbo
    yield "likelihood/bits_per_dimension", metrics.bits_per_dimension(elbo, evaluated.pixel_values)
    yield "likelihood/sigma", variance**0.5
    yield "likelihood/kl", kl.sum()
    yield "likelihood/active_units", latents.active_units(encodings.mean)
    yield "likelihood/unused_units", (kl < UNUSED_KL).sum()


# ------------------------------------------------------------------------------
# Distances between sets of pictures
# ------------------------------------------------------------------------------

PICTURE_SETS = {
    "validation_faces": "validation faces",
    "reconstructions": "reconstructions",
    "samples": "samples ({samples_from})",
    "prior": "samples (prior)",
}
LEVELS = (256, 128, 64, 32, 16)  # sides of the pyramids' levels, for all sizes of images


def _distances_of(group):
    compared = group == "samples"
    yield Metric(
        f"{group}/count",
        "pictures",
        "How many were compared with as many test faces.",
        ",.0f",
        compared=False,
    )
    yield Metric(
        f"{group}/frechet_distance",
        "Fréchet distance",
        "Between Gaussians fitted to the features; compare figures of equal counts.",
        better="lower",
        compared=compared or group == "reconstructions",
        hparams=compared,
    )
    yield Metric(
        f"{group}/precision",
        "precision",
        "Share of pictures with features among the test faces'; high for blurred ones too.",
        better="higher",
        compared=compared,
        hparams=compared,
    )
    yield Metric(
        f"{group}/recall",
        "recall",
        "Share of test faces with features among the pictures'.",
        better="higher",
        compared=compared,
        hparams=compared,
    )
    for side in LEVELS:
        yield Metric(
            f"{group}/sliced_wasserstein_{side}",
            f"SWD {side}x{side} x 1000",
            "Sliced Wasserstein distance of patches at that scale.",
            ".1f",
            better="lower",
            compared=compared,
        )


PICTURE_DISTANCES = tuple(metric for group in PICTURE_SETS for metric in _distances_of(group))


def picture_distances(
    evaluated: EvaluatedRun, encodings: Encodings, classifier: FeatureClassifier | None = None
) -> Pairs:
    """How far sets of pictures are from faces of the test split: features of the classifier, and patches."""
    chosen = choose_indices(len(evaluated.dataset.test), evaluated.count, evaluated.seed)
    references = _describe(faces_of("test_faces", evaluated.dataset.test, chosen), evaluated, classifier)
    for pictures in _picture_sets(evaluated, encodings, chosen):
        described = _describe(pictures, evaluated, classifier)
        against = references.first(pictures.count)
        if classifier is not None:
            features = against.features, described.features
            precision, recall = metrics.precision_and_recall(*features)
            yield f"{pictures.name}/frechet_distance", metrics.frechet_distance(*features)
            yield f"{pictures.name}/precision", precision
            yield f"{pictures.name}/recall", recall
        words = f"Comparing patches of {pictures.name.replace('_', ' ')}"
        levels = tqdm(described.patches.items(), desc=words, unit="level", delay=2, leave=False)
        for side, patches in levels:
            distance = metrics.patch_distance(against.patches[side], patches, evaluated.seed)
            yield f"{pictures.name}/sliced_wasserstein_{side}", distance
        yield f"{pictures.name}/count", pictures.count


class _Described(NamedTuple):
    features: np.ndarray | None  # float32[count, 128]
    patches: dict[int, np.ndarray]  # of each level float32[count · per_image, 7, 7, 3]
    per_image: int

    def first(self, count):
        features = None if self.features is None else self.features[:count]
        patches = {side: found[: count * self.per_image] for side, found in self.patches.items()}
        return _Described(features, patches, self.per_image)


def _describe(pictures, evaluated, classifier):
    per_image = metrics.patches_per_image(evaluated.count)
    features, patches = [], []
    for start, images in pictures.batches("Looking at"):
        patches.append(metrics.laplacian_patches(images, per_image, (evaluated.seed, start)))
        if classifier is not None:
            features.append(classifier.features(images))
    return _Described(
        np.concatenate(features) if features else None,
        {side: np.concatenate([part.pop(side) for part in patches]) for side in list(patches[0])},
        per_image,
    )


# ------------------------------------------------------------------------------
# Memorisation
# ------------------------------------------------------------------------------


def _nearest(name, title, explanation):
    return Metric(f"memorisation/{name}", title, explanation, ".4f", compared=False)


def _nearer(name, title, explanation):
    return Metric(f"memorisation/{name}", title, explanation, ".1%", better="lower", compared=False)


MEMORISATION = (
    _nearest("test_faces", "test faces", "Median distance from test faces to their nearest training faces."),
    _nearest(
        "reconstructions",
        "reconstructions",
        "Median distance from reconstructions to their nearest training faces.",
    ),
    _nearest("samples", "samples", "Median distance from samples to their nearest training faces."),
    _nearer(
        "nearer_than_test_faces",
        "nearer than test faces",
        "Share of samples that are nearer than the nearest 5 % of the test faces.",
    ),
    _nearer(
        "nearer_than_reconstructions",
        "nearer than reconstructions",
        "Share of samples that are nearer than the nearest 5 % of the reconstructions.",
    ),
    Metric(
        "memorisation/count",
        "pictures",
        "How many of each were compared.",
        ",.0f",
        compared=False,
    ),
)


def memorisation(
    evaluated: EvaluatedRun, encodings: Encodings, classifier: FeatureClassifier | None = None
) -> Pairs:
    """Distances to the nearest training face, mirrored ones included: root mean square differences of pixels.

    A model that repeats training faces draws samples nearer to them than test faces are. Blurred pictures are nearer
    to every face, so the reconstructions of the same test faces, as blurred as the samples, are the fairer measure.
    """
    chosen = choose_indices(len(evaluated.dataset.test), evaluated.count, evaluated.seed)
    sets = [
        faces_of("test_faces", evaluated.dataset.test, chosen),
        *_picture_sets(evaluated, encodings, chosen),
    ]
    sets = [s for s in sets if s.name in ("test_faces", "reconstructions", "samples")]
    compared = min(COMPARED_FACES, evaluated.count)
    stacked = np.concatenate([pictures.read(slice(0, compared)) for pictures in sets])
    distances = nearest_faces(stacked, evaluated.dataset.train)[1][:, 0].reshape(len(sets), compared)
    by_name = dict(zip((pictures.name for pictures in sets), distances, strict=True))
    for name, values in by_name.items():
        yield f"memorisation/{name}", np.median(values)
    for name in ("test_faces", "reconstructions"):
        nearest = np.quantile(by_name[name], 0.05)
        yield f"memorisation/nearer_than_{name}", (by_name["samples"] < nearest).mean()
    yield "memorisation/count", compared


# ------------------------------------------------------------------------------
# Pictures of several evaluators
# ------------------------------------------------------------------------------


def _picture_sets(evaluated, encodings, chosen):
    model, validation = evaluated.model, evaluated.dataset.validation
    count = min(evaluated.count, len(validation))
    if count >= FEWEST_FACES:  # what photographs reach that nobody was trained on: the floor of each distance
        yield faces_of("validation_faces", validation, choose_indices(len(validation), count, evaluated.seed))
    yield decoded("reconstructions", model, encodings.mean[chosen])
    yield decoded("samples", model, model.sample_latents(evaluated.count, evaluated.seed))
    if evaluated.samples_from != "prior":
        yield decoded("prior", model, model.sample_latents(evaluated.count, evaluated.seed, "prior"))


def _decoded_test_faces(evaluated, points, what):
    for part in batch_slices(len(points), progress=f"{what} test faces"):
        images = evaluated.model.to_float(evaluated.dataset.test.images(part))
        yield images, decode(evaluated.model, points[part])


# ------------------------------------------------------------------------------
# All of them
# ------------------------------------------------------------------------------

EVALUATORS = (
    Evaluator("Reconstruction of test faces", RECONSTRUCTION, reconstruction),
    Evaluator("Likelihood of test faces", LIKELIHOOD, likelihood),
    Evaluator(
        "Against as many test faces",
        PICTURE_DISTANCES,
        picture_distances,
        PICTURE_SETS,
        "Hold samples against the validation faces: photographs that the training never saw.",
    ),
    Evaluator(
        "Root mean square distance to the nearest training face, of pixels in [0, 1]",
        MEMORISATION,
        memorisation,
        note="Blurred pictures are near to every face: samples that repeat training faces are nearer than the "
        "reconstructions.",
    ),
)


def declared_metrics() -> list[Metric]:
    """The metrics of all evaluators."""
    return [metric for evaluator in EVALUATORS for metric in evaluator.metrics]
