"""Judging a trained run on the test split: evaluators are functions that yield pairs of a name and a value.

Names are `group/metric`; the groups `validation_faces`, `reconstructions`, `samples` and `prior` are sets of pictures
that are held against faces of the test split.
"""

import dataclasses
import os
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from tqdm import tqdm

from facevae import latents, metrics
from facevae.data import FaceDataset, prepare
from facevae.encodings import Encodings, encode_faces
from facevae.errors import UserError
from facevae.evaluation_report import Evaluation
from facevae.feature_classifier import FeatureClassifier, cached_classifier
from facevae.loading import load
from facevae.model import VAE, losses
from facevae.neighbours import nearest_faces
from facevae.picture_sets import decode, decoded, draw, faces_of, write_png
from facevae.run_folder import RunFolder

FEWEST_FACES = 8  # of a split, for distances between sets to mean anything
COMPARED_FACES = 256  # pictures of each set that are searched for in the training split
UNUSED_KL = 0.01  # nats: a latent dimension below it has the prior for its posterior, whatever the face

Pairs = Iterator[tuple[str, float]]


@dataclasses.dataclass(frozen=True)
class Subject:
    """A run to be judged, and on what.

    Attributes:
        run: its folder.
        which: its model, `best` or `last`.
        model: the model.
        dataset: the faces that it was trained on.
        count: samples, and test faces that sets of pictures are held against.
        seed: of the samples, the noise and the patches.
        notes: what a reader of the figures has to know.
    """

    run: RunFolder
    which: str
    model: VAE
    dataset: FaceDataset
    count: int
    seed: int
    notes: tuple[str, ...]

    @property
    def pixel_values(self) -> int:
        """D, the values of a picture."""
        return self.model.image_size**2 * 3

    @property
    def samples_from(self) -> str:
        """What the model's own samples are drawn from."""
        return self.model.sample_from if self.model.density is not None else "prior"


def open_subject(
    run_dir: str | os.PathLike[str],
    which: str | None = None,
    samples: int = 10_000,
    seed: int = 0,
    data: str | None = None,
    cache_dir: str | None = None,
) -> Subject:
    """The model of a run and its data.

    Args:
        run_dir: the run folder.
        which: `best` or `last`; None for the finished one.
        samples: at most so many; never more than the test split has faces.
        seed: of every random draw.
        data: where the faces lie now; None for where they lay when the run was trained.
        cache_dir: of the prepared faces.

    Raises:
        UserError: no run or model there, no data, or too few test faces.
    """
    run = RunFolder.open(run_dir)
    config = run.load_config()
    which = which or config.finished_model
    model = load(run_dir, which)
    dataset = prepare(data or config.data, config.data_dir, config.crop, config.image_size, cache_dir)
    if len(dataset.test) < FEWEST_FACES:
        raise UserError(
            f"test split: expected at least {FEWEST_FACES} faces, {dataset.name} has {len(dataset.test)}. "
            "Give more pictures by --data."
        )
    notes = []
    trained_on = run.load_data_description().get("faces")
    now = dataset.counts
    if trained_on not in (None, now):
        notes.append(
            f"The run was trained on other data (faces then {trained_on}, now {now}): "
            "the test split may hold faces that it was trained on."
        )
    count = min(samples, len(dataset.test))
    if count < samples:
        notes.append(f"{count:,} samples instead of {samples:,}: as many as there are test faces.")
    return Subject(run, which, model, dataset, count, seed, tuple(notes))


# ------------------------------------------------------------------------------
# Evaluators
# ------------------------------------------------------------------------------


def reconstruction(subject: Subject, encodings: Encodings) -> Pairs:
    """Fidelity of the test faces decoded from their posterior means: means over the faces."""
    errors, similarities = [], []
    for images, pictures in _decoded_test_faces(subject, encodings.mean, "Reconstructing"):
        errors.append(losses.squared_error(images, pictures).numpy())
        similarities.append(metrics.ssim(images, pictures))
    mse = np.concatenate(errors)
    yield "reconstruction/mse", mse.mean()
    yield "reconstruction/psnr", metrics.psnr(mse).mean()
    yield "reconstruction/ssim", np.concatenate(similarities).mean()


