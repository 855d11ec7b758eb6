"""Reads a trained model from its `.keras` file, which may come from an untrusted source."""

import io
import os
import pathlib
import warnings
from typing import Any

import h5py

from facevae.configuration.config import check_settings
from facevae.errors import UserError
from facevae.files.untrusted import MOST_ARRAY_BYTES, MOST_JSON_BYTES, check_size, opened_archive, parse_json
from facevae.model import SETTINGS, VAE

_CONFIG, _WEIGHTS = "config.json", "model.weights.h5"  # Keras' names for the parts of a .keras file
_MOST_ENTRIES = 10_000


def read_model(path: str | os.PathLike[str]) -> VAE:
    """The model in a `.keras` file, in float32 whatever precision it was trained in.

    Nothing in the file is executed: this package builds the networks from checked numbers and names, and reads their
    weights from the file.

    Args:
        path: of the file.

    Returns:
        The model, not compiled.

    Raises:
        UserError: the file is damaged, is no model of facevae, or cannot be read.
    """
    try:
        return _read_network(pathlib.Path(path))
    except (OSError, ValueError, KeyError, TypeError, UserWarning) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise UserError(
            f"{path}: expected a model saved by facevae, received a file that does not load ({reason}). "
            "Restore it, or train again."
        ) from error


def _read_network(path: pathlib.Path) -> VAE:
    # Not keras.saving.load_model: it creates whatever objects the file names, and its safe mode has been bypassed
    # (CVE-2025-1550, CVE-2025-9906).
    check_size(path, MOST_ARRAY_BYTES)
    with opened_archive(path) as archive:
        for name, most in ((_CONFIG, MOST_JSON_BYTES), (_WEIGHTS, MOST_ARRAY_BYTES)):
            if archive.getinfo(name).file_size > most:
                raise ValueError(f"{name} is larger than {most:,} bytes")
        model = VAE(**_settings(parse_json(archive.read(_CONFIG))), dtype="float32")
        _check_weights(archive.read(_WEIGHTS))
    with warnings.catch_warnings():
        # Where the file lacks the weights of a layer, Keras only warns and keeps the initial ones.
        warnings.simplefilter("error", UserWarning)
        model.load_weights(path)
    return model


def _settings(description: Any) -> dict[str, Any]:
    """The arguments of the VAE that a `config.json` describes, checked against the limits of `Config`."""
    if not isinstance(description, dict):
        raise ValueError(f"{_CONFIG} describes no model")
    kind = description.get("registered_name") or description.get("class_name")
    if kind != "facevae>VAE":
        raise ValueError(f"expected a facevae.VAE, received a {kind}")
    return check_settings({name: description["config"][name] for name in SETTINGS})


def _check_weights(content: bytes) -> None:
    """Refuses weights whose arrays lie in other files, or are larger in memory than on disk.

    Raises:
        ValueError: an array does; the message names it.
    """
    entries = size = 0
    with h5py.File(io.BytesIO(content), "r") as file:
        waiting = [file]
        while waiting:
            group = waiting.pop()
            for name in group:
                where = f"{_WEIGHTS}: {group.name.rstrip('/')}/{name}"
                entries += 1
                if entries > _MOST_ENTRIES:  # a group that contains itself would be read without end
                    raise ValueError(f"{_WEIGHTS}: more than {_MOST_ENTRIES:,} entries")
                if not isinstance(group.get(name, getlink=True), h5py.HardLink):
                    raise ValueError(f"{where} is a link")
                entry = group[name]
                if isinstance(entry, h5py.Group):
                    waiting.append(entry)
                    continue
                if not isinstance(entry, h5py.Dataset) or entry.dtype.kind not in "biuf":
                    raise ValueError(f"{where} holds no numbers")
                if entry.is_virtual or entry.external or entry.id.get_create_plist().get_nfilters():
                    raise ValueError(f"{where} is virtual, compressed or stored elsewhere")
                size += entry.nbytes
                if size > len(content):
                    raise ValueError(f"{where} claims more bytes than the file has")
