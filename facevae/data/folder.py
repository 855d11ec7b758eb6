"""A folder of pictures, with or without CelebA's tables."""

import collections
import hashlib
import logging
import os
import pathlib
import stat
from collections.abc import Callable, Iterator

import numpy as np
import tqdm

from facevae.data.images import SUFFIXES
from facevae.data.records import Example
from facevae.data.splits import TRAIN
from facevae.data.tables import (
    ATTRIBUTE_TABLES,
    PARTITION_TABLES,
    Table,
    read_attribute_table,
    read_partition_table,
)
from facevae.errors import DataNotFoundError, UserError, printable
from facevae.files import expanded

logger = logging.getLogger(__name__)


class FolderSource:
    """Pictures in any nesting below a folder.

    Links are followed; a folder or file that can be reached in several ways is read once, so that loops end
    and no picture is in two splits.

    Args:
        path: the folder.

    Raises:
        DataNotFoundError: the folder cannot be read, or holds no picture.
    """

    def __init__(self, path: str | os.PathLike[str]):
        self.path = expanded(path).resolve()
        self.name = printable(self.path.name or str(self.path))
        self.key = str(self.path)
        self.left_out: dict[str, str] = {}
        self.attribute_names: tuple[str, ...] = ()
        self._files: dict[str, os.stat_result] = {}
        self._usable: list[str] = []
        self._tables: dict[str, os.stat_result] = {}
        self._scan()
        self.fingerprint = self._fingerprint()
        if not self._files:
            problem = next((f" ({name}: {reason})" for name, reason in self.left_out.items()), "")
            raise DataNotFoundError(
                f"{self.path}: expected a folder with pictures in it ({', '.join(SUFFIXES)}), "
                f"found none{problem}.",
                "Give the folder that holds them; unpack archives first.",
            )

    def __len__(self) -> int:
        return len(self._usable)

    def matches(self, fingerprint: object) -> bool:
        """Whether records with this fingerprint were made from the files as they are now."""
        return fingerprint == self.fingerprint

    def open(self) -> None:
        """Reads the tables and matches their rows with the pictures.

        Raises:
            UserError: a table cannot be understood, or no picture has a row.
        """
        attributes = self._table(ATTRIBUTE_TABLES, read_attribute_table)
        partition = self._table(PARTITION_TABLES, read_partition_table)
        names = sorted(self._files)
        self._attribute_rows = self._match(names, attributes)
        self._partition_rows = self._match(names, partition)
        self._attribute_table, self._partition_table = attributes, partition
        self.attribute_names = attributes.columns if attributes else ()
        self._usable = [name for name in names if name not in self.left_out]
        if not self._usable:
            name, reason = next(iter(self.left_out.items()))
            raise UserError(
                f"{self.path}: none of the {len(names):,} pictures can be used ({name}: {reason}). "
                "Fix the tables or the pictures, or remove the tables."
            )

    def examples(self) -> Iterator[Example]:
        """The pictures in the order of their names; `open` comes first."""
        for name in self._usable:
            attributes = None
            if self._attribute_table:
                attributes = self._attribute_table.values[self._attribute_rows[name]].astype(np.uint8)
            split = TRAIN
            if self._partition_table:
                split = int(self._partition_table.values[self._partition_rows[name], 0])
            yield Example(name, os.path.join(self.path, name), attributes, split)

    def _fingerprint(self) -> str:
        """Changes with the name, size or time of any picture or table, and with what cannot be reached."""
        digest = hashlib.sha256()
        for name, status in sorted((self._files | self._tables).items()):
            line = f"{name}\0{status.st_size}\0{status.st_mtime_ns}\n"
            digest.update(line.encode("utf-8", "surrogateescape"))
        for name, reason in sorted(self.left_out.items()):
            digest.update(f"{name}\0{reason}\n".encode("utf-8", "surrogateescape"))
        return digest.hexdigest()

    def _scan(self) -> None:
        seen: set[tuple[int, int]] = set()
        waiting = [""]
        with tqdm.tqdm(desc="Listing pictures", unit=" files", delay=2) as progress:
            while waiting:
                folder = waiting.pop()
                try:
                    status = os.stat(self.path / folder)
                    if (status.st_dev, status.st_ino) in seen:
                        continue
                    seen.add((status.st_dev, status.st_ino))
                    with os.scandir(self.path / folder) as entries:
                        found = sorted(entries, key=lambda entry: entry.name)
                except OSError as error:
                    self.left_out[folder or "."] = f"a folder that cannot be read ({error.strerror})"
                    continue
                if {"run.json", "lock"} <= {entry.name for entry in found}:
                    logger.warning("%s: a run of facevae, whose pictures are no faces", printable(folder))
                    continue
                for entry in found:
                    self._add(entry, f"{folder}/{entry.name}".lstrip("/"), seen, waiting)
                    progress.update()

    def _add(self, entry: os.DirEntry, name: str, seen: set[tuple[int, int]], waiting: list[str]) -> None:
        if entry.name.startswith(".") or entry.name == "__MACOSX":
            return
        is_picture = entry.name.lower().endswith(SUFFIXES)
        try:
            status = entry.stat()
        except OSError as error:
            if is_picture:
                self.left_out[name] = f"a link that leads nowhere ({error.strerror})"
            return
        if stat.S_ISDIR(status.st_mode):
            waiting.append(name)
        elif not stat.S_ISREG(status.st_mode):
            if is_picture:
                self.left_out[name] = "not a regular file"
        elif is_picture:
            identity = (status.st_dev, status.st_ino)
            if status.st_ino and identity in seen:  # os.DirEntry has no file numbers on Windows
                self.left_out[name] = "another name of a picture that was read already"
            else:
                self._files[name] = status
                seen.add(identity)
        elif entry.name.lower() in ATTRIBUTE_TABLES + PARTITION_TABLES:
            self._tables[name] = status

    def _table(self, known_names: tuple[str, ...], read: Callable[[pathlib.Path], Table]) -> Table | None:
        found = sorted(name for name in self._tables if os.path.basename(name).lower() in known_names)
        if len(found) > 1:
            raise UserError(
                f"{self.path}: expected one table of each kind, found {' and '.join(found)}. "
                "Remove all but one, or give the folder of one data set."
            )
        return read(self.path / found[0]) if found else None

    def _match(self, names: list[str], table: Table | None) -> dict[str, int]:
        """The row of each picture; pictures without a row are added to `left_out`."""
        if table is None:
            return {}
        key_of = _picture_key(names, table)
        pictures = collections.defaultdict(list)
        for name in names:
            pictures[key_of(name)].append(name)
        rows = {}
        for key, same_key in pictures.items():
            for name in same_key:
                if name in self.left_out:
                    continue
                if key in table.refused:
                    self.left_out[name] = table.refused[key]
                elif key not in table.row_of:
                    self.left_out[name] = f"no row of its own in {table.path.name}"
                elif len(same_key) > 1:
                    others = ", ".join(other for other in same_key if other != name)
                    self.left_out[name] = f"the row {key} of {table.path.name} fits {others} as well"
                else:
                    rows[name] = table.row_of[key]
        extra = [key for key in table.row_of if key not in pictures]
        if extra:
            logger.warning("%s: %d rows have no picture here (first: %s)", table.path, len(extra), extra[0])
        return rows


def _picture_key(names: list[str], table: Table) -> Callable[[str], str]:
    """A function from a picture's name to its key in the table: all of it if rows name folders, else the file name.

    The tables of CelebA's PNG edition say .jpg: if no name matches at all, names are compared without their suffixes.
    Rows that differ only in their suffix then match no picture.
    """
    keys = {*table.refused, *table.row_of}
    if any("/" in key for key in keys):
        return lambda name: name
    if any(os.path.basename(name) in keys for name in names):
        return os.path.basename
    stems = collections.Counter(os.path.splitext(key)[0] for key in keys)
    by_stem = {stem: key for key in keys if stems[stem := os.path.splitext(key)[0]] == 1}
    return lambda name: by_stem.get(os.path.splitext(os.path.basename(name))[0], name)
