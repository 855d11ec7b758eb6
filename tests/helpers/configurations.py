"""Configurations drawn at random: every field at its limits, between them, and beyond."""

import dataclasses
import typing

from hypothesis import strategies

from facevae.configuration.config import Config

# By name an example of the field's type, its limits, its choices, and whether it may be None.
FIELDS = {}
for _field in dataclasses.fields(Config):
    _hint = typing.get_type_hints(Config)[_field.name]
    _members = [m for m in typing.get_args(_hint) if m is not type(None)]
    _choices = _members if typing.get_origin(_hint) is typing.Literal else []
    _kind = type(_choices[0]) if _choices else (_members[0] if _members else _hint)
    FIELDS[_field.name] = (
        _choices[0] if _choices else _kind(),
        _field.metadata["minimum"],
        _field.metadata["maximum"],
        _choices,
        type(None) in typing.get_args(_hint),
    )


def values(name: str, beyond: bool) -> strategies.SearchStrategy:
    """Values of a field, with `beyond` some that it must refuse."""
    example, minimum, maximum, choices, optional = FIELDS[name]
    if choices:
        found = strategies.sampled_from(choices)
        wrong = strategies.just("none of them")
    elif type(example) is bool:
        found, wrong = strategies.booleans(), strategies.just("yes")
    elif type(example) is int:
        found = strategies.one_of(
            strategies.sampled_from([minimum, maximum]), strategies.integers(minimum, maximum)
        )
        wrong = strategies.sampled_from([minimum - 1, maximum + 1, 10**30, 0.5, "1"])
    elif type(example) is float:
        found = strategies.one_of(
            strategies.sampled_from([minimum, maximum]), strategies.floats(minimum, maximum)
        )
        wrong = strategies.sampled_from([minimum - 1e-9, maximum * 1.01, float("nan"), float("inf"), "1"])
    elif name == "crop":
        found = strategies.sampled_from(["square", "8", "148", "99999"])
        wrong = strategies.sampled_from(["", "7", "-148", "1e3", "100000", "0148", 148])
    else:
        found = strategies.text(strategies.characters(min_codepoint=48, max_codepoint=1000), min_size=1)
        wrong = strategies.sampled_from([3, b"text", ["text"]])
    if optional:
        found = found | strategies.none()
    return found | wrong if beyond else found


@strategies.composite
def configurations(draw, fixed: dict | None = None) -> dict:
    """All fields; in most of them all are within their limits, in the others one is beyond."""
    wrong = draw(strategies.sampled_from([None, None, None, *FIELDS])) if fixed is None else None
    return {name: draw(values(name, beyond=name == wrong)) for name in FIELDS} | (fixed or {})


def within_limits(chosen: dict) -> list[str]:
    """The fields whose values are of their type and within their limits, and do not contradict others."""
    contradictory = set()
    if chosen["epochs"] is None and chosen["minutes"] is None:
        contradictory |= {"epochs", "minutes"}
    if chosen["sample_from"] == "density" and chosen["density_components"] == 0:
        contradictory.add("density_components")
    if chosen["network"] != "reference" and chosen["dropout"]:
        contradictory.add("dropout")
    return [name for name in chosen if name not in contradictory and _is_within(name, chosen[name])]


def _is_within(name, value):
    example, minimum, maximum, choices, optional = FIELDS[name]
    if value is None:
        return optional
    if type(value) is not type(example) and not (type(example) is float and type(value) is int):
        return False
    if choices:
        return value in choices
    if minimum is not None:
        return minimum <= value <= maximum
    return name != "crop" or value in ("square", "8", "148", "99999")
