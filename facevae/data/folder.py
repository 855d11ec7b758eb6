"""A folder of pictures, with or without CelebA's tables."""

import hashlib
import os
import pathlib
from collections.abc import Callable, Iterator

import numpy as np

from facevae.data.images import FORMATS
from facevae.data.listing import Listing
from facevae.data.matching import match
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


class FolderSource:
    """Pictures in any nesting below a folder.

    What is taken for a picture is decided by `Listing`; its `account` counts everything else.

    Args:
        path: the folder.

    Raises:
        DataNotFoundError: the folder cannot be read, or holds no picture.
    """

    def __init__(self, path: str | os.PathLike[str]):
        self.path = expanded(path).resolve()
        self.name = printable(self.path.name or str(self.path))
        self.key = str(self.path)
        self.attribute_names: tuple[str, ...] = ()
        self._usable: list[str] = []
        listing = Listing(self.path)
        self.account, self.left_out = listing.account, listing.left_out
        self._files, self._tables = listing.pictures, listing.tables
        self.fingerprint = self._fingerprint()
        if not self._files:
            found = [f"{name}: {reason}" for name, reason in self.left_out.items()][:1] + self.account.lines()
            problem = f" ({'; '.join(found)})" if found else ""
            raise DataNotFoundError(
                f"{self.path}: expected a folder with pictures in it ({', '.join(FORMATS)}), "
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
        self._attribute_rows = self._match(attributes)
        self._partition_rows = self._match(partition)
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

    def _table(self, known_names: tuple[str, ...], read: Callable[[pathlib.Path], Table]) -> Table | None:
        found = sorted(name for name in self._tables if os.path.basename(name).lower() in known_names)
        if len(found) > 1:
            raise UserError(
                f"{self.path}: expected one table of each kind, found {' and '.join(found)}. "
                "Remove all but one, or give the folder of one data set."
            )
        return read(self.path / found[0]) if found else None

    def _match(self, table: Table | None) -> dict[str, int]:
        """The row of each picture; pictures without a row are added to `left_out`."""
        if table is None:
            return {}
        matched = match(sorted(self._files), table)
        self.left_out |= {n: reason for n, reason in matched.left_out.items() if n not in self.left_out}
        return matched.row_of