def likelihood(subject: Subject, encodings: Encodings) -> Pairs:
    """The evidence lower bound of the test faces, with one sample of each posterior, and what the latents carry.

    The decoder is N(reconstruction, σ²I), the KL weight 1. σ² is the one that training stored, or under
    `weighted_mse` the one that the weight implies.
    """
    model = subject.model
    if model.likelihood == "weighted_mse":
        variance = metrics.implied_variance(model.mse_weight, subject.pixel_values)
    else:
        variance = float(model.variance)
    negative = [
        losses.gaussian_negative_log_likelihood(
            losses.squared_error(images, pictures), variance, subject.pixel_values
        ).numpy()
        for images, pictures in _decoded_test_faces(
            subject, encodings.sample(subject.seed), "Bounding the likelihood of"
        )
    ]
    kl = latents.kl_per_dimension(encodings.mean, encodings.log_variance)
    elbo = -float(np.concatenate(negative).mean(dtype=np.float64)) - float(kl.sum())
    yield "likelihood/elbo", elbo
    yield "likelihood/bits_per_dimension", metrics.bits_per_dimension(elbo, subject.pixel_values)
    yield "likelihood/sigma", variance**0.5
    yield "likelihood/kl", kl.sum()
    yield "likelihood/active_units", latents.active_units(encodings.mean)
    yield "likelihood/unused_units", (kl < UNUSED_KL).sum()


def picture_distances(
    subject: Subject, encodings: Encodings, classifier: FeatureClassifier | None = None
) -> Pairs:
    """How far sets of pictures are from faces of the test split: features of the classifier, and patches."""
    chosen = draw(len(subject.dataset.test), subject.count, subject.seed)
    references = _describe(faces_of("test_faces", subject.dataset.test, chosen), subject, classifier)
    for pictures in _picture_sets(subject, encodings, chosen):
        described = _describe(pictures, subject, classifier)
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
            distance = metrics.patch_distance(against.patches[side], patches, subject.seed)
            yield f"{pictures.name}/sliced_wasserstein_{side}", distance
        yield f"{pictures.name}/count", pictures.count


def memorisation(subject: Subject, encodings: Encodings) -> Pairs:
    """Distances to the nearest training face, mirrored ones included: root mean square differences of pixels.

    A model that repeats training faces draws samples nearer to them than test faces are. Blurred pictures are nearer
    to every face, so the reconstructions of the same test faces, as blurred as the samples, are the fairer measure.
    """
    chosen = draw(len(subject.dataset.test), subject.count, subject.seed)
    sets = [faces_of("test_faces", subject.dataset.test, chosen), *_picture_sets(subject, encodings, chosen)]
    sets = [s for s in sets if s.name in ("test_faces", "reconstructions", "samples")]
    compared = min(COMPARED_FACES, subject.count)
    stacked = np.concatenate([pictures.read(slice(0, compared)) for pictures in sets])
    distances = nearest_faces(stacked, subject.dataset.train)[1][:, 0].reshape(len(sets), compared)
    by_name = dict(zip((pictures.name for pictures in sets), distances, strict=True))
    for name, values in by_name.items():
        yield f"memorisation/{name}", np.median(values)
    for name in ("test_faces", "reconstructions"):
        nearest = np.quantile(by_name[name], 0.05)
        yield f"memorisation/nearer_than_{name}", (by_name["samples"] < nearest).mean()
    yield "memorisation/count", compared


class _Described(NamedTuple):
    features: np.ndarray | None  # float32[count, 128]
    patches: dict[int, np.ndarray]  # of each level float32[count · per_image, 7, 7, 3]
    per_image: int

    def first(self, count):
        features = None if self.features is None else self.features[:count]
        patches = {side: found[: count * self.per_image] for side, found in self.patches.items()}
        return _Described(features, patches, self.per_image)


def _describe(pictures, subject, classifier):
    per_image = metrics.patches_per_image(subject.count)
    features, patches = [], []
    for start, images in pictures.batches("Looking at"):
        patches.append(metrics.laplacian_patches(images, per_image, (subject.seed, start)))
        if classifier is not None:
            features.append(classifier.features(images))
    return _Described(
        np.concatenate(features) if features else None,
        {side: np.concatenate([part.pop(side) for part in patches]) for side in list(patches[0])},
        per_image,
    )


