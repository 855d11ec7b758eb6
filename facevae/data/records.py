"""Prepared faces on disk: raw pixels that are mapped into memory, with names, attributes and splits.

    <cache>/<key>/index.json         format, source fingerprint, crop, size, counts, pictures left out, checksums
    <cache>/<key>/names.json         the faces' names
    <cache>/<key>/images.uint8       uint8[n, size, size, 3]
    <cache>/<key>/hashes.uint8       uint8[n, 16]: each face's identity, see pixels.py
    <cache>/<key>/attributes.uint8   uint8[n, A] of 0 and 1
    <cache>/<key>/given.uint8        uint8[n]: the splits as the source says: 0 training, 1 validation, 2 test
    <cache>/<key>/splits.uint8       uint8[n]: the splits as splits.py completes them

They are written to a temporary folder that is renamed when complete, so a folder <key> is always complete. The index
has a checksum of itself and of each small file; the pixels are checked by the hashes.
"""

import contextlib
import dataclasses
import hashlib
import json
import os
import pathlib
import shutil
from typing import Any, Self

import numpy as np

from facevae.data.faces import FaceDataset, Records
from facevae.data.pixels import DAMAGED, HASH_BYTES, CheckedPixels, pixel_hash
from facevae.data.splits import BY_NAME, BY_PIXELS, SPLIT_NAMES, splits_by_name, splits_by_pixels
from facevae.errors import UserError
from facevae.files import listed, others_in, whole_folder
from facevae.files.untrusted import read_json

FORMAT_VERSION = 2  # 1 had neither hashes nor checksums
_CHECKSUMMED = ("names.json", "hashes.uint8", "attributes.uint8", "given.uint8", "splits.uint8")
_FILES = {"index.json", "images.uint8", DAMAGED, *_CHECKSUMMED}
_MOST_JSON_BYTES = 2**28  # the names of some millions of faces


class DamagedRecordsError(ValueError):
    """A folder that is not a complete set of records; the message says why."""


class OutdatedRecordsError(DamagedRecordsError):
    """Records that an earlier version made."""


@dataclasses.dataclass(frozen=True)
class Example:
    """One picture of a source: its name, path or encoded content, attributes uint8[A] or None, split."""

    name: str
    encoded: str | bytes
    attributes: np.ndarray | None
    split: int


class RecordsWriter:
    """Writes records to a temporary folder; the end of the `with` block renames it, an exception removes it.

    Args:
        folder: of the records; one writer at a time.
    """

    def __init__(self, folder: pathlib.Path):
        self.folder = folder
        self._names: list[str] = []
        self._hashes, self._splits = bytearray(), bytearray()

    def __enter__(self) -> Self:
        with contextlib.ExitStack() as stack:
            self._aside = stack.enter_context(whole_folder(self.folder, refuse_others))
            self._images = stack.enter_context((self._aside / "images.uint8").open("wb"))
            self._attributes = stack.enter_context((self._aside / "attributes.uint8").open("wb"))
            self._open_files = stack.pop_all()
        return self

    def __exit__(self, *raised: Any) -> None:
        self._open_files.__exit__(*raised)

    def __len__(self) -> int:
        return len(self._names)

    def add(self, example: Example, face: np.ndarray) -> None:
        """Appends one face, uint8[size, size, 3]."""
        self._images.write(face.data)
        if example.attributes is not None:
            self._attributes.write(example.attributes.tobytes())
        self._names.append(example.name)
        self._hashes += pixel_hash(face)
        self._splits.append(example.split)

    def finish(self, description: dict[str, Any]) -> None:
        """Completes the splits and writes the index.

        Args:
            description: what the index says beside version, counts and checksums (see `load_records`).
        """
        hashes = np.frombuffer(bytes(self._hashes), np.uint8).reshape(-1, HASH_BYTES)
        splits = splits_by_pixels(hashes, np.frombuffer(bytes(self._splits), np.uint8))
        (self._aside / "hashes.uint8").write_bytes(self._hashes)
        (self._aside / "given.uint8").write_bytes(self._splits)
        (self._aside / "splits.uint8").write_bytes(splits.of_faces.tobytes())
        (self._aside / "names.json").write_bytes(json.dumps(self._names).encode("ascii"))
        self._attributes.flush()
        index = {
            "format_version": FORMAT_VERSION,
            "count": len(self._names),
            "duplicates": splits.duplicates,
            "moved": splits.moved,
            **description,
            "checksums": {name: _checksum(self._aside / name) for name in _CHECKSUMMED},
        }
        index["checksum"] = _checksum_of_index(index)
        (self._aside / "index.json").write_bytes(json.dumps(index, indent=1).encode("ascii"))


