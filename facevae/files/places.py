"""Where files are kept, as users write it: `~` for the home folder, and the cache."""

import os
import pathlib

from facevae.errors import UserError


def expanded(path: str | os.PathLike[str]) -> pathlib.Path:
    """The path with the home folder in the place of a leading `~` or `~user`.

    Raises:
        UserError: the system knows no such home folder, as in containers that run for any user.
    """
    try:
        return pathlib.Path(path).expanduser()
    except RuntimeError as error:
        raise UserError(
            f"home folder: expected one for {os.fspath(path)!r}, and this system knows none. "
            "Set HOME, or write the path without ~."
        ) from error


def cache_folder(given: str | os.PathLike[str] | None = None) -> pathlib.Path:
    """The absolute folder of prepared faces and of the web page's runtime.

    Args:
        given: what the user chose; None for the environment's FACEVAE_CACHE, else ~/.cache/facevae.

    Raises:
        UserError: there is neither of them, nor a home folder.
    """
    chosen = given or os.environ.get("FACEVAE_CACHE")
    if chosen:
        return expanded(chosen).absolute()
    try:
        return expanded("~/.cache/facevae").absolute()
    except UserError as error:
        raise UserError(
            "prepared faces: expected a home folder to keep them in (~/.cache/facevae), and this user has none. "
            "Give another folder: --cache-dir FOLDER, or FACEVAE_CACHE."
        ) from error
