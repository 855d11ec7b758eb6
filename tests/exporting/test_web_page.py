"""The folder of the web page, and its runtime."""

import json
import os
import shutil

import numpy as np
import pytest

from facevae.errors import UserError
from facevae.exporting import web_page


def test_the_lock_names_one_version_with_its_hash_and_no_address():
    lock = json.loads((web_page.SOURCES / "package-lock.json").read_text())
    wanted = json.loads((web_page.SOURCES / "package.json").read_text())["dependencies"]["@litertjs/core"]
    package = lock["packages"]["node_modules/@litertjs/core"]
    assert package["version"] == wanted
    for name, entry in lock["packages"].items():
        assert "resolved" not in entry
        assert not name or entry["integrity"].startswith("sha512-")


def test_without_npm_one_line_says_so_and_nothing_is_written(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", "")
    monkeypatch.setenv("FACEVAE_CACHE", str(tmp_path / "cache"))
    (tmp_path / "export").mkdir()
    (note,) = web_page.write_page(tmp_path / "export", {}, "decoder_float32.tflite", None, np.zeros(0))
    assert note == (
        "No web page: npm, which installs its runtime, was not found. Install Node.js and export again."
    )
    assert list((tmp_path / "export").iterdir()) == []


@pytest.fixture
def npm(tmp_path, monkeypatch):
    """A function that installs a shell script as `npm`; the cache is empty."""

    def npm(script: str) -> None:
        (tmp_path / "bin").mkdir(exist_ok=True)
        (tmp_path / "bin" / "npm").write_text(f"#!/bin/sh\n{script}\n")
        (tmp_path / "bin" / "npm").chmod(0o755)

    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{os.environ['PATH']}")
    monkeypatch.setenv("FACEVAE_CACHE", str(tmp_path / "cache"))
    return npm


def test_the_runtime_is_installed_once_and_whole(tmp_path, npm):
    (tmp_path / "cache" / ".web-of-0.1").mkdir(parents=True)
    os.utime(tmp_path / "cache" / ".web-of-0.1", (0, 0))
    npm("mkdir -p node_modules/@litertjs; echo no network >&2; exit 1")
    with pytest.raises(UserError, match=r"npm could not install its runtime \(no network\)"):
        web_page.installed_runtime()
    assert [path.name for path in (tmp_path / "cache").iterdir() if path.is_dir()] == []
    npm("test -f package-lock.json && mkdir -p node_modules/@litertjs")
    runtime = web_page.installed_runtime()
    npm("exit 1")
    assert web_page.installed_runtime() == runtime
    assert runtime.is_dir()
    (folder,) = (path for path in (tmp_path / "cache").iterdir() if path.is_dir())
    assert runtime == folder / "node_modules" / "@litertjs"


def test_folders_of_others_in_the_cache_stay(tmp_path, npm):
    cache = tmp_path / "cache"
    for name in (".web-projects/shop/index.html", ".web-x/package/thesis.tex", ".web-y/package.json"):
        (cache / name).parent.mkdir(parents=True)
        (cache / name).write_text("years of work")
        os.utime(cache / name.split("/")[0], (0, 0))
    npm("test -f package-lock.json && mkdir -p node_modules/@litertjs")
    folder = web_page.installed_runtime().parents[1]
    assert len(list(cache.rglob("*/*.*"))) >= 3
    assert [path.read_text() for path in cache.glob(".web-*/**/*") if path.is_file()] == ["years of work"] * 3
    shutil.rmtree(folder / "node_modules")
    (folder / "notes").write_text("years of work")
    with pytest.raises(UserError, match="holds files of others: 'notes'"):
        web_page.installed_runtime()
    assert (folder / "notes").read_text() == "years of work"
