"""Prepared faces on disk: raw pixels that are mapped into memory, with names, attributes and splits.

    <cache>/<key>/index.json         format, source fingerprint, crop, size, counts, pictures left out
    <cache>/<key>/names.json         the faces' names
    <cache>/<key>/images.uint8       uint8[n, size, size, 3]
    <cache>/<key>/attributes.uint8   uint8[n, A] of 0 and 1
    <cache>/<key>/splits.uint8       uint8[n]: 0 training, 1 validation, 2 test

They are written to a temporary folder that is renamed when complete, so a folder <key> is always complete.
"""

import contextlib
import dataclasses
import json
import os
import pathlib
import shutil
from collections.abc import Sequence
from typing import Any, Self

import numpy as np

from facevae.data.splits import SPLIT_NAMES, complete_splits
from facevae.errors import UserError
from facevae.files import listed, others_in, whole_folder
from facevae.files.untrusted import read_json

FORMAT_VERSION = 1
_FILES = {"index.json", "names.json", "images.uint8", "attributes.uint8", "splits.uint8"}
_MOST_JSON_BYTES = 2**28  # the names of some millions of faces


class DamagedRecordsError(ValueError):
    """A folder that is not a complete set of records; the message says why."""


@dataclasses.dataclass(frozen=True)
class Example:
    """One picture of a source: its name, path or encoded content, attributes uint8[A] or None, split."""

    name: str
    encoded: str | bytes
    attributes: np.ndarray | None
    split: int


class Records:
    """Faces of one split, in order.

    Args:
        images: uint8[n, size, size, 3], usually a memory map.
        attributes: uint8[n, A], or None.
        names: n names.
        rows: int[m], which of the n faces belong to this split.
    """

    def __init__(
        self, images: np.ndarray, attributes: np.ndarray | None, names: Sequence[str], rows: np.ndarray
    ):
        self._images, self._attributes, self._names, self._rows = images, attributes, names, rows

    def __len__(self) -> int:
        return len(self._rows)

    @property
    def image_size(self) -> int:
        """Side of the images in pixels."""
        return self._images.shape[1]

    def images(self, indices: np.ndarray | slice) -> np.ndarray:
        """The pixels of some faces.

        Args:
            indices: int[n], or a slice.

        Returns:
            uint8[n, size, size, 3], a copy.
        """
        return self._images[self._rows[indices]]

    def attributes(self, indices: np.ndarray | slice) -> np.ndarray | None:
        """The attributes of some faces, uint8[n, A] of 0 and 1, a copy; None when the source has no attributes."""
        return None if self._attributes is None else self._attributes[self._rows[indices]]

    def names(self, indices: np.ndarray | slice) -> list[str]:
        """The n names of some faces: relative paths, or split and number."""
        return [self._names[row] for row in self._rows[indices]]


@dataclasses.dataclass(frozen=True)
class FaceDataset:
    """A prepared source.

    Attributes:
        name: the source's name.
        image_size: side of the images in pixels.
        attribute_names: CelebA's names, or those of the source; () without attributes.
        train, validation, test: the splits, which share no face.
        left_out: pictures that could not be used, with the reason.
        folder: of the records.
    """

    name: str
    image_size: int
    attribute_names: tuple[str, ...]
    train: Records
    validation: Records
    test: Records
    left_out: dict[str, str]
    folder: pathlib.Path

    @property
    def counts(self) -> dict[str, int]:
        """Faces of each split, by its name."""
        return {name: len(getattr(self, name)) for name in SPLIT_NAMES}


class RecordsWriter:
    """Writes records to a temporary folder; the end of the `with` block renames it, an exception removes it.

    Args:
        folder: of the records; one writer at a time.
    """

    def __init__(self, folder: pathlib.Path):
        self.folder = folder
        self._names: list[str] = []
        self._splits = bytearray()

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
        self._splits.append(example.split)

    def finish(self, description: dict[str, Any]) -> None:
        """Completes the splits and writes the index.

        Args:
            description: what the index says beside version and count (see `load_records`).
        """
        splits = complete_splits(self._names, np.frombuffer(bytes(self._splits), np.uint8))
        index = {"format_version": FORMAT_VERSION, "count": len(self._names), **description}
        (self._aside / "splits.uint8").write_bytes(splits.tobytes())
        (self._aside / "names.json").write_bytes(json.dumps(self._names).encode("ascii"))
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
    if index.get("format_version") != FORMAT_VERSION:
        raise DamagedRecordsError(
            f"format version {index.get('format_version')!r}, expected {FORMAT_VERSION}"
        )
    return index


def load_records(folder: pathlib.Path, name: str, image_size: int) -> FaceDataset:
    """Opens complete records; nothing in them can name another file or run code.

    Raises:
        DamagedRecordsError: a file is missing, a link, or does not fit the others.
    """
    index = read_index(folder)
    count, left_out = index.get("count"), index.get("left_out")
    attribute_names: Any = index.get("attribute_names")
    if type(count) is not int or count < 1 or index.get("image_size") != image_size:
        raise DamagedRecordsError("index.json: wrong count or image size")
    if not _is_list_of_text(attribute_names) or len(set(attribute_names)) != len(attribute_names):
        raise DamagedRecordsError("index.json: wrong attribute names")
    if not isinstance(left_out, dict) or not _is_list_of_text(list(left_out.values())):
        raise DamagedRecordsError("index.json: wrong list of pictures left out")
    names = _read_json(folder / "names.json", list)
    if len(names) != count or not _is_list_of_text(names):
        raise DamagedRecordsError("names.json: not one name per face")
    if any(_leads_out(name) for name in names):
        raise DamagedRecordsError("names.json: a name that leads out of its folder")
    images = _map(folder / "images.uint8", (count, image_size, image_size, 3))
    splits = np.array(_map(folder / "splits.uint8", (count,)))
    attributes = None
    if attribute_names:
        attributes = np.array(_map(folder / "attributes.uint8", (count, len(attribute_names))))
        if attributes.max() > 1:
            raise DamagedRecordsError("attributes.uint8: values other than 0 and 1")
    if splits.max() >= len(SPLIT_NAMES):
        raise DamagedRecordsError("splits.uint8: unknown splits")
    train, validation, test = (
        Records(images, attributes, names, np.flatnonzero(splits == split))
        for split in range(len(SPLIT_NAMES))
    )
    return FaceDataset(name, image_size, tuple(attribute_names), train, validation, test, left_out, folder)


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
