"""One setting: a dataclass field with a help text and limits, and the check of its values."""

import dataclasses
import difflib
import math
import typing
from typing import Any, Literal

from facevae.arguments import plain_number
from facevae.errors import UserError

_IN_WORDS = {int: "a whole number", float: "a number", bool: "True or False", str: "text"}


def setting(
    default: Any,
    help: str,
    *,
    minimum: float | None = None,
    maximum: float | None = None,
    saved: bool = True,
    changeable: bool = False,
) -> Any:
    """A dataclass field with the help text of its flag, its limits, and whether a resumed run may change it.

    Args:
        default: value of the field when it is not given.
        help: text for `--help`.
        minimum, maximum: inclusive limits of a number.
        saved: True if the setting describes the run and is stored with it, False if it concerns only this start.
        changeable: whether `--resume` may change the value of a saved setting.
    """
    metadata = {
        "help": help,
        "minimum": minimum,
        "maximum": maximum,
        "saved": saved,
        "changeable": changeable or not saved,
    }
    return dataclasses.field(default=default, metadata=metadata)


def type_and_choices(annotation: Any) -> tuple[type, tuple | None]:
    """The type of a field's values other than None, and the choices of a `Literal` (else None)."""
    if typing.get_origin(annotation) is Literal:
        choices = typing.get_args(annotation)
        return type(choices[0]), choices
    members = [member for member in typing.get_args(annotation) if member is not type(None)]
    return (members[0] if members else annotation), None


def checked_value(field: dataclasses.Field, annotation: Any, value: Any) -> Any:
    """Checks the value of one setting.

    Args:
        field: made by `setting`.
        annotation: the field's type.
        value: what was given for it.

    Returns:
        The value; a NumPy number becomes an `int` or `float`.

    Raises:
        UserError: wrong type, not one of the choices, or outside the limits.
    """
    if value is None and type(None) in typing.get_args(annotation):
        return None
    value_type, choices = type_and_choices(annotation)
    value = plain_number(value, value_type)
    finite = not isinstance(value, float) or math.isfinite(value)
    right_type = type(value) is value_type and finite
    if choices:
        if not right_type or value not in choices:
            raise _refusal(field, f"one of {', '.join(map(str, choices))}", value, choices)
        return value
    if not right_type:
        raise _refusal(field, _IN_WORDS[value_type], value)
    minimum, maximum = field.metadata["minimum"], field.metadata["maximum"]
    if minimum is not None and not minimum <= value <= maximum:
        raise _refusal(field, f"at least {minimum} and at most {maximum}", value)
    return value


def _refusal(field: dataclasses.Field, expected: str, value: Any, choices: tuple = ()) -> UserError:
    near = difflib.get_close_matches(str(value), [str(choice) for choice in choices], 1)
    minimum, maximum = field.metadata["minimum"], field.metadata["maximum"]
    what_next = "Correct it" if minimum is None else f"Give a number from {minimum} to {maximum}"
    what_next = f"Did you mean {near[0]}?" if near else f"{what_next}, or leave it out."
    return UserError(f"{field.name}: expected {expected}, received {value!r}. {what_next}")
