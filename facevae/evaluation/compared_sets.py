"""The sets of images that evaluators compare with test faces, and the features and patches that describe a set."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from facevae.evaluation import detail
from facevae.evaluation.degradations import blurred
from facevae.evaluation.evaluated_run import FEWEST_FACES, EvaluatedRun
from facevae.evaluation.feature_classifier import FeatureClassifier
from facevae.evaluation.image_sets import ImageSet, choose_indices, decode_finite, decoded_images, faces_of
from facevae.evaluation.patches import laplacian_patches, patches_per_image
from facevae.figures import as_bytes
from facevae.model import VAE
from facevae.model.batches import batch_slices
from facevae.run.encodings import Encodings

BLUR = 1.0  # σ of the blurred faces, pixels of a face of 64×64


def compared_sets(evaluated: EvaluatedRun, encodings: Encodings) -> Iterator[ImageSet]:
    """Test faces, and the sets that are compared with them.

    Args:
        evaluated: the run.
        encodings: of all its test faces.

    Yields:
        `test_faces`, `validation_faces` and `blurred_faces`, the same blurred (where there are at least
        `FEWEST_FACES`), `reconstructions` (of the same test faces), `samples`, and `prior` (where samples are drawn
        from a fitted density).
    """
    model, dataset = evaluated.model, evaluated.dataset
    chosen = choose_indices(len(dataset.test), evaluated.count, evaluated.seed)
    yield faces_of("test_faces", dataset.test, chosen)
    count = min(evaluated.count, len(dataset.validation))
    # Their values are those of real data: the best that samples can be expected to reach.
    if count >= FEWEST_FACES:
        indices = choose_indices(len(dataset.validation), count, evaluated.seed)
        real = faces_of("validation_faces", dataset.validation, indices)
        yield real
        # What blur alone does to each value.
        sigma = BLUR * model.image_size / 64.0
        yield ImageSet("blurred_faces", count, lambda part: _blurred(real.read(part), sigma))
    yield decoded_images("reconstructions", model, encodings.mean[chosen])
    yield decoded_images("samples", model, model.sample_latents(evaluated.count, evaluated.seed))
    if evaluated.samples_from != "prior":
        yield decoded_images("prior", model, model.sample_latents(evaluated.count, evaluated.seed, "prior"))


def _blurred(images, sigma):
    return as_bytes(blurred(images / np.float32(255.0), sigma).numpy())


def decoded_test_faces(
    evaluated: EvaluatedRun, latents: np.ndarray, action: str, model: VAE | None = None
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Batches of test faces and of the images decoded from their latents, both `float32[batch, size, size, 3]`.

    Args:
        evaluated: the run.
        latents: `float32[faces, latent_dim]`, one for each test face.
        action: what the progress bar says is done with the faces.
        model: whose decoder; None for the run's.
    """
    model = model or evaluated.model
    for part in batch_slices(len(latents), progress=f"{action} test faces"):
        images = model.to_float(evaluated.dataset.test.images(part))
        yield images, decode_finite(model, latents[part])


class Description(NamedTuple):
    """Features, patches and detail of a set of images.

    Attributes:
        features: `float32[count, 128]`, of the classifier; None without one.
        patches: `float32[count · per_image, 7, 7, 3]` for the side of each level of the Laplacian pyramid.
        per_image: patches of each image and level.
        power: `float64[bands]`, `detail.band_powers`, mean over the images.
        steps: `float64[periods, 2]`, `detail.grid_steps`, mean over the images.
    """

    features: np.ndarray | None
    patches: dict[int, np.ndarray]
    per_image: int
    power: np.ndarray
    steps: np.ndarray

    def first(self, count: int) -> "Description":
        """The description with features and patches of the first `count` images alone."""
        features = None if self.features is None else self.features[:count]
        patches = {side: found[: count * self.per_image] for side, found in self.patches.items()}
        return self._replace(features=features, patches=patches)


def describe(
    images: ImageSet, evaluated: EvaluatedRun, classifier: FeatureClassifier | None = None
) -> Description:
    """Computes features and detail and draws the patches of a set, batch by batch.

    Args:
        images: the set.
        evaluated: the run, whose count and seed decide how many patches of each image are drawn, and where.
        classifier: computes the features; None for the others alone.
    """
    per_image = patches_per_image(evaluated.count)
    features, patches, powers, steps = [], [], [], []
    for start, batch in images.batches("Describing"):
        patches.append(laplacian_patches(batch, per_image, (evaluated.seed, start)))
        powers.append(detail.band_powers(batch))
        steps.append(detail.grid_steps(batch))
        if classifier is not None:
            features.append(classifier.features(batch))
    return Description(
        np.concatenate(features) if features else None,
        {side: np.concatenate([part.pop(side) for part in patches]) for side in list(patches[0])},
        per_image,
        np.sum(powers, axis=0) / images.count,
        np.sum(steps, axis=0) / images.count,
    )
