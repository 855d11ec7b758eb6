"""What a file is, by its first bytes: a picture that can be read, or a kind that is named with what to do about it."""

import dataclasses
import os
import re

START = 512  # bytes that decide


@dataclasses.dataclass(frozen=True)
class Kind:
    """A kind of file.

    Attributes:
        one, many: what one file is called, and several.
        advice: what to do, after a colon, with {them} for the files.
        is_read: whether its pixels can be decoded here.
    """

    one: str
    many: str
    advice: str
    is_read: bool = False

    def counted(self, count: int) -> str:
        """`1 zip archive`, `60 HEIC files`."""
        return f"{count:,} {self.one if count == 1 else self.many}"

    def advice_for(self, count: int) -> str:
        """`unpack it`, `convert them to JPEG`."""
        return self.advice.format(them="it" if count == 1 else "them")


def _files(name: str, advice: str) -> Kind:
    return Kind(f"{name} file", f"{name} files", advice)


_CONVERT = "convert {them} to JPEG or PNG"
_SAVE = "save the pictures in {them} as JPEG or PNG"
READ = Kind("picture", "pictures", "", is_read=True)
HEIC = _files("HEIC", "convert {them} to JPEG")
RAW = Kind("camera raw", "camera raws", "develop {them} to JPEG or TIFF")
ZIP = Kind("zip archive", "zip archives", "unpack {them}")
TAR = Kind("tar archive", "tar archives", "unpack {them}")
COMPRESSED = Kind("compressed file", "compressed files", "unpack {them}")
VIDEO = Kind("video", "videos", "save frames of {them} as JPEG or PNG")
WEB_PAGE = Kind("web page", "web pages", "a download was probably answered with a page: get the files again")
LFS = Kind("Git LFS pointer", "Git LFS pointers", "get the pictures themselves with `git lfs pull`")

_LATER_VIDEO_ATOMS = (b"moov", b"mdat", b"wide", b"free", b"skip", b"pnot")
_BMP_HEADER_SIZES = (12, 16, 40, 52, 56, 64, 108, 124)

# The first bytes of a file, and what it is. Longer beginnings come before shorter ones that they start with.
_BEGINNINGS: tuple[tuple[bytes, Kind], ...] = (
    (b"\xff\xd8\xff", READ),
    (b"\x89PNG\r\n\x1a\n", READ),
    (b"GIF87a", READ),
    (b"GIF89a", READ),
    (b"II*\0\x10\0\0\0CR", RAW),
    (b"II*\0", READ),
    (b"MM\0*", READ),
    (b"II+\0", READ),
    (b"MM\0+", READ),
    (b"IIRO", RAW),
    (b"IIRS", RAW),
    (b"MMOR", RAW),
    (b"IIU\0", RAW),
    (b"II\x1a\0\0\0HEAPCCDR", RAW),
    (b"FUJIFILMCCD-RAW", RAW),
    (b"FOVb", RAW),
    (b"\0MRM", RAW),
    (b"\xff\x0a", _files("JPEG XL", _CONVERT)),
    (b"\0\0\0\x0cJXL \r\n\x87\n", _files("JPEG XL", _CONVERT)),
    (b"\0\0\0\x0cjP  \r\n\x87\n", _files("JPEG 2000", _CONVERT)),
    (b"\xff\x4f\xff\x51", _files("JPEG 2000", _CONVERT)),
    (b"8BPS", _files("Photoshop", _CONVERT)),
    (b"8BPB", _files("Photoshop", _CONVERT)),
    (b"gimp xcf", _files("GIMP", _CONVERT)),
    (b"\x76\x2f\x31\x01", _files("OpenEXR", _CONVERT)),
    (b"#?RADIANCE", _files("Radiance HDR", _CONVERT)),
    (b"qoif", _files("QOI", _CONVERT)),
    (b"DDS ", _files("DDS", _CONVERT)),
    (b"icns", Kind("icon", "icons", _CONVERT)),
    (b"\0\0\x01\0\x01\0", Kind("icon", "icons", _CONVERT)),
    (b"FLIF", _files("FLIF", _CONVERT)),
    (b"BPG\xfb", _files("BPG", _CONVERT)),
    (b"%!PS", _files("PostScript", _CONVERT)),
    (b"\xc5\xd0\xd3\xc6", _files("PostScript", _CONVERT)),
    (b"%PDF", _files("PDF", _SAVE)),
    (b"PK\3\4", ZIP),
    (b"PK\5\6", ZIP),
    (b"PK\7\x08", ZIP),
    (b"7z\xbc\xaf\x27\x1c", Kind("7-Zip archive", "7-Zip archives", "unpack {them}")),
    (b"Rar!\x1a\x07", Kind("RAR archive", "RAR archives", "unpack {them}")),
    (b"\x1f\x8b\x08", COMPRESSED),
    (b"BZh", COMPRESSED),
    (b"\xfd7zXZ\0", COMPRESSED),
    (b"\x28\xb5\x2f\xfd", COMPRESSED),
    (b"\x1a\x45\xdf\xa3", VIDEO),
    (b"\0\0\x01\xba", VIDEO),
    (b"\0\0\x01\xb3", VIDEO),
    (b"FLV\x01", VIDEO),
    (b"\x30\x26\xb2\x75\x8e\x66\xcf\x11", VIDEO),
    (b"PAR1", _files("Parquet", _SAVE)),
    (b"\x89HDF\r\n\x1a\n", _files("HDF5", _SAVE)),
    (b"version https://git-lfs", LFS),
)

