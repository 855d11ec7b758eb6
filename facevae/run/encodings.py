"""Encoded faces: the encoder's output for a split, cached in the run folder."""

import dataclasses
import hashlib
import pathlib
from collections.abc import Callable
from typing import Any

import numpy as np

from facevae.data.faces import Records
from facevae.errors import UserError
from facevae.files import keep_to_save_time
from facevae.files.untrusted import read_arrays
from facevae.model import VAE
from facevae.model.batches import in_batches
from facevae.run.run_folder import RunFolder

# Enough to fit the density and to show the latents; more faces change neither.
MOST_TRAINING_FACES = 20_000


@dataclasses.dataclass(frozen=True)
class Encodings:
    """The posterior of some faces of a split.

    Attributes:
        indices: `int64[faces]`, which faces of the split.
        mean: `float32[faces, latent_dim]`.
        log_variance: `float32[faces, latent_dim]`.
        attributes: `uint8[faces, attributes]` of 0 and 1, None when the data set has none.
    """

    indices: np.ndarray
    mean: np.ndarray
    log_variance: np.ndarray
    attributes: np.ndarray | None

    def sample(self, seed: int = 0) -> np.ndarray:
        """One latent of each face's posterior, `float32[faces, latent_dim]`."""
        noise = np.random.default_rng(seed).standard_normal(self.mean.shape, dtype=np.float32)
        return self.mean + np.exp(0.5 * self.log_variance) * noise


def encode_faces(
    model: VAE, records: Records, count: int | None = None, seed: int = 0, mirrored: bool = False
) -> Encodings:
    """Encodes a split, or `count` faces of it drawn without replacement.

    Args:
        model: the VAE whose encoder is used.
        records: a split of a prepared data set.
        count: at most so many faces; None for all.
        seed: of the draw.
        mirrored: whether each image is mirrored, left to right.

    Returns:
        The encodings, in the order of the split.
    """
    indices = np.arange(len(records))
    if count is not None and count < len(records):
        indices = np.sort(np.random.default_rng(seed).choice(len(records), count, replace=False))

    def encode(batch: np.ndarray) -> tuple:
        images = records.images(batch)
        return model.encode(images[:, :, ::-1] if mirrored else images)

    mean, log_variance = in_batches(encode, indices, progress="Encoding faces")
    return Encodings(indices, mean, log_variance, records.attributes(indices))


def training_encodings(
    run: RunFolder, model: VAE, train: Callable[[], Records], verified: bool = False
) -> Encodings:
    """The posterior of up to 20,000 training faces, cached in the run folder.

    Encodings of another encoder are replaced.

    Args:
        run: the run.
        model: its finished model.
        train: returns the training split; called only if faces must be encoded or the cache compared with the split.
        verified: whether to compare the cache with the split, and encode again if its faces or attributes have changed.
            Needed where faces or attributes of the split are shown beside the encodings.

    Raises:
        UserError: the split is needed, and `train` raises one because the data set is not on this machine.
    """
    path = run.encodings / "train.npz"
    stored, split = _stored(path, model)
    if stored is not None and (not verified or split == _split_fingerprint(train())):
        return stored
    try:
        records = train()
    except UserError as error:
        raise UserError(
            f"{path}: missing or made by another model, and the training faces cannot be encoded again: {error} "
            "Either the faces or this file is needed; a training that is finished has written it."
        ) from error
    encodings = encode_faces(model, records, MOST_TRAINING_FACES)
    made_of = {"encoder": encoder_fingerprint(model), "split": _split_fingerprint(records)}
    arrays: dict[str, Any] = {name: array for name, array in vars(encodings).items() if array is not None}
    arrays |= {name: np.array(value) for name, value in made_of.items()}
    keep_to_save_time(path, lambda aside: np.savez(aside, **arrays), "the faces are encoded again next time")
    return encodings


def stored_encodings(run: RunFolder, model: VAE) -> Encodings | None:
    """The encodings in the run folder, None if they are missing, damaged or of another encoder."""
    return _stored(run.encodings / "train.npz", model)[0]


def _stored(path: pathlib.Path, model: VAE) -> tuple[Encodings | None, str | None]:
    """The encodings in a file and their split's fingerprint; None if it is missing, damaged or of another encoder."""
    try:
        stored = read_arrays(path)
        if str(stored["encoder"]) != encoder_fingerprint(model):
            return None, None
        split = str(stored["split"]) if "split" in stored else None
        parts = stored["indices"], stored["mean"], stored["log_variance"], stored.get("attributes")
    except (OSError, ValueError, KeyError):
        return None, None
    encodings = Encodings(*parts)
    return (encodings, split) if _is_sound(encodings, model.latent_dim) else (None, None)


def _is_sound(encodings, latent_dim):
    indices, attributes = encodings.indices, encodings.attributes
    statistics = (encodings.mean, encodings.log_variance)
    return (
        indices.ndim == 1
        and indices.dtype.kind == "i"
        and len(indices) > 0
        and indices[0] >= 0
        and bool(np.all(np.diff(indices) > 0))
        and all(part.dtype == np.float32 and part.shape == (len(indices), latent_dim) for part in statistics)
        and (
            attributes is None
            or (
                attributes.dtype == np.uint8
                and attributes.ndim == 2
                and len(attributes) == len(indices)
                and not np.any(attributes > 1)
            )
        )
    )


def _split_fingerprint(records: Records) -> str:
    """A hash of the pixels and attributes of a split."""
    return " ".join(records.fingerprint.values())


def encoder_fingerprint(model: VAE) -> str:
    """A hash of the weights of the encoder."""
    digest = hashlib.sha256()
    for weight in model.encoder.get_weights():
        digest.update(np.ascontiguousarray(weight).data)
    return digest.hexdigest()