def refuse_others(folder: pathlib.Path) -> None:
    """Refuses to replace a folder that holds more than records.

    Raises:
        UserError: it does; the message names the files.
    """
    others = others_in(folder, _FILES.__contains__)
    if others:
        raise UserError(
            f"prepared faces: expected only facevae's own files in {str(folder)!r}, which must be made again, received "
            f"also {listed(others)}. Move them to another place, or give another --cache-dir."
        )


def remove_leftovers_of_version_0_1(folder: pathlib.Path) -> None:
    """Removes what a killed preparation of version 0.1 left; the caller must hold the preparation's lock."""
    for suffix in (".incomplete", ".replaced"):
        path = folder.with_name(folder.name + suffix)
        if path.is_symlink() or path.is_file():
            path.unlink()
        elif path.is_dir():
            shutil.rmtree(path)


def read_index(folder: pathlib.Path) -> dict[str, Any]:
    """The index of complete records.

    Raises:
        DamagedRecordsError: it is missing, damaged or of another version.
    """
    index = _read_json(folder / "index.json", dict)
    version = index.get("format_version")
    if version != FORMAT_VERSION:
        kind = OutdatedRecordsError if version == 1 else DamagedRecordsError
        raise kind(f"format version {version!r}, expected {FORMAT_VERSION}")
    if index.pop("checksum", None) != _checksum_of_index(index):
        raise DamagedRecordsError("index.json: changed since it was written")
    return index


def load_records(
    folder: pathlib.Path, name: str, image_size: int, split_rule: int = BY_PIXELS
) -> FaceDataset:
    """Opens complete records; nothing in them can name another file or run code.

    Small files are compared with their checksums, and so are the pixels of a small data set; those of a large one are
    sampled, and the rest is checked as it is read (`pixels.CheckedPixels`).

    Args:
        folder: of the records.
        name: of the data set.
        image_size: that the records must have.
        split_rule: `BY_PIXELS`, or `BY_NAME` for a run that version 0.1 began.

    Raises:
        DamagedRecordsError: a file is missing, a link, damaged, or does not fit the others.
    """
    index = _checked_index(folder, image_size)
    count, attribute_names = index["count"], index["attribute_names"]
    names = _read_json(folder / "names.json", list)
    if len(names) != count or not _is_list_of_text(names):
        raise DamagedRecordsError("names.json: not one name per face")
    if any(_leads_out(name) for name in names):
        raise DamagedRecordsError("names.json: a name that leads out of its folder")
    given, splits = (np.array(_map(folder / f"{kind}.uint8", (count,))) for kind in ("given", "splits"))
    if max(given.max(), splits.max()) >= len(SPLIT_NAMES):
        raise DamagedRecordsError("splits.uint8: unknown splits")
    attributes = None
    if attribute_names:
        attributes = np.array(_map(folder / "attributes.uint8", (count, len(attribute_names))))
        if attributes.max() > 1:
            raise DamagedRecordsError("attributes.uint8: values other than 0 and 1")
    hashes = _map(folder / "hashes.uint8", (count, HASH_BYTES))
    images = CheckedPixels(_map(folder / "images.uint8", (count, image_size, image_size, 3)), hashes, folder)
    _check_content(folder, index, images)
    if split_rule == BY_NAME:
        splits = splits_by_name(names, given)
    train, validation, test = (
        Records(images, attributes, names, np.flatnonzero(splits == split), hashes)
        for split in range(len(SPLIT_NAMES))
    )
    return FaceDataset(
        name,
        image_size,
        tuple(attribute_names),
        train,
        validation,
        test,
        left_out=index["left_out"],
        folder=folder,
        split_rule=split_rule,
        duplicates=index["duplicates"],
        moved=index["moved"] if split_rule == BY_PIXELS else 0,
        found=index.get("found"),
    )


