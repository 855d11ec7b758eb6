"""Faces as latents: one pass of the encoder over a split, kept in the run folder."""

import dataclasses
import hashlib
import zipfile
from typing import Protocol

import numpy as np
from tqdm import tqdm

from facevae.model import VAE
from facevae.run_folder import RunFolder, replacing

BATCH = 256


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


def cached_encodings(
    run: RunFolder, model: VAE, records: _Records, split: str, count: int | None = None
) -> Encodings:
    """The encodings of a split by the run's best model, from the run folder where they are there already.

    They are made again when another encoder made them, or when another number of faces is asked for.

    Args:
        run: the run.
        model: its best model.
        records: the split.
        split: its name, `train`, `validation` or `test`.
        count: at most so many faces; None for all.
    """
    path = run.encodings / f"{split}.npz"
    wanted = len(records) if count is None else min(count, len(records))
    stored = stored_encodings(run, model, split)
    if stored is not None and len(stored.indices) == wanted:
        return stored
    encodings = encode_faces(model, records, count)
    with replacing(path) as aside, open(aside, "wb") as file:
        arrays = {name: array for name, array in vars(encodings).items() if array is not None}
        np.savez(file, encoder=np.array(encoder_fingerprint(model)), **arrays)
    return encodings


def stored_encodings(run: RunFolder, model: VAE, split: str) -> Encodings | None:
    """The encodings of a split in the run folder; None when they are missing, damaged or of another encoder."""
    try:
        with open(run.encodings / f"{split}.npz", "rb") as file, np.load(file, allow_pickle=False) as stored:
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
