"""What the classic tutorial network reaches on kinds of data on which it was measured: benchmarks/face_quality.md."""

from collections.abc import Mapping

from facevae.data import FaceDataset
from facevae.evaluation.evaluators import declared_metrics

SYNTHETIC = "synthetic faces, after 3.5 minutes on two cores"
CELEBA = "6,500 photographs of CelebA, after 40 minutes on two cores"
IMAGE_SIZE = 64
CELEBA_ATTRIBUTES = 40
# Of 1,000 test faces, samples from N(0, 1). Values in features are left out: they were measured in another version.
FIGURES: Mapping[str, Mapping[str, float]] = {
    SYNTHETIC: {
        "reconstruction/mse": 0.00765,
        "reconstruction/psnr": 21.54,
        "reconstruction/ssim": 0.591,
        "likelihood/bits_per_dimension": 8.982,
        "samples/sliced_wasserstein_64": 457.5,
        "samples/sliced_wasserstein_32": 373.4,
        "samples/sliced_wasserstein_16": 216.5,
    },
    CELEBA: {
        "reconstruction/mse": 0.01035,
        "reconstruction/psnr": 20.24,
        "reconstruction/ssim": 0.566,
        "likelihood/bits_per_dimension": 8.989,
        "samples/sliced_wasserstein_64": 467.0,
        "samples/sliced_wasserstein_32": 306.5,
        "samples/sliced_wasserstein_16": 129.3,
    },
}


def reference_note(dataset: FaceDataset) -> str | None:
    """A sentence with the reference's figures for this kind of data; None where it was not measured."""
    if dataset.image_size != IMAGE_SIZE:
        return None
    if dataset.name == "synthetic_faces":
        kind = SYNTHETIC
    elif len(dataset.attribute_names) == CELEBA_ATTRIBUTES and "5_o_Clock_Shadow" in dataset.attribute_names:
        kind = CELEBA
    else:
        return None
    figures = FIGURES[kind]
    told = [
        f"{'samples ' if metric.group == 'samples' else ''}{metric.title} {metric.text(figures[metric.name], {})}"
        for metric in declared_metrics()
        if metric.name in figures
    ]
    return f"For comparison, the classic tutorial network (--preset reference) on {kind}: {', '.join(told)}."