def _checked_index(folder: pathlib.Path, image_size: int) -> dict[str, Any]:
    """The index, with the types that `load_records` relies on."""
    index = read_index(folder)
    count, left_out = index.get("count"), index.get("left_out")
    attribute_names: Any = index.get("attribute_names")
    if type(count) is not int or count < 1 or index.get("image_size") != image_size:
        raise DamagedRecordsError("index.json: wrong count or image size")
    if any(type(index.get(number)) is not int for number in ("duplicates", "moved")):
        raise DamagedRecordsError("index.json: wrong numbers of duplicates")
    if not _is_list_of_text(attribute_names) or len(set(attribute_names)) != len(attribute_names):
        raise DamagedRecordsError("index.json: wrong attribute names")
    if not isinstance(left_out, dict) or not _is_list_of_text(list(left_out.values())):
        raise DamagedRecordsError("index.json: wrong list of pictures left out")
    found = index.get("found")
    if found is not None and not (isinstance(found, dict) and set(map(type, found.values())) <= {int}):
        raise DamagedRecordsError("index.json: wrong numbers of faces found")
    if not isinstance(index.get("checksums"), dict):
        raise DamagedRecordsError("index.json: no checksums")
    return index


def _check_content(folder: pathlib.Path, index: dict[str, Any], images: CheckedPixels) -> None:
    """Compares the files with their checksums, and pixels with their hashes."""
    for name in _CHECKSUMMED:
        _check_file(folder / name)
        if index["checksums"].get(name) != _checksum(folder / name):
            raise DamagedRecordsError(f"{name}: changed since it was written")
    if os.path.lexists(folder / DAMAGED):
        raise DamagedRecordsError("images.uint8: wrong pixels were read from it")
    damaged, checked = images.damaged_at_opening()
    if damaged:
        raise DamagedRecordsError(f"images.uint8: {damaged:,} of {checked:,} faces have other pixels")


def _checksum(path: pathlib.Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _checksum_of_index(index: dict[str, Any]) -> str:
    """Of its values, however they are laid out."""
    return hashlib.sha256(json.dumps(index, sort_keys=True).encode("ascii")).hexdigest()


def _is_list_of_text(values: Any) -> bool:
    return isinstance(values, list) and all(isinstance(value, str) for value in values)


def _leads_out(name: str) -> bool:
    return os.path.isabs(name) or (".." in name and ".." in pathlib.PurePath(name).parts)


def _read_json(path: pathlib.Path, kind: type) -> Any:
    _check_file(path)
    try:
        content = read_json(path, _MOST_JSON_BYTES)
    except (OSError, ValueError) as error:
        raise DamagedRecordsError(f"{path.name}: {error}") from None
    if not isinstance(content, kind):
        raise DamagedRecordsError(f"{path.name}: expected a {kind.__name__}")
    return content


def _map(path: pathlib.Path, shape: tuple[int, ...]) -> np.ndarray:
    _check_file(path)
    expected = int(np.prod(shape, dtype=object))
    if path.stat().st_size != expected:
        raise DamagedRecordsError(f"{path.name}: {path.stat().st_size:,} bytes, expected {expected:,}")
    return np.asarray(np.memmap(path, np.uint8, mode="r", shape=shape))


def _check_file(path: pathlib.Path) -> None:
    if path.is_symlink() or not path.is_file():
        raise DamagedRecordsError(f"{path.name}: missing, or not a regular file")
