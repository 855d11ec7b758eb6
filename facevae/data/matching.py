"""Which row of a table belongs to which picture. What is not certain is left out by name."""

import collections
import dataclasses
import logging
import os
import unicodedata
from collections.abc import Callable, Collection, Sequence

from facevae.data.tables import Table
from facevae.errors import printable

logger = logging.getLogger(__name__)


@dataclasses.dataclass(frozen=True)
class Matched:
    """The row of each picture, and why other pictures have none."""

    row_of: dict[str, int]
    left_out: dict[str, str]


def match(names: Sequence[str], table: Table) -> Matched:
    """Matches pictures with the rows of a table; rows without a picture are counted in the log.

    Args:
        names: relative paths, all of the data set.
        table: whose rows name pictures.
    """
    key_of = _picture_key(names, table)
    pictures = collections.defaultdict(list)
    for name in names:
        pictures[key_of(name)].append(name)
    rows, left_out = {}, {}
    for key, same_key in pictures.items():
        for name in same_key:
            if key in table.refused:
                left_out[name] = table.refused[key]
            elif key not in table.row_of:
                left_out[name] = f"no row of its own in {table.path.name}"
            elif len(same_key) > 1:
                others = ", ".join(other for other in same_key if other != name)
                left_out[name] = f"the row {key} of {table.path.name} fits {others} as well"
            else:
                rows[name] = table.row_of[key]
    extra = [key for key in table.row_of if key not in pictures]
    if extra:
        logger.warning(
            "%s: %d rows have no picture here (first: %s)", table.path, len(extra), printable(extra[0])
        )
    return Matched(rows, left_out)


def _picture_key(names: Sequence[str], table: Table) -> Callable[[str], str]:
    """A function from a picture's name to its key in the table.

    Names are compared as they are: all of them if rows name folders, else the file names. Names that fit no row then
    are compared without the case of their suffix and the way their accents are written. Only if no name fits at all
    are folders compared from their ends (rows may name folders above or below the one that is read), and after that
    file names without suffixes: the tables of CelebA's PNG edition say .jpg. Rows that are alike then match none.
    """
    keys = {*table.refused, *table.row_of}
    whole = any("/" in key for key in keys)
    exact: Callable[[str], str] = (lambda name: name) if whole else os.path.basename
    key_of = _with_folded(exact, names, keys)
    if any(key_of(name) in keys for name in names):
        return key_of
    if whole:
        by_end = _unique(keys, os.path.basename)
        return lambda name: _agreeing(by_end.get(os.path.basename(name)), name)
    by_stem = _unique(keys, lambda key: os.path.splitext(key)[0])
    return lambda name: by_stem.get(os.path.splitext(os.path.basename(name))[0], name)


def _with_folded(exact: Callable[[str], str], names: Sequence[str], keys: set[str]) -> Callable[[str], str]:
    taken = {exact(name) for name in names} & keys
    if len(taken) == len(names):
        return exact
    by_fold = _unique(keys, _folded)

    def key_of(name: str) -> str:
        key = exact(name)
        if key in keys:
            return key
        other = by_fold.get(_folded(key), key)
        return key if other in taken else other

    return key_of


def _folded(key: str) -> str:
    stem, suffix = os.path.splitext(key)
    return unicodedata.normalize("NFC", stem) + suffix.lower()


def _agreeing(key: str | None, name: str) -> str:
    """The key if its folders and the picture's agree from the end on, as far as the shorter of them goes."""
    if key is None:
        return name
    ends = zip(reversed(key.strip("/").split("/")), reversed(name.split("/")), strict=False)
    return key if all(one == other for one, other in ends) else name


def _unique(keys: Collection[str], shape: Callable[[str], str]) -> dict[str, str]:
    """The keys by their shape, without those that share it."""
    shapes = collections.Counter(map(shape, keys))
    return {form: key for key in keys if shapes[form := shape(key)] == 1}
