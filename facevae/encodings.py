"""Faces as latents: one pass of the encoder over a split, kept in the run folder."""

import dataclasses
import hashlib
import pathlib
import zipfile
from collections.abc import Callable
from typing import Protocol

import numpy as np
from tqdm import tqdm

from facevae.errors import UserError
from facevae.model import VAE
from facevae.run_folder import RunFolder, replacing

BATCH = 256
# What the density is fitted to and the latents are looked at by; more faces change neither.
MOST_TRAINING_FACES = 20_000


class _Records(Protocol):
    def __len__(self) -> int: ...
    def images(self, indices: np.ndarray) -> np.ndarray: ...
    def attributes(self, indices: np.ndarray) -> np.ndarray | None: ...


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


def encode_faces(model: VAE, records: _Records, count: int | None = None, seed: int = 0) -> Encodings:
    """Encodes a split, or `count` faces of it drawn without replacement.

    Args:
        model: whose encoder.
        records: a split of a prepared data set.
        count: at most so many faces; None for all.
        seed: of the draw.

    Returns:
        The encodings, in the order of the split.
    """
    indices = np.arange(len(records))
    if count is not None and count < len(records):
        indices = np.sort(np.random.default_rng(seed).choice(len(records), count, replace=False))
    parts = []
    starts = range(0, len(indices), BATCH)
    for start in tqdm(starts, desc="Encoding faces", unit="batch", delay=2, leave=False):
        parts.append(
            [np.asarray(part) for part in model.encode(records.images(indices[start : start + BATCH]))]
        )
    mean, log_variance = (np.concatenate(column) for column in zip(*parts, strict=True))
    return Encodings(indices, mean, log_variance, records.attributes(indices))


def training_encodings(run: RunFolder, model: VAE, train: Callable[[], _Records]) -> Encodings:
    """Up to 20,000 training faces as the run's best model encodes them.

    They are kept in the run folder and made again when another encoder made those.

    Args:
        run: the run.
        model: its best model.
        train: gives the training split; only called where the faces must be encoded.

    Raises:
        UserError: they must be encoded and `train` raises one: the data set is not here.
    """
    path = run.encodings / "train.npz"
    if (stored := _stored(path, model)) is not None:
        return stored
    try:
        records = train()
    except UserError as error:
        raise UserError(
            f"{path}: missing or of another model, and the training faces cannot be encoded again: {error} "
            "One of the two is needed; a training that ends by itself writes that file."
        ) from error
    encodings = encode_faces(model, records, MOST_TRAINING_FACES)
    with replacing(path) as aside, open(aside, "wb") as file:
        arrays = {name: array for name, array in vars(encodings).items() if array is not None}
        np.savez(file, encoder=np.array(encoder_fingerprint(model)), **arrays)
    return encodings


def _stored(path: pathlib.Path, model: VAE) -> Encodings | None:
    """What a file holds; None when it is missing, damaged or of another encoder."""
    try:
        with open(path, "rb") as file, np.load(file, allow_pickle=False) as stored:
            if str(stored["encoder"]) != encoder_fingerprint(model):
                return None
            attributes = stored.get("attributes")
            return Encodings(stored["indices"], stored["mean"], stored["log_variance"], attributes)
    except (OSError, ValueError, KeyError, zipfile.BadZipFile):
        return None


def encoder_fingerprint(model: VAE) -> str:
    """Tells one encoder from another: a hash of its weights."""
    digest = hashlib.sha256()
    for weight in model.encoder.get_weights():
        digest.update(np.ascontiguousarray(weight).data)
    return digest.hexdigest()
