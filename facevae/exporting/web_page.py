"""Writes the web page that runs the exported decoder in a browser.

Its folder contains all that it needs. Its runtime, LiteRT.js, is installed once by npm, in the version that
package-lock.json pins, and kept in facevae's cache.
"""

import hashlib
import json
import pathlib
import shutil
import subprocess
import time
from typing import Any

import numpy as np
import rjsmin

from facevae.errors import UserError
from facevae.exporting.compression import write_compressed
from facevae.exporting.formats import DETECTORS
from facevae.exporting.icons import write_icons
from facevae.files import cache_folder, files_below, listed, locked, others_in, whole_folder

SOURCES = pathlib.Path(__file__).parent / "web"
PAGE_FILES = tuple(sorted(path.name for path in SOURCES.iterdir() if path.suffix in {".html", ".css", ".js"}))
MANIFEST, OFFLINE = "manifest.webmanifest", "offline-files.js"
# Two of the runtime's four builds: for browsers with relaxed SIMD instructions, and for all others. Of the other two,
# one needs response headers that a plain static server does not send, and one is for GPUs.
BUILDS = ("litert_wasm_internal", "litert_wasm_compat_internal")
INSTALL_SECONDS = 300
_INSTALLED = {"package.json", "package-lock.json", "node_modules"}


def write_page(
    export: pathlib.Path, card: dict[str, Any], decoder: str, encoder: str | None, faces: np.ndarray
) -> list[str]:
    """Writes `web/` into an export.

    Args:
        export: the folder with the checked .tflite files.
        card: the model card.
        decoder: name of the decoder file.
        encoder: name of the encoder file; None for a page without photographs.
        faces: of the model, for the icons, see `icons.icon_faces`.

    Returns:
        Notes for the user: why there is no page, or why it takes no photographs.
    """
    try:
        runtime = installed_runtime()
    except UserError as error:
        return [f"No web page: {error}"]
    page = export / "web"
    (page / "litert" / "wasm").mkdir(parents=True)
    for name in PAGE_FILES:
        shutil.copyfile(SOURCES / name, page / name)
    _copy_runtime(runtime, page / "litert")
    manifest = json.loads((SOURCES / MANIFEST).read_text(encoding="utf-8"))
    manifest["icons"] = write_icons(page, faces)
    (page / MANIFEST).write_text(json.dumps(manifest, indent=1) + "\n", encoding="utf-8")
    files = {"decoder": decoder, "encoder": encoder}
    for name in filter(None, files.values()):
        shutil.copyfile(export / name, page / name)
    detector = export / DETECTORS
    if encoder and detector.is_dir():
        shutil.copytree(detector, page / DETECTORS)
    files["detector"] = DETECTORS if (page / DETECTORS).is_dir() else None
    described = {**card, "files": files, "model_id": _model_id(card), "bytes": _sizes(page)}
    described["page_version"] = _version(page, described)
    (page / "model.json").write_text(json.dumps(described) + "\n", encoding="utf-8")
    offline = {"version": described["page_version"], "files": _first_files(page, encoder)}
    (page / OFFLINE).write_text(f"self.OFFLINE = {json.dumps(offline)};\n", encoding="utf-8")
    write_compressed(page, cache_folder())
    return [] if encoder else ["The web page takes no photographs: the encoder did not pass its checks."]


def _model_id(card: dict[str, Any]) -> str:
    """Names the trained model in links to its faces: another model draws another face from the same latent."""
    return hashlib.sha256(json.dumps(card["average_latent"]).encode()).hexdigest()[:8]


def _sizes(page: pathlib.Path) -> dict[str, int]:
    """The bytes of the large files, which the page needs to show how much of them is loaded."""
    return {
        path.relative_to(page).as_posix(): path.stat().st_size
        for path in sorted(page.rglob("*"))
        if path.suffix in {".tflite", ".wasm"}
    }


def _version(page: pathlib.Path, card: dict[str, Any]) -> str:
    """Of the page: another one for any other content."""
    digest = hashlib.sha256(json.dumps(card).encode())
    for name in files_below(page):
        digest.update(f"{name}\0".encode() + (page / name).read_bytes())
    return digest.hexdigest()[:16]


