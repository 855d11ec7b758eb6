"""What a model's latents say about attributes, measured once for a model and kept with its run."""

import hashlib
from typing import Any

import numpy as np

from facevae.editing import measuring
from facevae.editing.face_attributes import FaceAttributes
from facevae.editing.reader import Reader, build_network
from facevae.files import keep_to_save_time
from facevae.files.untrusted import read_arrays
from facevae.model import VAE
from facevae.run.encodings import Encodings
from facevae.run.run_folder import RunFolder
from facevae.run.viewing import fingerprint

VERSION = 1  # of the measurement; files of another one are measured again


def face_attributes(run: RunFolder, model: VAE, names: list[str], encodings: Encodings) -> FaceAttributes:
    """The attributes from the run folder, or measured and kept there if those of another model or none lie there.

    Args:
        run: the run.
        model: its finished model.
        names: of the attributes.
        encodings: of its training faces, with attributes.
    """
    assert encodings.attributes is not None, "the caller has looked"
    made_of = _made_of(model, names, encodings)
    kept = _kept(run, made_of, model, names)
    if kept is not None:
        return kept
    found = measuring.measure(model, names, encodings.mean, encodings.attributes)
    arrays: dict[str, Any] = {name: getattr(found, name) for name in _shapes(len(names), model.latent_dim)}
    weights = found.reader.network.get_weights() if found.reader else []
    arrays |= {f"reader_{number:03d}": weight for number, weight in enumerate(weights)}
    keep_to_save_time(
        run.attributes,
        lambda aside: np.savez(aside, made_of=np.array(made_of), **arrays),
        "it is measured again next time",
    )
    return found


def _kept(run: RunFolder, made_of: str, model: VAE, names: list[str]) -> FaceAttributes | None:
    """The attributes in the run folder; None if they are missing, damaged or made of something else."""
    try:
        stored = read_arrays(run.attributes)
        if str(stored["made_of"]) != made_of:
            return None
        arrays = {name: stored[name] for name in _shapes(len(names), model.latent_dim)}
        weights = [stored[name] for name in sorted(stored) if name.startswith("reader_")]
        reader = _reader(model, len(names), weights) if weights else None
    except (OSError, ValueError, KeyError):
        return None
    for name, shape in _shapes(len(names), model.latent_dim).items():
        kind = np.bool_ if name == "offered" else np.float32
        if arrays[name].dtype != kind or arrays[name].shape != shape:
            return None
        if name not in ("flipped", "others") and not np.isfinite(arrays[name]).all():
            return None
    return FaceAttributes(names=tuple(names), reader=reader, **arrays)


def _shapes(count: int, latent_dim: int) -> dict[str, tuple[int, ...]]:
    of_each = ("minimum", "maximum", "flipped", "others", "offered", "bias")
    shapes = {"directions": (count, latent_dim), "weights": (latent_dim, count)}
    return {**shapes, **dict.fromkeys(of_each, (count,))}


def _reader(model: VAE, count: int, weights: list[np.ndarray]) -> Reader:
    """Raises ValueError if they are not the weights of a reader of so many attributes."""
    network = build_network(model.image_size, count)
    if not all(weight.dtype == np.float32 and np.isfinite(weight).all() for weight in weights):
        raise ValueError("weights of a reader: expected finite float32")
    network.set_weights(weights)
    return Reader(model, network)


def _made_of(model: VAE, names: list[str], encodings: Encodings) -> str:
    digest = hashlib.sha256(f"{VERSION} {fingerprint(model)} {names}".encode())
    for array in (encodings.mean, encodings.attributes):
        digest.update(np.ascontiguousarray(array).data)
    return digest.hexdigest()
