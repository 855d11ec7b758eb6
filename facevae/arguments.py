"""What callers pass, checked: each function returns an argument in one plain form, or says what it expected."""

import contextlib
import numbers
import os
import pathlib
from collections.abc import Iterable, Mapping
from typing import Any

from facevae.errors import UserError, printable


def plain_number(value: Any, wanted: type) -> Any:
    """The value as an `int` or `float` where one is wanted and nothing is lost; else as it came.

    Args:
        value: of any kind; numbers of NumPy and other libraries are taken, bools are not.
        wanted: `int` or `float`; of other types nothing is changed.
    """
    if wanted is int and isinstance(value, numbers.Integral) and not isinstance(value, bool):
        return int(value)
    if wanted is float and isinstance(value, numbers.Real) and not isinstance(value, bool):
        with contextlib.suppress(OverflowError):
            return float(value)
    return value


def whole_number(name: str, value: Any, minimum: int, maximum: int) -> int:
    """The argument as an `int` within its limits, both inclusive.

    Raises:
        UserError: another type, or outside the limits.
    """
    return _number(name, value, int, minimum, maximum, f"a whole number from {minimum:,} to {maximum:,}")


def real_number(name: str, value: Any, minimum: float, maximum: float) -> float:
    """The argument as a `float` within its limits, both inclusive.

    Raises:
        UserError: another type, NaN, or outside the limits.
    """
    return _number(name, value, float, minimum, maximum, f"a number from {minimum:g} to {maximum:g}")


def _number(name: str, value: Any, kind: type, minimum: float, maximum: float, expected: str) -> Any:
    number = plain_number(value, kind)
    is_of_kind = type(number) is kind
    if not is_of_kind or not minimum <= number <= maximum:
        raise UserError(f"{name}: expected {expected}, received {shown(value)}. Correct it, or leave it out.")
    return number


def instance(name: str, value: Any, kind: Any, advice: str) -> Any:
    """The argument, if it is of a kind.

    Raises:
        UserError: it is not; it ends with the advice.
    """
    if not isinstance(value, kind):
        expected = {str: "text", Mapping: "a mapping"}.get(kind, f"a {kind.__name__}")
        raise UserError(f"{name}: expected {expected}, received {shown(value)}. {advice}")
    return value


def names(name: str, value: Iterable[str]) -> tuple[str, ...]:
    """The argument as a tuple of different texts, none of them blank.

    Raises:
        UserError: one text instead of several, something else than texts, or blank or repeated ones.
    """
    if isinstance(value, str | bytes) or not isinstance(value, Iterable):
        raise UserError(f"{name}: expected a list of names, received {shown(value)}. Write [name, ...].")
    found = tuple(value)
    for wrong in (entry for entry in found if not isinstance(entry, str) or not entry.strip()):
        raise UserError(
            f"{name}: expected names that are text and not blank, received {shown(wrong)}. Correct it."
        )
    for repeated in (entry for entry in found if found.count(entry) > 1):
        raise UserError(f"{name}: expected each name once, received {shown(repeated)} twice. Remove one.")
    return tuple(map(str, found))


def folder(name: str, value: str | os.PathLike[str]) -> pathlib.Path:
    """The argument as the path of a folder that is there or can be made, `~` replaced by the home folder.

    Raises:
        UserError: no path of this machine, or a file is in its place or in that of a folder above it.
    """
    text = os.fspath(value) if isinstance(value, str | os.PathLike) else value
    if not isinstance(text, str) or not text.strip() or "\0" in text or "://" in text:
        raise UserError(f"{name}: expected a folder of this machine, received {shown(value)}. Give its path.")
    path = pathlib.Path(os.path.expanduser(text))
    for place in (path, *path.parents):
        if os.path.isdir(place):
            break
        if os.path.lexists(place):
            raise UserError(
                f"{name}: expected a folder, '{printable(str(path))}' cannot be written: "
                f"'{printable(str(place))}' is a file. Give another path."
            )
    return path


def shown(value: Any) -> str:
    """A value in a message: what it is where that is short, else its type."""
    if hasattr(value, "dtype") and getattr(value, "ndim", None):
        return f"an array of {value.dtype}"
    text = repr(value)
    return text if len(text) <= 60 and text.isprintable() else f"a {type(value).__name__}"
