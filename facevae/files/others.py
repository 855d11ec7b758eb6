"""Files of others: found before a folder is replaced or taken, so that nothing is deleted but what facevae wrote."""

import os
import pathlib
from collections.abc import Callable, Iterable

# Desktops put these into folders that somebody looks at, and file systems into their roots; nobody misses them.
SYSTEM_FILES = {".DS_Store", "Thumbs.db", "desktop.ini", "lost+found"}


def files_below(folder: pathlib.Path) -> list[str]:
    """The names of all files and links below a folder, relative to it and with `/`; links are not followed.

    Empty folders and what desktops leave are left out.

    Raises:
        OSError: a folder cannot be read.
    """
    if folder.is_symlink() or not folder.is_dir():
        return []
    found = []
    for parent, folders, files in os.walk(folder, onerror=_fail):
        links = [name for name in folders if os.path.islink(os.path.join(parent, name))]
        found += [pathlib.Path(parent, name) for name in files + links if name not in SYSTEM_FILES]
    return sorted(path.relative_to(folder).as_posix() for path in found)


def _fail(error: OSError) -> None:
    raise error


def others_in(folder: pathlib.Path, is_ours: Callable[[str], bool]) -> list[str]:
    """The files below a folder that are not ours, by name.

    Args:
        folder: may be missing.
        is_ours: whether facevae wrote a file, by its name relative to the folder.

    Raises:
        OSError: a folder cannot be read.
    """
    return [name for name in files_below(folder) if not is_ours(name)]


def entries_of_others(folder: pathlib.Path, ours: Iterable[str] = ()) -> list[str]:
    """The entries of a folder but for those named `ours` and what desktops leave; none where it does not exist."""
    known = {*SYSTEM_FILES, *ours}
    return sorted(name for name in os.listdir(folder) if name not in known) if folder.is_dir() else []


def free_path(path: pathlib.Path) -> pathlib.Path:
    """The path, or with a number behind its name the first at which nothing lies yet."""
    free, number = path, 2
    while os.path.lexists(free):
        free, number = path.with_name(f"{path.stem}-{number}{path.suffix}"), number + 1
    return free


def is_writable(folder: pathlib.Path) -> bool:
    """Whether this process may make files in a folder, as far as the system tells without a try."""
    return os.access(folder, os.W_OK | os.X_OK, effective_ids=os.access in os.supports_effective_ids)


def listed(names: list[str], most: int = 3) -> str:
    """The first names of a list for a message, and how many there are besides."""
    more = f" and {len(names) - most:,} more" if len(names) > most else ""
    return ", ".join(repr(name) for name in names[:most]) + more
