"""Reading JSON and arrays that somebody else may have written: no code is run, no more memory taken than expected.

Run folders and prepared faces are copied between machines and people. A bad file raises
`ValueError` (`OSError` if it cannot be opened); the caller makes the message for the user.
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
        ValueError: it is not a regular file, too large, or not JSON.
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
    """Refuses anything but a regular file (a pipe would never end), and files larger than expected.

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

    Unlike `numpy.load` this trusts no header: an array must be exactly as large as its bytes on the disk, and
    compressed arrays are refused.

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
    """Opens a zip archive whose members are uncompressed, and so as large in memory as on the disk.

    Raises:
        OSError: the file cannot be read.
        ValueError: it is damaged, a member is compressed, or there are too many members.
    """
    with path.open("rb") as file:
        file.seek(-min(42, file.seek(0, 2)), 2)
        tail = file.read()
        # zipfile makes an object for each entry of the list of members. The record at the end gives the list's size;
        # a ZIP64 locator before it marks an archive beyond 4 GiB (APPNOTE.TXT, 4.3.15 and 4.3.16).
        if tail[-22:-18] != b"PK\5\6" or tail[:4] == b"PK\6\7":
            raise ValueError("not a complete archive of at most 4 GiB")
        if struct.unpack("<L", tail[-10:-6])[0] > MOST_DIRECTORY_BYTES:
            raise ValueError("an archive of too many members")
        try:
            with zipfile.ZipFile(file) as archive:
                for member in archive.infolist():
                    if member.compress_type != zipfile.ZIP_STORED or member.file_size != member.compress_size:
                        raise ValueError(f"{member.filename} is compressed, which facevae never does")
                yield archive
        except (zipfile.BadZipFile, OSError, EOFError, NotImplementedError, RuntimeError) as error:
            raise ValueError(f"not a complete archive ({error})") from None


def _array(archive, member):
    # Imported here because reading JSON alone should not take the time to import NumPy.
    from numpy.lib import format as npy

    headers = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}
    with archive.open(member) as stream:
        version = npy.read_magic(stream)
        if version not in headers:
            raise ValueError(f"{member.filename} has format {version}, expected 1.0 or 2.0")
        try:
            shape, _, dtype = headers[version](stream)
        # NumPy parses the header with ast.literal_eval, which raises many kinds of exceptions.
        except Exception as error:
            raise ValueError(
                f"{member.filename} has no header of an array ({type(error).__name__})"
            ) from None
        # Objects would be unpickled, which runs code; facevae never writes dates, records and the like.
        if dtype.kind not in "biufU" or not dtype.itemsize:
            raise ValueError(f"{member.filename} holds {dtype}, expected numbers or text")
        held = member.file_size - stream.tell()
        if min(shape, default=0) < 0 or math.prod(shape) * dtype.itemsize != held:
            raise ValueError(f"{member.filename} claims {shape} of {dtype}, and has {held:,} bytes")
    with archive.open(member) as stream:
        return npy.read_array(stream, allow_pickle=False)
