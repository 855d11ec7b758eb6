"""Compressed copies of the page's files."""

import gzip

import brotli
import numpy as np

from facevae.exporting.compression import write_compressed


def test_copies_unpack_to_the_files_and_none_is_larger(tmp_path):
    page, cache = tmp_path / "page", tmp_path / "cache"
    (page / "inner").mkdir(parents=True)
    random = np.random.default_rng(0).bytes(1000)
    contents = {
        "a.js": b"let x;" * 100,
        "inner/b.wasm": b"\0asm" * 500,
        "c.tflite": random,
        "d.png": b"0" * 500,
    }
    for name, content in contents.items():
        (page / name).write_bytes(content)
    for _ in range(2):  # the second time from the cache
        write_compressed(page, cache)
        for name in ("a.js", "inner/b.wasm"):
            assert gzip.decompress((page / f"{name}.gz").read_bytes()) == contents[name]
            assert brotli.decompress((page / f"{name}.br").read_bytes()) == contents[name]
    assert {path.name for path in page.rglob("*.*")} == {
        *("a.js", "a.js.br", "a.js.gz", "b.wasm", "b.wasm.br", "b.wasm.gz", "c.tflite", "d.png")
    }
    assert len(list(cache.iterdir())) == 2
