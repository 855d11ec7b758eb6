"""Which source a name means."""

import os
import pathlib

from facevae.data.folder import FolderSource
from facevae.errors import UserError


def open_source(data: str | os.PathLike[str], data_dir: str | os.PathLike[str] | None, image_size: int):
    """The source behind `--data`.

    Args:
        data: a folder if it exists as one or contains a separator, else "synthetic_faces" or the name of a
            tensorflow-datasets data set.
        data_dir: where tensorflow-datasets keeps its data sets.
        image_size: the size in which synthetic faces are drawn, pixels.

    Raises:
        UserError: it is none of them.
    """
    text = os.fspath(data)
    path = pathlib.Path(text).expanduser()
    if text and path.is_dir():
        return FolderSource(path)
    raise UserError(f"data: {text!r} is no folder.")