def _picture_sets(subject, encodings, chosen):
    model, validation = subject.model, subject.dataset.validation
    count = min(subject.count, len(validation))
    if count >= FEWEST_FACES:  # what photographs reach that nobody was trained on: the floor of each distance
        yield faces_of("validation_faces", validation, draw(len(validation), count, subject.seed))
    yield decoded("reconstructions", model, encodings.mean[chosen])
    yield decoded("samples", model, model.sample_latents(subject.count, subject.seed))
    if subject.samples_from != "prior":
        yield decoded("prior", model, model.sample_latents(subject.count, subject.seed, "prior"))


def _decoded_test_faces(subject, points, what):
    pictures = faces_of("test_faces", subject.dataset.test, np.arange(len(points)))
    for start, images in pictures.batches(what):
        yield subject.model.to_float(images), decode(subject.model, points[start : start + len(images)])


# ------------------------------------------------------------------------------
# All of it
# ------------------------------------------------------------------------------


def evaluate(subject: Subject) -> Evaluation:
    """Runs all evaluators.

    Raises:
        UserError: a figure that is not finite.
    """
    dataset, notes, classifier = subject.dataset, list(subject.notes), None
    if dataset.attribute_names:
        classifier = cached_classifier(dataset)
    else:
        notes.append(
            f"{dataset.name} has no attributes to train the feature classifier with: "
            "Fréchet distance, precision and recall are left out."
        )
    encodings = encode_faces(subject.model, dataset.test)
    found: dict[str, float] = {}
    found.update(reconstruction(subject, encodings))
    found.update(likelihood(subject, encodings))
    found.update(picture_distances(subject, encodings, classifier))
    found.update(memorisation(subject, encodings))
    found = {name: float(value) for name, value in found.items()}
    for name, value in found.items():
        if not np.isfinite(value):
            raise UserError(
                f"{subject.run.network(subject.which)}: {name} is {value}, expected a finite figure. "
                "Train again with a lower --learning-rate, or with --precision float32."
            )
    unused = int(found["likelihood/unused_units"])
    if unused:
        notes.append(
            f"Posterior collapse: {unused} of {subject.model.latent_dim} latent dimensions carry less than "
            f"{UNUSED_KL} nats."
        )
    details = classifier.details if classifier is not None else None
    return Evaluation(
        which=subject.which,
        step=int(subject.model.global_step),
        seed=subject.seed,
        samples_from=subject.samples_from,
        data=dataset.name,
        image_size=dataset.image_size,
        latent_dim=subject.model.latent_dim,
        test_faces=len(dataset.test),
        feature_classifier=details,
        notes=notes,
        metrics=found,
    )


# ------------------------------------------------------------------------------
# Pictures for other tools
# ------------------------------------------------------------------------------

PUBLISHED_PROTOCOL = {"crop": "140", "size": "64x64", "pictures": "10,000"}


def save_images(subject: Subject, count: int, folder: str | os.PathLike[str]) -> str:
    """Writes samples and test faces as PNG, for the tools that compute the FID of the literature.

    Args:
        subject: the run.
        count: of each.
        folder: gets `samples/` and `references/`, which must not hold anything yet.

    Returns:
        What was written, and how it differs from the published protocol.

    Raises:
        UserError: fewer test faces than asked for, pictures there already, or a folder that cannot be written.
    """
    model, test = subject.model, subject.dataset.test
    if count > len(test):
        raise UserError(
            f"--save-images: expected at most {len(test):,}, the faces of the test split, received {count:,}. "
            "Give fewer."
        )
    samples = decoded("samples", model, model.sample_latents(count, subject.seed))
    references = faces_of("references", test, draw(len(test), count, subject.seed))
    write_png([samples, references], folder)
    size = f"{model.image_size}x{model.image_size}"
    used = {"crop": subject.run.load_config().crop, "size": size, "pictures": f"{count:,}"}
    differs = [f"{k} {used[k]} instead of {v}" for k, v in PUBLISHED_PROTOCOL.items() if used[k] != v]
    protocol = (
        f"not the protocol of CelebA's published figures ({', '.join(differs)})"
        if differs
        else f"the protocol of CelebA's published figures (crop 140, {size}, {count:,})"
    )
    return (
        f"{count:,} samples (from the {subject.samples_from}) and {count:,} test faces of {subject.dataset.name} "
        f"are in {folder}: {protocol}."
    )
