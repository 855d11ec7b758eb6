"""Exports of one file."""

import pathlib

from facevae.exporting.folder import CARD, replacing_folder


def write_new(folder: pathlib.Path) -> None:
    with replacing_folder(folder) as aside:
        (aside / CARD).write_text("{}")
        (aside / "new").write_text("new")


def names(folder: pathlib.Path) -> set[str]:
    return {path.name for path in folder.iterdir()}
