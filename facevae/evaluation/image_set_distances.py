"""The evaluator that compares sets of images with faces of the test split, and the metrics that it declares."""

from collections.abc import Iterator

from tqdm import tqdm

from facevae.evaluation import detail, metrics
from facevae.evaluation.compared_sets import compared_sets, describe
from facevae.evaluation.evaluated_run import EvaluatedRun
from facevae.evaluation.feature_classifier import FeatureClassifier
from facevae.evaluation.metric import Metric
from facevae.evaluation.patches import patch_distance
from facevae.run.encodings import Encodings

IMAGE_SETS = {
    "validation_faces": "real faces",
    "blurred_faces": "blurred",
    "reconstructions": "reconstructions",
    "samples": "samples ({samples_from})",
    "prior": "samples (prior)",
}
LEVELS = (256, 128, 64, 32, 16)  # sides of the pyramid's levels, for every image size


def sharpness_key(shortest: int, longest: int) -> str:
    """The name, without its group, of the sharpness of detail of so many pixels."""
    return f"sharpness_{shortest}_{longest}"


def _distances_of(group):
    main = group == "samples"
    shown = main or group == "reconstructions"
    explanation = "How many were compared, with the same number of test faces."
    yield Metric(f"{group}/count", "images", explanation, ",.0f", compared=False)
    explanation = "Amplitude of detail of these wavelengths over that of the test faces, 1 as sharp as life."
    for shortest, longest in detail.WAVELENGTHS:
        title = f"sharpness, {shortest}-{longest} px"
        key = f"{group}/{sharpness_key(shortest, longest)}"
        hparams = main and shortest == 2
        yield Metric(key, title, explanation, ".2f", better="one", compared=shown, hparams=hparams)
    explanation = (
        "Steps across borders of cells of so many pixels over those elsewhere, near 1 without a grid."
    )
    for period in detail.PERIODS:
        title = f"lattice, {period} px"
        yield Metric(f"{group}/lattice_{period}", title, explanation, better="one", compared=shown)
    yield Metric(
        f"{group}/frechet_distance",
        "Fréchet distance",
        "Between Gaussians fitted to the features; comparable only for equal numbers of images.",
        ".2f",
        better="lower",
        compared=shown,
        hparams=main,
    )
    explanation = "1,000 x the squared maximum mean discrepancy of the features, for any number of images."
    key = f"{group}/kernel_distance"
    yield Metric(key, "kernel distance", explanation, ".1f", better="lower", compared=shown)
    explanation = "Share of images whose features lie among the test faces'."
    yield Metric(f"{group}/precision", "precision", explanation, better="higher", compared=main, hparams=main)
    explanation = "Share of test faces whose features lie among the images'."
    yield Metric(f"{group}/recall", "recall", explanation, better="higher", compared=main, hparams=main)
    for side in LEVELS:
        yield Metric(
            f"{group}/sliced_wasserstein_{side}",
            f"SWD {side}x{side} x 1000",
            "Sliced Wasserstein distance between patches at that scale.",
            ".1f",
            better="lower",
            compared=main,
        )


IMAGE_SET_DISTANCES = tuple(metric for group in IMAGE_SETS for metric in _distances_of(group))


def image_set_distances(
    evaluated: EvaluatedRun, encodings: Encodings, classifier: FeatureClassifier | None = None
) -> Iterator[tuple[str, float]]:
    """Detail of sets of images beside faces of the test split, and distances in features and in patches."""
    test_faces, *sets = compared_sets(evaluated, encodings)
    all_references = describe(test_faces, evaluated, classifier)
    for images in sets:
        described = describe(images, evaluated, classifier)
        references = all_references.first(images.count)
        sharp = detail.sharpness(described.power, references.power)
        for octave, value in zip(detail.WAVELENGTHS, sharp, strict=True):
            yield f"{images.name}/{sharpness_key(*octave)}", value
        for period, value in zip(detail.PERIODS, detail.lattice(described.steps), strict=True):
            yield f"{images.name}/lattice_{period}", value
        if references.features is not None and described.features is not None:
            features = references.features, described.features
            precision, recall = metrics.precision_and_recall(*features)
            yield f"{images.name}/frechet_distance", metrics.frechet_distance(*features)
            yield f"{images.name}/kernel_distance", metrics.kernel_distance(*features)
            yield f"{images.name}/precision", precision
            yield f"{images.name}/recall", recall
        progress = f"Comparing patches of {images.name.replace('_', ' ')}"
        levels = tqdm(described.patches.items(), desc=progress, unit="level", delay=2, leave=False)
        for side, patches in levels:
            distance = patch_distance(references.patches[side], patches, evaluated.seed)
            yield f"{images.name}/sliced_wasserstein_{side}", distance
        yield f"{images.name}/count", images.count
