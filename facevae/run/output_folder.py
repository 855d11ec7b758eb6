"""Folders that a user names for what a command writes: not among the faces, not in a run, not in use.

Checked before any work, and before TensorFlow is imported.
"""

import os
import pathlib

from facevae.errors import UserError
from facevae.files import entries_of_others, expanded, is_writable, listed
from facevae.files.untrusted import read_json
from facevae.run.run_folder import RunFolder


def refuse_among_faces(flag: str, folder: str | os.PathLike[str], data: str) -> None:
    """Refuses a place for pictures inside the folder of faces, where the next preparation would take them for faces.

    Args:
        flag: begins the message.
        folder: it need not exist.
        data: the faces, as for `--data`.

    Raises:
        UserError: the folder is that of the faces, or lies in it.
    """
    faces = expanded(data)
    if faces.is_dir() and pathlib.Path(folder).resolve().is_relative_to(faces.resolve()):
        raise UserError(
            f"{flag}: expected a folder outside the faces, received {str(folder)!r}, which lies in {str(faces)!r}: "
            f"its pictures would become faces of the next training. Give {flag} a folder elsewhere."
        )


def refuse_in_run(flag: str, folder: str | os.PathLike[str]) -> None:
    """Refuses a folder that is a run or lies in one.

    Raises:
        UserError: it does.
    """
    place = pathlib.Path(folder).resolve()
    for path in (place, *place.parents):
        if RunFolder(path).exists:
            raise UserError(
                f"{flag}: expected a folder of its own, received {str(folder)!r}, which belongs to the run "
                f"{str(path)!r}. Give a folder outside the run."
            )


def refuse_in_use(flag: str, folder: str | os.PathLike[str], empty: tuple[str, ...] = ()) -> None:
    """Refuses a folder with anything in it.

    Args:
        flag: begins the message.
        folder: it need not exist.
        empty: folders that may be in it, if they are empty.

    Raises:
        UserError: it is a file, cannot be read, or something is in it.
    """
    place = pathlib.Path(folder)
    try:
        if os.path.lexists(place) and not place.is_dir():
            raise NotADirectoryError(None, "Not a directory")
        found = entries_of_others(place, empty)
        found += [f"{name}/{entry}" for name in empty for entry in entries_of_others(place / name)]
    except OSError as error:
        raise UserError(
            f"{flag}: {str(folder)!r} cannot be written ({error.strerror}). Give another folder."
        ) from error
    if found:
        raise UserError(
            f"{flag}: expected a new or an empty folder, {str(folder)!r} holds files already ({listed(found)}). "
            "Give another folder."
        )


def check_picture_folder(folder: str | os.PathLike[str], data: str) -> None:
    """Refuses a folder that `evaluate.py --save-images` must not fill with pictures.

    Args:
        folder: it need not exist.
        data: the faces, as for `--data`.

    Raises:
        UserError: it lies among the faces or in a run, holds anything, or cannot be made.
    """
    flag = "--save-images"
    refuse_among_faces(flag, folder, data)
    refuse_in_run(flag, folder)
    refuse_in_use(flag, folder, empty=("samples", "references"))
    _refuse_unwritable(flag, pathlib.Path(folder))


def check_result_file(file: str | os.PathLike[str]) -> None:
    """Refuses a file that `evaluate.py --output` must not replace.

    Raises:
        UserError: it exists and is no earlier result, or cannot be made.
    """
    path = pathlib.Path(file)
    if os.path.lexists(path):
        try:
            content = read_json(path)
        except (OSError, ValueError):
            content = None
        if path.is_symlink() or not isinstance(content, dict) or not {"which", "metrics"} <= set(content):
            raise UserError(
                f"--output: expected a new file or an earlier result of evaluate.py, received {str(file)!r}, which is "
                "something else. Give another file."
            )
    _refuse_unwritable("--output", path.parent)


def _refuse_unwritable(flag: str, folder: pathlib.Path) -> None:
    """Refuses a folder that cannot be made or written, as far as can be told without writing."""
    existing = next(path for path in (folder, *folder.absolute().parents) if path.exists())
    if not existing.is_dir() or not is_writable(existing):
        raise UserError(f"{flag}: {str(existing)!r} cannot be written. Give another place.")


def check_drawing_folder(folder: str | os.PathLike[str]) -> None:
    """Refuses a folder to which `explore.py --output-dir` cannot write pictures; those in it are never replaced.

    Raises:
        UserError: it cannot be made or written.
    """
    _refuse_unwritable("--output-dir", pathlib.Path(folder))