def _first_files(page: pathlib.Path, encoder: str | None) -> list[str]:
    """What the page needs without a network: all but networks for photographs and the runtime's programs, one of which
    is added."""
    later = ("litert/wasm/", f"{DETECTORS}/")
    return [name for name in files_below(page) if not name.startswith(later) and name != encoder]


def installed_runtime() -> pathlib.Path:
    """The folder `@litertjs`, which contains the runtime; see `installed_packages`."""
    return installed_packages(SOURCES) / "@litertjs"


def installed_packages(sources: pathlib.Path) -> pathlib.Path:
    """The folder `node_modules` of a `package-lock.json`; npm installs it on first use into facevae's cache.

    Args:
        sources: the folder of the lock and its `package.json`.

    Raises:
        UserError: npm is missing or fails, or the cache cannot be written.
    """
    lock = (sources / "package-lock.json").read_bytes()
    cache = cache_folder()
    folder = cache / f"web-{hashlib.sha256(lock).hexdigest()[:12]}"
    packages = folder / "node_modules"
    if packages.is_dir():
        return packages
    npm = shutil.which("npm")
    if npm is None:
        raise UserError("npm, which installs its runtime, was not found. Install Node.js and export again.")
    try:
        taken = "Another process is installing the runtime of the web page: waiting for it."
        with locked(cache / f".{folder.name}.lock", taken, wait=True):
            for leftover in cache.glob(".web-*"):
                if _is_leftover_of_version_0_1(leftover):
                    shutil.rmtree(leftover, ignore_errors=True)
            if not packages.is_dir():  # another export may have installed it meanwhile
                with whole_folder(folder, _refuse_others) as aside:
                    _install(npm, sources, aside)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise UserError(
            f"its runtime could not be installed in {cache} ({error}). Make room there, or set FACEVAE_CACHE."
        ) from error
    return packages


def _refuse_others(folder: pathlib.Path) -> None:
    others = others_in(folder, lambda name: name.split("/")[0] in _INSTALLED)
    if others:
        raise UserError(
            f"{str(folder)!r} holds files of others: {listed(others)}. Move them, and export again."
        )


def _is_leftover_of_version_0_1(folder: pathlib.Path) -> bool:
    """Whether a killed export of version 0.1, which installed the runtime in `package` in it, has left a folder."""
    if folder.is_symlink() or not folder.is_dir() or time.time() - folder.stat().st_mtime < INSTALL_SECONDS:
        return False
    installed = {f"package/{name}" for name in _INSTALLED}
    return all("/".join(name.split("/")[:2]) in installed for name in files_below(folder))


def _install(npm: str, sources: pathlib.Path, folder: pathlib.Path) -> None:
    for name in ("package.json", "package-lock.json"):
        shutil.copyfile(sources / name, folder / name)
    command = [npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
    process = subprocess.run(
        command, cwd=folder, capture_output=True, encoding="utf-8", errors="replace", timeout=INSTALL_SECONDS
    )
    if process.returncode:
        reason = (process.stderr.strip().splitlines() or ["no reason given"])[0]
        raise UserError(
            f"npm could not install its runtime ({reason}). Connect to the internet and export again."
        )


def _copy_runtime(runtime: pathlib.Path, target: pathlib.Path) -> None:
    """Copies the runtime; without the comments and indentation of its scripts, a third of their compressed bytes."""
    programs = runtime / "core" / "wasm"
    for build in BUILDS:
        shutil.copyfile(programs / f"{build}.wasm", target / "wasm" / f"{build}.wasm")
        _copy_script(programs / f"{build}.js", target / "wasm" / f"{build}.js")
    _copy_script(runtime / "core" / "dist" / "index.js", target / "index.js")
    _copy_script(runtime / "wasm-utils" / "dist" / "index.js", target / "wasm-utils.js")
    # Contains the version and the licence.
    shutil.copyfile(runtime / "core" / "package.json", target / "package.json")


def _copy_script(source: pathlib.Path, target: pathlib.Path) -> None:
    # Browsers cannot import packages by name: the import of one by the other becomes a relative path.
    script = source.read_text(encoding="utf-8").replace('"@litertjs/wasm-utils"', '"./wasm-utils.js"')
    target.write_text(rjsmin.jsmin(script, keep_bang_comments=True) + "\n", encoding="utf-8")
