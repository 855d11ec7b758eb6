"""Atomic writes of files and folders, and locks that the operating system releases with their process.

    <folder>/<name>                               the file or folder
    <folder>/.writing-<name>-<random>/.lock       held by the operating system while its writer runs
    <folder>/.writing-<name>-<random>/<name>      what is being written
    <folder>/.writing-<name>-<random>/.replaced   the old folder, until it is known to hold nothing of others
    <folder>/.writing-<name>-<random>/.obsolete   the old folder after that, until it is deleted

However a writer ends, its lock is released, and the next writer in <folder> removes what it left. Links are never
followed: a link in the place of a file or folder is replaced, and what it leads to stays as it is.
"""

import contextlib
import errno
import os
import pathlib
import re
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator

import filelock

from facevae.errors import UserError, printable

WRITING = ".writing-"  # beginning of the names of all temporary folders
# With the ending of tempfile.mkdtemp, so that no folder of the user's is taken for a temporary one.
_ASIDE = re.compile(rf"{re.escape(WRITING)}(.+)-[a-z0-9_]{{8}}", re.DOTALL)
_LOCK, _REPLACED, _OBSOLETE = ".lock", ".replaced", ".obsolete"
_IDLE_SECONDS = 3600
_ATTEMPTS = 100
_HELD_OPEN = (5, 32)  # ERROR_ACCESS_DENIED and ERROR_SHARING_VIOLATION of Windows
_PAUSES = (0.01, 0.03, 0.1, 0.3, 0.5, 1.0)  # seconds


@contextlib.contextmanager
def whole_file(path: str | os.PathLike[str]) -> Iterator[pathlib.Path]:
    """Yields a path to write to; on success its file replaces `path` atomically, on failure it is removed.

    After a kill or a power failure at any instant `path` is either the old file or the new one.

    Args:
        path: the file; its folder is created. The yielded path has the same name: some writers require an ending.
    """
    path = pathlib.Path(path)
    with _beside(path) as aside:
        yield aside
        _sync_file(aside)
        _replace(aside, path)
        _sync_folder(path.parent)


def keep_to_save_time(
    path: str | os.PathLike[str], write: Callable[[pathlib.Path], object], without: str
) -> None:
    """Writes a whole file with results that can be computed again; where it cannot be kept, a line says so.

    Args:
        path: the file.
        write: writes it to the path that it is given.
        without: what happens without it, e.g. "it is measured again next time".
    """
    try:
        with whole_file(path) as aside:
            write(aside)
    except OSError as error:
        print(f"{printable(str(path))}: not kept ({error.strerror or error}); {without}.")


@contextlib.contextmanager
def whole_folder(
    path: str | os.PathLike[str], check: Callable[[pathlib.Path], None] | None = None
) -> Iterator[pathlib.Path]:
    """Yields an empty folder to fill; on success it takes the place of `path`, on failure it is removed.

    After a kill `path` is either the old folder or the new one, or it is missing, if the kill fell between the
    renames at the end: the next writer in the same parent folder then puts the old one back.

    Args:
        path: the folder; its parent is created. Only one process may write it at a time: hold a lock (`locked`).
        check: called with the old folder, where there is one, before the work and again once it has left its place,
            as others may have put files into it meanwhile. If it raises, because something in the folder may not be
            deleted, the old folder is put back. None if nobody else writes there.
    """
    path = pathlib.Path(path)
    with _beside(path) as aside:
        if check is not None and path.exists():
            check(path)
        aside.mkdir()
        yield aside
        _sync_tree(aside)
        if os.path.lexists(path):
            replaced = aside.with_name(_REPLACED)
            _replace(path, replaced)
            if check is not None:
                check(replaced)
            _replace(replaced, aside.with_name(_OBSOLETE))
        _replace(aside, path)
        _sync_folder(path.parent)


@contextlib.contextmanager
def locked(path: str | os.PathLike[str], taken: str, wait: bool = False) -> Iterator[None]:
    """Holds a lock for this process; the operating system releases it when the process ends, however it does.

    Args:
        path: the lock's file; it stays, empty. Its folder is created.
        taken: the message if another process holds the lock.
        wait: whether to print the message and wait, instead of raising it.

    Raises:
        UserError: another process holds it, and `wait` is False.
        OSError: the file cannot be written.
    """
    path = pathlib.Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    lock = filelock.FileLock(path, timeout=0)
    try:
        lock.acquire()
    except filelock.Timeout:
        if not wait:
            raise UserError(taken) from None
        from tqdm import tqdm  # not needed otherwise, and run folders are locked before much is imported

        tqdm.write(taken)
        lock.acquire(timeout=-1)
    try:
        yield
    finally:
        lock.release()


