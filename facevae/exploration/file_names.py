"""Names of the files that `explore.py` writes: what made a picture is in its name, so that others do not replace it."""

import hashlib
import pathlib
from collections.abc import Sequence
from typing import Any


def options_in_name(**options: tuple[Any, Any]) -> str:
    """`-name-value` for each option, given as its value and its default, that is not the default."""
    return "".join(f"-{name}-{value}" for name, (value, default) in options.items() if value != default)


def faces_in_name(
    faces: Sequence[str], eyes: Sequence[tuple], box: Sequence[tuple], number: Sequence[int] = ()
) -> str:
    """The faces, of more than four their number and a hash; which of several, and a hash of how they were aligned."""
    stems = list(map(stem, faces))
    if len(stems) > 4:
        stems = [f"{len(stems)}_faces", _hashed(stems)]
    aligned = f"-aligned-{_hashed([eyes, box])}" if eyes or box else ""
    chosen = "-face-" + "_".join(map(str, number)) if number else ""
    return "".join(f"_{part}" for part in stems) + chosen + aligned


def stem(face: str) -> str:
    """A face's number; or its file without folder, and without suffix unless that would look like a number."""
    path = pathlib.Path(face)
    return path.name if path.stem.isdecimal() else path.stem


def _hashed(parts: Sequence[Any]) -> str:
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:6]
