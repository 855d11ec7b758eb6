"""CelebA's attribute and partition tables, as Kaggle ships them (.csv) and in the official archives (.txt).

Nobody would notice an attribute on the wrong face, so nothing is guessed: a row that is wrong in any way is dropped,
with its file and line in the log, and a table that cannot be understood is refused.
"""

import codecs
import csv
import dataclasses
import itertools
import logging
import os
import pathlib
import re
from collections.abc import Iterator

import numpy as np

from facevae.data.kinds import SPREADSHEET_SUFFIXES, START, Kind, kind_of
from facevae.errors import UserError, printable
from facevae.files.untrusted import check_size

# In small letters; the last is CelebAMask-HQ's, in CelebA's format.
ATTRIBUTE_TABLES = ("list_attr_celeba.csv", "list_attr_celeba.txt", "celebamask-hq-attribute-anno.txt")
PARTITION_TABLES = ("list_eval_partition.csv", "list_eval_partition.txt")

# What a table might be called that is not read; the second are CelebA's, and nothing here needs them.
_LIKE_A_TABLE = re.compile(r"attr|partition|\.(csv|tsv|xlsx?|xlsm|ods)\b")
_NOT_NEEDED = re.compile(r"list_(bbox|landmarks)|identity_celeba|landmark")
_TEXT_SUFFIXES = (".csv", ".tsv", ".txt", ".json", ".tab", ".dat", "")
_CERTAIN_NAMES = ("list_attr", "list_eval")  # whatever a program put behind them
_RENAME = (
    f"attributes are read from {ATTRIBUTE_TABLES[0]}, splits from {PARTITION_TABLES[0]} (or .txt); "
    "if it is such a table, give it that name"
)
_MARKS = {codecs.BOM_UTF8: "utf-8-sig", codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}
_SEPARATORS = (",", ";", "\t")

_MOST_NAMED = 1000
_MOST_BYTES = 2**30  # fifty times CelebA's largest
logger = logging.getLogger(__name__)


@dataclasses.dataclass(frozen=True)
class Table:
    """Rows of small integers by picture name; `refused` says why the rows of other names were dropped."""

    path: pathlib.Path
    columns: tuple[str, ...]
    row_of: dict[str, int]
    values: np.ndarray  # int8[rows, columns]
    refused: dict[str, str]


def advice_for_table(name: str, kind: Kind | None) -> str | None:
    """What to do with a file that may be meant as a table and is not read; None if it is not like one.

    Args:
        name: of the file.
        kind: of its content, see `kinds.kind_of`.
    """
    base = os.path.basename(name).lower()
    if not _LIKE_A_TABLE.search(base) or _NOT_NEEDED.search(base):
        return None
    if kind is not None:
        return None if kind.is_read else f"{_is_a(kind)}: {kind.advice_for(1)}"
    suffix = os.path.splitext(base)[1]
    if suffix in SPREADSHEET_SUFFIXES:
        return f"this is a spreadsheet: save it as {ATTRIBUTE_TABLES[0]} or {PARTITION_TABLES[0]}, as CSV"
    return _RENAME if suffix in _TEXT_SUFFIXES or base.startswith(_CERTAIN_NAMES) else None


def _is_a(kind: Kind) -> str:
    return f"this is a{'n' * (kind.one[0] in 'AEIOaeio')} {kind.one}"


def read_attribute_table(path: pathlib.Path) -> Table:
    """Reads `list_attr_celeba`: values -1 and 1 (or 0 and 1) become 0 and 1.

    Raises:
        UserError: the file is not such a table, or most of its rows are wrong.
    """
    table = _read_table(path, columns=None, allowed={"-1": -1, "0": 0, "1": 1})
    has_zero = np.any(table.values == 0, axis=1)
    if has_zero.any() and np.any(table.values == -1):
        # 0 in a table of -1 and 1 is neither.
        first = next(name for name, row in table.row_of.items() if has_zero[row])
        raise UserError(
            f"{path}: expected values -1 and 1, or 0 and 1, received all three "
            f"(0 first in the row of {first}). Fix the table."
        )
    return dataclasses.replace(table, values=(table.values > 0).astype(np.int8))


def read_partition_table(path: pathlib.Path) -> Table:
    """Reads `list_eval_partition`: 0 training, 1 validation, 2 test.

    Raises:
        UserError: the file is not such a table, or most of its rows are wrong.
    """
    return _read_table(path, columns=("partition",), allowed={"0": 0, "1": 1, "2": 2})


def _read_table(path: pathlib.Path, columns: tuple[str, ...] | None, allowed: dict[str, int]) -> Table:
    columns, announced, lines = _header(path, _fields(path, _text_lines(path)), columns)
    good: dict[str, bytes] = {}
    refused: dict[str, str] = {}
    line_of: dict[str, int] = {}
    rows = 0
    problems: list[str] = []
    for line, (name, *fields) in lines:
        name = name.replace("\\", "/").removeprefix("./")
        rows += 1
        row, problem = _row(fields, columns, allowed)
        first_line = line_of.setdefault(name, line)
        repeats = row is not None and first_line != line and good.get(name) == row
        if row is not None and first_line == line:
            good[name] = row
            continue
        if problem is None:
            problem = (
                f"a second row, {'the same as' if repeats else 'different from'} that of line {first_line}"
            )
        if not repeats:  # it is unknown which of the rows is right
            good.pop(name, None)
            refused.setdefault(name, f"{path.name}, line {line}: {problem}")
        consequence = "ignored" if repeats else "the picture is left out"
        problems.append(f"line {line} ({printable(name)}): {problem}; {consequence}")
    if not good or len(refused) > len(good):
        reason = next(iter(refused.values()), "it has no rows")
        raise UserError(
            f"{path}: most of this table cannot be used ({len(refused)} rows; {reason}). Fix or remove it."
        )
    _log_problems(path, problems)
    if announced not in (None, rows):
        logger.warning("%s, line 1: announces %d rows, %d follow", path, announced, rows)
    row_of = {name: row for row, name in enumerate(good)}
    values = np.frombuffer(b"".join(good.values()), np.int8).reshape(len(good), len(columns))
    return Table(path, columns, row_of, values, refused)


