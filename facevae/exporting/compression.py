"""Compressed copies of the web page's files, which servers send in their place."""

import hashlib
import pathlib
from collections.abc import Callable

import brotli
import deflate

from facevae.files import whole_file

SUFFIXES = {".html", ".css", ".js", ".json", ".webmanifest", ".wasm", ".tflite"}
# In the order in which servers prefer them. The strongest setting of Brotli takes ten times as long for 10 % less; that
# of libdeflate is a twenty-fifth smaller than zlib's, after a few seconds.
ENCODINGS: dict[str, tuple[str, Callable[[bytes], bytes]]] = {
    "br": (".br", lambda content: brotli.compress(content, quality=9)),
    "gzip": (".gz", lambda content: bytes(deflate.gzip_compress(content, 12))),
}


def write_compressed(folder: pathlib.Path, cache: pathlib.Path) -> None:
    """Writes `<name>.br` and `<name>.gz` beside each file below a folder that becomes smaller by it.

    Args:
        folder: with the files.
        cache: where the copies of large programs, the same in every export, are kept.
    """
    for path in sorted(folder.rglob("*")):
        if path.suffix not in SUFFIXES:
            continue
        content = path.read_bytes()
        for suffix, compress in ENCODINGS.values():
            large = path.suffix == ".wasm"
            compressed = _kept(content, cache, suffix, compress) if large else compress(content)
            if len(compressed) < len(content):
                path.with_name(path.name + suffix).write_bytes(compressed)


def _kept(content: bytes, cache: pathlib.Path, suffix: str, compress: Callable[[bytes], bytes]) -> bytes:
    place = cache / f"compressed-2-{hashlib.sha256(content).hexdigest()[:16]}{suffix}"
    if not place.is_file():
        cache.mkdir(parents=True, exist_ok=True)
        with whole_file(place) as file:
            file.write_bytes(compress(content))
    return place.read_bytes()
