"""What became of everything in a folder: counts by folder and by reason, for people to read before they train."""

import collections
import os
import re
from collections.abc import Mapping

from facevae.command_line.text_table import aligned
from facevae.data.kinds import Kind
from facevae.data.records import FaceDataset
from facevae.errors import printable

_MOST_FOLDERS = 18
_MOST_REASONS = 10
_MOST_TABLES = 5
_LONGEST_NAME = 60
_THE_FOLDER = "(the folder itself)"


class Account:
    """Counts what is not taken for a picture; pictures that are left out are named one by one elsewhere."""

    def __init__(self) -> None:
        self._names: dict[Kind, tuple[int, str]] = {}
        self._folders: collections.Counter[str] = collections.Counter()
        self._suffixes: collections.Counter[str] = collections.Counter()
        self._tables: dict[str, str] = {}

    def add(self, kind: Kind, name: str, is_picture: bool = False) -> None:
        """Counts one file or folder of a kind.

        Args:
            kind: what it is.
            name: its relative path.
            is_picture: whether the table of folders counts it.
        """
        count, first = self._names.get(kind, (0, name))
        self._names[kind] = count + 1, first
        if is_picture:
            self._folders[top_folder(name)] += 1

    def add_other(self, name: str) -> None:
        """Counts a file that is no picture and leads to none."""
        self._suffixes[os.path.splitext(name)[1].lower() or "no suffix"] += 1

    def add_table(self, name: str, advice: str) -> None:
        """Names a table that is not read, with what to do."""
        self._tables[name] = advice

    def lines(self) -> list[str]:
        """A line for each kind, with the number, what to do and an example."""
        lines = [
            f"{kind.counted(count)} {_were(count)} not read{_after(': ', kind.advice_for(count))} "
            f"(first: {_short(first)})"
            for kind, (count, first) in sorted(self._names.items(), key=lambda item: -item[1][0])
        ]
        tables = list(self._tables.items())
        lines += [f"{_short(name)} was not read: {advice}" for name, advice in tables[:_MOST_TABLES]]
        if len(tables) > _MOST_TABLES:
            lines.append(f"{len(tables) - _MOST_TABLES:,} more tables were not read")
        if self._suffixes:
            count = self._suffixes.total()
            common = [f"{suffix} {number:,}" for suffix, number in self._suffixes.most_common(4)]
            rest = ", ..." if len(self._suffixes) > len(common) else ""
            lines.append(
                f"{count:,} other file{'s' * (count > 1)} {_were(count)} not read: {', '.join(common)}{rest}"
            )
        return [printable(line) for line in lines]

    def summary(self, dataset: FaceDataset) -> list[str]:
        """The lines that show what became of the whole folder; none if all of it became faces in one folder."""
        lines = _left_out_lines(dataset.left_out) + self.lines()
        faces = collections.Counter(
            top_folder(name)
            for split in (dataset.train, dataset.validation, dataset.test)
            for name in split.names(slice(None))
        )
        if lines or len(faces) > 1:
            left_out = collections.Counter(map(top_folder, dataset.left_out))
            lines = _table({"faces": faces, "left out": left_out, "not read": self._folders}) + lines
        return ["  " + line for line in lines]


def top_folder(name: str) -> str:
    """The first folder of a relative path."""
    first, slash, _ = name.partition("/")
    return first if slash else _THE_FOLDER


def _table(columns: Mapping[str, collections.Counter[str]]) -> list[str]:
    totals = sum(columns.values(), collections.Counter())
    folders = [folder for folder, _ in totals.most_common()]
    shown = folders if len(folders) <= _MOST_FOLDERS else folders[: _MOST_FOLDERS - 1]
    rows = [("folder", *columns)]
    rows += [(_short(folder), *(f"{c[folder]:,}" for c in columns.values())) for folder in sorted(shown)]
    rest = folders[len(shown) :]
    if rest:
        sums = (sum(column[folder] for folder in rest) for column in columns.values())
        rows.append((f"{len(rest):,} more folders", *(f"{number:,}" for number in sums)))
    return aligned(rows)


def _left_out_lines(left_out: Mapping[str, str]) -> list[str]:
    """One line for the pictures whose reasons differ in numbers only."""
    alike: dict[str, list[str]] = collections.defaultdict(list)
    for name, reason in left_out.items():
        alike[re.sub(r"\d[\d,.]*", "#", reason)].append(name)
    groups = sorted(alike.values(), key=len, reverse=True)
    lines = [_left_out_line(len(names), left_out[names[0]], names[0]) for names in groups[:_MOST_REASONS]]
    if len(groups) > _MOST_REASONS:
        count = sum(map(len, groups[_MOST_REASONS:]))
        lines.append(
            f"{count:,} more for {len(groups) - _MOST_REASONS:,} other reasons, listed in index.json"
        )
    return [printable(line) for line in lines]


def _left_out_line(count: int, reason: str, first: str) -> str:
    pictures = "picture was" if count == 1 else "pictures were"
    return f"{count:,} {pictures} left out: {reason} (first: {_short(first)})"


def _were(count: int) -> str:
    return "was" if count == 1 else "were"


def _after(separator: str, text: str) -> str:
    return separator + text if text else ""


def _short(name: str) -> str:
    """A name as it can be shown, its end if it is long."""
    name = printable(name)
    return name if len(name) <= _LONGEST_NAME else "..." + name[3 - _LONGEST_NAME :]