def _log_problems(path: pathlib.Path, problems: list[str]) -> None:
    for problem in problems[:_MOST_NAMED]:
        logger.warning("%s, %s", path, problem)
    if len(problems) > _MOST_NAMED:
        logger.warning("%s: %d more rows are wrong", path, len(problems) - _MOST_NAMED)


def _row(
    fields: list[str], columns: tuple[str, ...], allowed: dict[str, int]
) -> tuple[bytes | None, str | None]:
    """The row's values as int8 bytes (a list takes five times the memory), or what is wrong with it."""
    if len(fields) != len(columns):
        return None, f"expected {len(columns)} values after the name, received {len(fields)}"
    try:
        return bytes([allowed[field] & 0xFF for field in fields]), None
    except KeyError as error:
        return None, f"expected values {', '.join(allowed)}, received {error.args[0]!r}"


def _text_lines(path: pathlib.Path) -> list[str]:
    try:
        check_size(path, _MOST_BYTES)
        content = path.read_bytes()
    except OSError as error:
        raise UserError(
            f"{path}: cannot be read ({error.strerror}). Fix its permissions, or remove it."
        ) from None
    except ValueError as error:
        raise UserError(f"{path}: expected a table of attributes or splits ({error}). Remove it.") from None
    kind = kind_of(content[:START])
    if kind is not None:
        advice = "Save it as a text table" if kind.is_read else kind.advice_for(1).capitalize()
        raise UserError(f"{path}: expected a table, {_is_a(kind)}. {advice}, or remove it.")
    encoding = next((name for mark, name in _MARKS.items() if content.startswith(mark)), "utf-8")
    try:
        text = content.decode(encoding)
        if "\0" in text.partition("\n")[0]:  # UTF-16 without its mark
            raise UnicodeDecodeError(encoding, content, 0, 1, "zeros")
        return text.splitlines()
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise UserError(
            f"{path}, line {line}: expected a text file in UTF-8, or in UTF-16 with its mark. "
            "Save it as such, or remove it."
        ) from None


def _fields(path: pathlib.Path, text_lines: list[str]) -> Iterator[tuple[int, list[str]]]:
    """Line numbers and stripped fields of the lines that are not blank."""
    if path.suffix.lower() == ".csv":
        reader = csv.reader(text_lines, delimiter=_separator(path, text_lines), strict=True)
        try:
            for fields in reader:
                if any(map(str.strip, fields)):
                    yield reader.line_num, [field.strip() for field in fields]
        except csv.Error as error:
            raise UserError(
                f"{path}, line {reader.line_num}: {error}. Fix the table, or remove it."
            ) from None
    else:
        for number, line in enumerate(text_lines, start=1):
            if line.strip():
                yield number, line.split()


def _separator(path: pathlib.Path, text_lines: list[str]) -> str:
    """The separator of the header; which one it is must be certain."""
    line, header = next(filter(lambda numbered: numbered[1].strip(), enumerate(text_lines, 1)), (1, ""))
    used = [separator for separator in _SEPARATORS if separator in header]
    if len(used) > 1:
        raise UserError(
            f"{path}, line {line}: expected one separator, received {' and '.join(map(repr, used))}. Fix the table."
        )
    return used[0] if used else ","


def _header(
    path: pathlib.Path, lines: Iterator[tuple[int, list[str]]], columns: tuple[str, ...] | None
) -> tuple[tuple[str, ...], int | None, Iterator[tuple[int, list[str]]]]:
    """Column names, how many rows are announced, and the rows after them.

    The official tables begin with the number of rows, or have no header at all.
    """
    announced, first = None, next(lines, None)
    if path.suffix.lower() == ".txt":
        if first and len(first[1]) == 1 and first[1][0].isdecimal():
            announced, first = int(first[1][0][:18]), next(lines, None)
        if columns is not None:
            return columns, announced, itertools.chain([first] if first else [], lines)
    if first is None:
        raise UserError(f"{path}: expected a table with a header, received an empty file. Fix or remove it.")
    number, names = first
    if path.suffix.lower() == ".csv":
        names = names[1:]  # the first column holds the pictures' names
    if columns is not None and tuple(names) != columns:
        raise UserError(
            f"{path}, line {number}: expected a name column and then {', '.join(columns)}, "
            f"received {', '.join(names)!r}. Fix the table."
        )
    if (
        not names
        or len(set(names)) != len(names)
        or not all(names)
        or any(n in ("-1", "0", "1") for n in names)
    ):
        raise UserError(
            f"{path}, line {number}: expected a header that names each attribute once, "
            f"received {', '.join(names)!r}. Fix the table."
        )
    return tuple(names), announced, lines