# They are TIFF or unmarked inside; Pillow would read the small preview that comes first in many of them.
_RAW_SUFFIXES = (
    *(".3fr", ".arw", ".cr2", ".cr3", ".crw", ".dcr", ".dng", ".erf", ".fff", ".iiq", ".kdc", ".mef", ".mos"),
    *(".mrw", ".nef", ".nrw", ".orf", ".pef", ".raf", ".raw", ".rw2", ".rwl", ".sr2", ".srf", ".srw", ".x3f"),
)
# Suffixes of pictures and archives whose files are named where their content is of no known kind.
NAMED_SUFFIXES = (
    *(".heic", ".heif", ".hif", ".jxl", ".jp2", ".j2k", ".psd", ".psb", ".tga", ".ico", ".exr", ".svg"),
    *_RAW_SUFFIXES,
)
# Zip archives inside that nobody unpacks for pictures.
_ZIP_SUFFIXES = (
    *(".apk", ".docx", ".epub", ".ipa", ".jar", ".keras", ".npz", ".odp", ".ods", ".odt", ".pt", ".pth"),
    *(".ckpt", ".pptx", ".whl", ".xlsm", ".xlsx", ".sketch", ".fig", ".kra", ".ora", ".lpproj", ".icloud"),
)
SPREADSHEET_SUFFIXES = (".xls", ".xlsx", ".xlsm", ".ods", ".numbers")


def kind_of(start: bytes, name: str = "") -> Kind | None:
    """The kind of a file.

    Args:
        start: its first `START` bytes, or all.
        name: the file's, whose suffix tells camera raws from TIFF, which they are inside, and programs' own archives
            from zip, which those are; nothing else depends on it.

    Returns:
        None for what is no picture, holds none and leads to none.
    """
    suffix = os.path.splitext(name)[1].lower()
    kind = _by_beginning(start) or _by_structure(start)
    if suffix in _RAW_SUFFIXES and start[:4] in (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"):
        return RAW
    if kind is ZIP and suffix in _ZIP_SUFFIXES:
        return None
    return kind


def kind_of_file(path: str | os.PathLike[str]) -> Kind | None:
    """The kind of a file, of which only the first bytes are read.

    Raises:
        OSError: it cannot be read.
    """
    with open(path, "rb", buffering=0) as file:
        return kind_of(file.read(START), os.fspath(path))


def _by_beginning(start: bytes) -> Kind | None:
    return next((kind for beginning, kind in _BEGINNINGS if start.startswith(beginning)), None)


def _by_structure(start: bytes) -> Kind | None:
    if start[4:8] == b"ftyp":
        return _iso_media(start)
    if start[4:8] in _LATER_VIDEO_ATOMS and start[:2] == b"\0\0":
        return VIDEO
    if start[:4] == b"RIFF":
        return {b"WEBP": READ, b"AVI ": VIDEO}.get(start[8:12])
    if start[:2] == b"BM" and int.from_bytes(start[14:18], "little") in _BMP_HEADER_SIZES:
        return READ
    if re.match(rb"P[1-6]\s+(#[^\n]*\n\s*)*\d+\s+\d+\s", start):
        return READ
    if start[257:262] == b"ustar":
        return TAR
    text = start.removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    if text.startswith((b"<!doctype html", b"<html")):
        return WEB_PAGE
    if text.startswith((b"<svg", b"<?xml", b"<!doctype svg")) and b"<svg" in text:
        return _files("SVG", _CONVERT)
    return None


def _iso_media(start: bytes) -> Kind | None:
    """AVIF, HEIC, Canon's raws, videos and sound: all are boxes of ISO/IEC 14496-12, told apart by their brands."""
    length = min(int.from_bytes(start[:4], "big"), len(start))
    brands = {start[8:12], *(start[at : at + 4] for at in range(16, length - 3, 4))}
    if brands & {b"avif", b"avis"}:
        return READ
    if start[8:12] == b"crx ":
        return RAW
    if start[8:12] == b"jxl ":
        return _files("JPEG XL", _CONVERT)
    if brands & {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"}:
        return HEIC
    return None if start[8:11] in (b"M4A", b"M4B", b"M4P") else VIDEO