def remove_leftovers(folder: str | os.PathLike[str], recursive: bool = False) -> None:
    """Removes what killed writers left in a folder and restores folders that they were replacing.

    Temporary folders of running writers stay.

    Args:
        folder: where they wrote. What cannot be removed is left.
        recursive: whether to search its subfolders too; links are not followed.
    """
    for parent, folders, _ in os.walk(folder):
        for name in folders:
            leftover = pathlib.Path(parent, name)
            if _ASIDE.fullmatch(name) and not leftover.is_symlink():
                _remove_unless_in_use(leftover)
        folders[:] = [name for name in folders if recursive and not name.startswith(WRITING)]


@contextlib.contextmanager
def _beside(path: pathlib.Path) -> Iterator[pathlib.Path]:
    """Yields a path of the same name in a locked folder beside `path`, which is removed in the end."""
    path.parent.mkdir(parents=True, exist_ok=True)
    remove_leftovers(path.parent)
    folder, lock = _locked_folder(path)
    try:
        yield folder / path.name
    finally:
        _remove(folder, lock)


def _locked_folder(path: pathlib.Path) -> tuple[pathlib.Path, filelock.BaseFileLock]:
    for _ in range(_ATTEMPTS):
        folder = pathlib.Path(tempfile.mkdtemp(prefix=f"{WRITING}{path.name}-", dir=path.parent))
        lock = filelock.FileLock(folder / _LOCK, timeout=0)
        try:
            lock.acquire()
            return folder, lock
        # Before it was locked, another writer removed it as a leftover. (FileLock creates missing folders.)
        except (filelock.Timeout, FileNotFoundError, FileExistsError):
            continue
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise
    raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK), str(path))


def _remove_unless_in_use(folder: pathlib.Path) -> None:
    if not os.path.lexists(folder / _LOCK):
        _remove_without_lock(folder)
        return
    lock = filelock.FileLock(folder / _LOCK, timeout=0)
    try:
        lock.acquire()
    except OSError:  # filelock.Timeout is an OSError: the writer is running
        return
    _remove(folder, lock)


def _remove(folder: pathlib.Path, lock: filelock.BaseFileLock) -> None:
    """Puts the old folder back where it may not be deleted, and removes the rest; holds the lock until the end.

    If that fails, the next writer tries again.
    """
    try:
        _put_back(folder)
        for path in folder.iterdir():
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            elif path.name != _LOCK:
                path.unlink()
        # Before the release: who acquires the lock then must not take the folder for one in use.
        (folder / _LOCK).unlink()
    except OSError:
        pass  # also where an open file cannot be removed, as on Windows: there the release removes it
    finally:
        lock.release()
    with contextlib.suppress(OSError):
        folder.rmdir()


def _put_back(folder: pathlib.Path) -> None:
    """Moves the old folder to its place; where that is taken, and it may hold files of others, beside it."""
    place = _final_path(folder)
    for old in (folder / _OBSOLETE, folder / _REPLACED):
        if os.path.lexists(old) and not os.path.lexists(place):
            _replace(old, place)
        elif old.name == _REPLACED and os.path.lexists(old):
            _replace(old, place.with_name(f"{place.name}.earlier-{folder.name[-8:]}"))


def _remove_without_lock(folder: pathlib.Path) -> None:
    """Removes a leftover without a lock: empty if its writer was killed before locking, else of version 0.1."""
    with contextlib.suppress(OSError):
        content = list(folder.iterdir())
        if not content:
            folder.rmdir()
        elif _final_path(folder).name in (path.name for path in content):
            newest = max(path.lstat().st_mtime for path in (folder, *content))
            if time.time() - newest > _IDLE_SECONDS:
                shutil.rmtree(folder)


def _final_path(folder: pathlib.Path) -> pathlib.Path:
    """The path at which the content of a temporary folder will be put."""
    found = _ASIDE.fullmatch(folder.name)
    assert found is not None
    return folder.with_name(found[1])


def _replace(source: pathlib.Path, target: pathlib.Path) -> None:
    """`os.replace`, tried for some seconds where Windows refuses it: while a virus scanner or a viewer has either open.

    Raises:
        OSError: it is refused for another reason, or still.
    """
    for pause in [*_PAUSES, None]:
        try:
            os.replace(source, target)
            return
        except PermissionError as error:
            if pause is None or getattr(error, "winerror", None) not in _HELD_OPEN:
                raise
        time.sleep(pause)


def _sync_tree(folder: pathlib.Path) -> None:
    for parent, _, names in os.walk(folder):
        for path in (pathlib.Path(parent, name) for name in names):
            if path.is_file() and not path.is_symlink():
                _sync_file(path)
        _sync_folder(parent)


def _sync_file(path: pathlib.Path) -> None:
    with open(path, "r+b") as file:  # Windows syncs no file that is open for reading only
        os.fsync(file.fileno())


def _sync_folder(folder: str | os.PathLike[str]) -> None:
    """Makes renames in a folder durable, where the system supports that."""
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
