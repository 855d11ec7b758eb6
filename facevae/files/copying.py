"""Copies what TensorFlow has written in a plain folder into one whose name it would not take."""

import os
import pathlib
import shutil


def copy_into(source: str | os.PathLike[str], target: pathlib.Path) -> None:
    """Copies all that is in a folder into another, which is made where it is missing.

    TensorFlow takes names in UTF-8 alone, and some characters for patterns. Unlike `shutil.copytree` this ends at the
    first error, which then names its reason.

    Raises:
        OSError: something cannot be written.
    """
    target.mkdir(parents=True, exist_ok=True)
    for path in sorted(pathlib.Path(source).rglob("*")):
        copy = target / path.relative_to(source)
        if path.is_dir():
            copy.mkdir(exist_ok=True)
        else:
            shutil.copyfile(path, copy)
