"""Reading JSON and arrays that somebody else may have written: no code is run, no more memory taken than expected.

Run folders and prepared faces are copied between machines and people. What is wrong with a file is a `ValueError`
(or the `OSError` of opening it); who reads it says what that means for the user.
"""

import contextlib
import json
import math
import pathlib
import struct
import zipfile
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

MOST_JSON_BYTES = 2**20
MOST_ARRAY_BYTES = 2**32
MOST_DIRECTORY_BYTES = 2**20  # of an archive's list of members: over 10,000 of them


def read_json(path: pathlib.Path, most_bytes: int = MOST_JSON_BYTES) -> Any:
    """The content of a JSON file.

    Args:
        path: of a regular file.
        most_bytes: a larger file is refused unread.

    Raises:
        OSError: the file cannot be read.
        ValueError: it is no file, too large, or no JSON.
    """
    check_size(path, most_bytes)
    return parse_json(path.read_bytes())


def parse_json(content: str | bytes) -> Any:
    """`json.loads`, whose errors are all `ValueError`s."""
    try:
        return json.loads(content)
    except RecursionError:
        raise ValueError("JSON that is nested too deeply") from None


def check_size(path: pathlib.Path, most_bytes: int) -> None:
    """Refuses what is no regular file (a pipe would never end), and what is larger than expected.

    Raises:
        OSError, ValueError: as for `read_json`.
    """
    size = path.stat().st_size
    if not path.is_file():
        raise ValueError("expected a regular file")
    if size > most_bytes:
        raise ValueError(f"{size:,} bytes, expected at most {most_bytes:,}")


def read_arrays(path: pathlib.Path, most_bytes: int = MOST_ARRAY_BYTES) -> "dict[str, np.ndarray]":
    """The arrays of a file that `numpy.savez` wrote.

    Unlike `numpy.load` this believes no header: an array must be as large as its bytes on the disk, which no
    compression may have made fewer.

    Args:
        path: of the `.npz` file.
        most_bytes: of a file; a larger one is refused unread.

    Raises:
        OSError: the file cannot be read.
        ValueError: it is damaged, too large, compressed, or holds anything but plain numbers and text.
    """
    check_size(path, most_bytes)
    with opened_archive(path) as archive:
        return {
            member.filename.removesuffix(".npy"): _array(archive, member) for member in archive.infolist()
        }


@contextlib.contextmanager
def opened_archive(path: pathlib.Path) -> Iterator[zipfile.ZipFile]:
    """A zip archive whose members are as large in memory as they are on the disk.

    Raises:
        OSError: the file cannot be read.
        ValueError: it is damaged, a member is compressed, or its list of members alone would fill the memory.
    """
    with path.open("rb") as file:
        file.seek(-min(42, file.seek(0, 2)), 2)
        tail = file.read()
        # zipfile reads the whole list, and makes an object of each member. Its size stands in the record at the end,
        # unless that of archives beyond 4 GiB stands before it.
        if tail[-22:-18] != b"PK\5\6" or tail[:4] == b"PK\6\7":
            raise ValueError("not a whole archive of at most 4 GiB")
        if struct.unpack("<L", tail[-10:-6])[0] > MOST_DIRECTORY_BYTES:
            raise ValueError("an archive of too many members")
        try:
            with zipfile.ZipFile(file) as archive:
                for member in archive.infolist():
                    if member.compress_type != zipfile.ZIP_STORED or member.file_size != member.compress_size:
                        raise ValueError(f"{member.filename} is compressed, which facevae never does")
                yield archive
        except (zipfile.BadZipFile, OSError, EOFError, NotImplementedError, RuntimeError) as error:
            raise ValueError(f"not a whole archive ({error})") from None


def _array(archive, member):
    # Here and not above: who reads JSON alone answers without the time that NumPy takes to import.
    from numpy.lib import format as npy

    headers = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}
    with archive.open(member) as stream:
        version = npy.read_magic(stream)
        if version not in headers:
            raise ValueError(f"{member.filename} has format {version}, expected 1.0 or 2.0")
        try:
            shape, _, dtype = headers[version](stream)
        # It is Python's own parser that reads the header, and that fails in many ways.
        except Exception as error:
            raise ValueError(
                f"{member.filename} has no header of an array ({type(error).__name__})"
            ) from None
        # Objects would be unpickled, which runs code; dates, records and the like are nothing of ours.
        if dtype.kind not in "biufU" or not dtype.itemsize:
            raise ValueError(f"{member.filename} holds {dtype}, expected numbers or text")
        held = member.file_size - stream.tell()
        if min(shape, default=0) < 0 or math.prod(shape) * dtype.itemsize != held:
            raise ValueError(f"{member.filename} claims {shape} of {dtype}, and has {held:,} bytes")
    with archive.open(member) as stream:
        return npy.read_array(stream, allow_pickle=False)
