"""Evaluators, which measure a trained run on the test split, and the metrics that each of them declares.

An evaluator is a function that yields pairs of a metric's name and its value, and an entry of `EVALUATORS`. A new
evaluator or metric needs changes in this file only, or in `image_set_distances.py`: the groups `validation_faces`,
`blurred_faces`, `reconstructions`, `samples` and `prior` are sets of images that are compared with test faces.
"""

from collections.abc import Iterator

import numpy as np

from facevae import latents
from facevae.evaluation import metrics
from facevae.evaluation.compared_sets import compared_sets, decoded_test_faces
from facevae.evaluation.evaluated_run import EvaluatedRun
from facevae.evaluation.feature_classifier import FeatureClassifier
from facevae.evaluation.image_set_distances import IMAGE_SET_DISTANCES, IMAGE_SETS, image_set_distances
from facevae.evaluation.metric import Evaluator, Metric
from facevae.evaluation.neighbours import nearest_faces
from facevae.model import losses
from facevae.run.encodings import Encodings

NEAREST_SEARCHES = 256  # images of each set whose nearest training face is searched for
UNUSED_KL = 0.01  # nats; below it the posterior of a latent dimension is practically the prior for every face

MetricValues = Iterator[tuple[str, float]]


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
        "Peak signal-to-noise ratio, -10 log10 of the error of each face.",
        ".2f",
        "dB",
        better="higher",
    ),
    Metric(
        "reconstruction/ssim",
        "SSIM",
        "Structural similarity to the original, 1 where equal.",
        better="higher",
        hparams=True,
    ),
)


def reconstruction(
    evaluated: EvaluatedRun, encodings: Encodings, classifier: FeatureClassifier | None = None
) -> MetricValues:
    """Errors of the test faces decoded from their posterior means, averaged over the faces."""
    errors, similarities = [], []
    for images, decoded in decoded_test_faces(evaluated, encodings.mean, "Reconstructing"):
        errors.append(losses.squared_error(images, decoded).numpy())
        similarities.append(metrics.ssim(images, decoded))
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
        "Lower bound on the log-likelihood of a test face.",
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
        "Standard deviation of the Gaussian around each pixel.",
        ".4f",
        compared=False,
    ),
    Metric(
        "likelihood/kl",
        "KL divergence",
        "Of the posterior from N(0, I), mean over the test faces.",
        ".1f",
        "nats per image",
    ),
    Metric(
        "likelihood/active_units",
        "active units",
        "Dimensions whose posterior mean varies over the test faces.",
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
) -> MetricValues:
    """The evidence lower bound of the test faces, from one sample of each posterior, and the use of the latents.

    The decoder is N(reconstruction, σ²I) and the KL weight is 1. σ² is the variance that training stored, or under
    `weighted_mse` the one that the weight implies. A sharpened run's likelihood is that of its first phase.
    """
    model = evaluated.opened.likelihood_model
    if model.likelihood == "weighted_mse":
        variance = metrics.implied_variance(model.mse_weight, evaluated.pixel_values)
    else:
        variance = float(model.variance)
    negative = [
        losses.gaussian_negative_log_likelihood(
            losses.squared_error(images, decoded), variance, evaluated.pixel_values
        ).numpy()
        for images, decoded in decoded_test_faces(
            evaluated, encodings.sample(evaluated.seed), "Computing the ELBO of", model
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
# Memorisation
# ------------------------------------------------------------------------------


def _median_distance(name):
    title = name.replace("_", " ")
    explanation = f"Median distance from {title} to their nearest training faces."
    return Metric(f"memorisation/{name}", title, explanation, ".4f", compared=False)


def _share_nearer_than(name):
    title = name.replace("_", " ")
    explanation = f"Share of samples that are nearer than 95 % of the {title} are."
    key = f"memorisation/nearer_than_{name}"
    return Metric(key, f"nearer than {title}", explanation, ".1%", better="lower", compared=False)


MEMORISATION = (
    _median_distance("test_faces"),
    _median_distance("reconstructions"),
    _median_distance("samples"),
    _share_nearer_than("test_faces"),
    _share_nearer_than("reconstructions"),
    Metric("memorisation/count", "images", "How many of each were compared.", ",.0f", compared=False),
)


def memorisation(
    evaluated: EvaluatedRun, encodings: Encodings, classifier: FeatureClassifier | None = None
) -> MetricValues:
    """Distances to the nearest training face, mirrored or not: root mean square differences of pixels.

    The samples of a model that repeats training faces are nearer to them than test faces are. Blurred images are
    nearer to every face, so reconstructions of test faces, which are as blurred as samples, are the fairer reference.
    """
    names = ("test_faces", "reconstructions", "samples")
    sets = [images for images in compared_sets(evaluated, encodings) if images.name in names]
    count = min(NEAREST_SEARCHES, evaluated.count)
    all_images = np.concatenate([images.read(slice(0, count)) for images in sets])
    distances = nearest_faces(all_images, evaluated.dataset.train)[1][:, 0].reshape(len(sets), count)
    by_name = dict(zip((images.name for images in sets), distances, strict=True))
    for name, values in by_name.items():
        yield f"memorisation/{name}", np.median(values)
    for name in ("test_faces", "reconstructions"):
        nearest = np.quantile(by_name[name], 0.05)
        yield f"memorisation/nearer_than_{name}", (by_name["samples"] < nearest).mean()
    yield "memorisation/count", count


# ------------------------------------------------------------------------------
# All evaluators
# ------------------------------------------------------------------------------

EVALUATORS = (
    Evaluator("Reconstruction of test faces", RECONSTRUCTION, reconstruction),
    Evaluator("Likelihood of test faces", LIKELIHOOD, likelihood),
    Evaluator(
        "Compared with test faces",
        IMAGE_SET_DISTANCES,
        image_set_distances,
        IMAGE_SETS,
        "Real faces: validation faces, which no training saw: the best that a value can be expected to be. "
        "Blurred: the same faces under a Gaussian of 1 pixel of 64: what blur alone does to a value.",
    ),
    Evaluator(
        "Memorisation: root mean square distance to the nearest training face, pixels in [0, 1]",
        MEMORISATION,
        memorisation,
        note="Blurred images are nearer to every face. Samples that repeat training faces are nearer than "
        "reconstructions.",
    ),
)


def declared_metrics() -> list[Metric]:
    """The metrics of all evaluators."""
    return [metric for evaluator in EVALUATORS for metric in evaluator.metrics]
