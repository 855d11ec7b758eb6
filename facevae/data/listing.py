"""Lists a folder: the pictures and tables in it, and an account of everything else."""

import os
import pathlib
import stat

import tqdm

from facevae.data import not_faces
from facevae.data.account import Account
from facevae.data.images import SUFFIXES
from facevae.data.kinds import NAMED_SUFFIXES, kind_of_file
from facevae.data.tables import ATTRIBUTE_TABLES, PARTITION_TABLES, advice_for_table

# Files of a suffix that are opened while none of them is anything; the others with it are then not opened.
_MOST_OPENED = 1000


class Listing:
    """What lies in a folder, in any nesting.

    What a file is, its content says; only files with a suffix of pictures are not opened here. Links are followed; a
    folder or file that can be reached in several ways is listed once, so that loops end and no picture is in two
    splits.

    Args:
        path: the folder.

    Attributes:
        pictures, tables: the state of each file by its relative path.
        left_out: pictures that cannot be read, and folders, with the reason.
        account: counts of everything else.
    """

    def __init__(self, path: pathlib.Path):
        self.path = path
        self.pictures: dict[str, os.stat_result] = {}
        self.tables: dict[str, os.stat_result] = {}
        self.left_out: dict[str, str] = {}
        self.account = Account()
        self._seen: set[tuple[int, int]] = set()
        self._waiting = [""]
        # Files of a suffix that were opened, while none of them was anything.
        self._opened: dict[str, int] = {}
        with tqdm.tqdm(desc="Listing pictures", unit=" files", delay=2) as progress:
            while self._waiting:
                self._list(self._waiting.pop(), progress)
        self._leave_out_masks()

    def _list(self, folder: str, progress: tqdm.tqdm) -> None:
        try:
            status = os.stat(self.path / folder)
            if (status.st_dev, status.st_ino) in self._seen:
                return
            self._seen.add((status.st_dev, status.st_ino))
            with os.scandir(self.path / folder) as entries:
                found = sorted(entries, key=lambda entry: entry.name)
        except OSError as error:
            self.left_out[folder or "."] = f"a folder that cannot be read ({error.strerror})"
            return
        names = {entry.name for entry in found}
        if folder and not_faces.is_own_output(self.path / folder, names):
            self.account.add(not_faces.OWN_OUTPUT, folder)
            return
        own = set() if folder else not_faces.own_parts(self.path, names)
        for entry in found:
            if entry.name in own:
                self.account.add(not_faces.OWN_OUTPUT, entry.name)
            else:
                self._add(entry, f"{folder}/{entry.name}" if folder else entry.name)
            progress.update()

    def _add(self, entry: os.DirEntry, name: str) -> None:
        is_hidden = entry.name.startswith(".")
        is_picture = not is_hidden and entry.name.lower().endswith(SUFFIXES)
        try:
            status = entry.stat()
        except OSError as error:
            self._add_unreadable(name, is_picture, f"a link that leads nowhere ({error.strerror})")
            return
        if stat.S_ISDIR(status.st_mode):
            self._add_folder(name)
        elif is_hidden:
            self.account.add(not_faces.HIDDEN_FILE, name)
        elif not stat.S_ISREG(status.st_mode):
            self._add_unreadable(name, is_picture, "not a regular file")
        elif is_picture:
            self._add_picture(name, status)
        elif entry.name.lower() in ATTRIBUTE_TABLES + PARTITION_TABLES:
            self.tables[name] = status
        else:
            self._add_by_content(name, status)

    def _add_unreadable(self, name: str, is_picture: bool, reason: str) -> None:
        if is_picture:
            self.left_out[name] = reason
        elif os.path.basename(name).lower() in ATTRIBUTE_TABLES + PARTITION_TABLES:
            self.account.add_table(name, reason)
        else:
            self.account.add_other(name)

    def _add_folder(self, name: str) -> None:
        parent, _, base = name.rpartition("/")
        if not_faces.is_service_folder(base, parent or self.path.name):
            self.account.add(not_faces.SERVICE_FOLDER, name)
        elif base.startswith("."):
            self.account.add(not_faces.HIDDEN_FOLDER, name)
        else:
            self._waiting.append(name)

    def _add_picture(self, name: str, status: os.stat_result) -> None:
        identity = (status.st_dev, status.st_ino)
        if status.st_ino and identity in self._seen:  # os.DirEntry has no file numbers on Windows
            self.left_out[name] = "another name of a picture that was read already"
        else:
            self.pictures[name] = status
            self._seen.add(identity)

    def _add_by_content(self, name: str, status: os.stat_result) -> None:
        """Opens a file that has no suffix of pictures. It is a picture, or it is counted or left out by name."""
        suffix = os.path.splitext(name)[1].lower()
        if self._opened.get(suffix, 0) >= _MOST_OPENED:
            self.account.add_other(name)
            return
        try:
            kind = kind_of_file(self.path / name)
        except OSError as error:
            self.left_out[name] = f"cannot be read ({error.strerror})"
            return
        advice = advice_for_table(name, kind)
        if kind is not None and kind.is_read:
            self._add_picture(name, status)
        elif advice:
            self.account.add_table(name, advice)
        elif kind is not None:
            self.account.add(kind, name, is_picture=True)
        elif suffix in NAMED_SUFFIXES:
            self.left_out[name] = f"not a picture of a known kind, nor what {suffix} files hold"
        else:
            self.account.add_other(name)
            if suffix:
                self._opened[suffix] = self._opened.get(suffix, 0) + 1
            return
        self._opened[suffix] = -(10**9)  # this suffix says nothing here: all files with it are opened

    def _leave_out_masks(self) -> None:
        for name in sorted(not_faces.find_masks(self.path, self.pictures)):
            del self.pictures[name]
            self.account.add(not_faces.MASK, name, is_picture=True)
