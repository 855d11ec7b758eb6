"""The page that runs the exported decoder in a browser, complete in one folder.

Its runtime, LiteRT.js, comes from npm once, as package-lock.json fixes it, and is kept in facevae's cache.
"""

import hashlib
import json
import os
import pathlib
import shutil
import subprocess
import time
from typing import Any

from facevae.errors import UserError
from facevae.exporting.checks import Result
from facevae.exporting.formats import ENCODER_FILE, FORMATS
from facevae.files import locked, whole_folder

SOURCES = pathlib.Path(__file__).parent / "web"
PAGE_FILES = ("index.html", "style.css", "app.js", "model.js", "photo.js")
# Of the four builds: the one for browsers with relaxed SIMD instructions and the one for the others. The other two
# need response headers that a plain static server does not send, or serve GPUs.
BUILDS = ("litert_wasm_internal", "litert_wasm_compat_internal")
# What a page downloads counts first.
PREFERRED = ("dynamic_int8", "int8", "float16", "float32")
INSTALL_SECONDS = 300


def write_page(export: pathlib.Path, card: dict[str, Any], results: list[Result]) -> list[str]:
    """Writes `web/` into an export.

    Args:
        export: the folder with the checked .tflite files.
        card: the model card.
        results: of the checks; files with problems are not used.

    Returns:
        What the user should know: why there is no page, or a page without photographs.
    """
    good = {result.file for result in results if not result.problems}
    decoder = next((FORMATS[form].file for form in PREFERRED if FORMATS[form].file in good), None)
    if decoder is None:
        return ["No web page: no decoder passed its checks."]
    try:
        runtime = installed_runtime()
    except UserError as error:
        return [f"No web page: {error}"]
    page = export / "web"
    (page / "litert" / "wasm").mkdir(parents=True)
    for name in PAGE_FILES:
        shutil.copyfile(SOURCES / name, page / name)
    _copy_runtime(runtime, page / "litert")
    files = {"decoder": decoder, "encoder": ENCODER_FILE if ENCODER_FILE in good else None}
    for name in filter(None, files.values()):
        shutil.copyfile(export / name, page / name)
    (page / "model.json").write_text(json.dumps({**card, "files": files}) + "\n", encoding="utf-8")
    return (
        []
        if files["encoder"]
        else ["The web page takes no photographs: the encoder did not pass its checks."]
    )


def installed_runtime() -> pathlib.Path:
    """The folder `@litertjs` with the runtime, installed on first use.

    Raises:
        UserError: npm is missing or fails.
    """
    lock = (SOURCES / "package-lock.json").read_bytes()
    cache = pathlib.Path(os.environ.get("FACEVAE_CACHE") or "~/.cache/facevae").expanduser()
    folder = cache / f"web-{hashlib.sha256(lock).hexdigest()[:12]}"
    runtime = folder / "node_modules" / "@litertjs"
    if runtime.is_dir():
        return runtime
    npm = shutil.which("npm")
    if npm is None:
        raise UserError("npm, which brings its runtime, is not installed. Install Node.js and export again.")
    try:
        taken = "Another process is installing the web page's runtime: waiting for it."
        with locked(cache / f".{folder.name}.lock", taken, wait=True):
            for leftover in cache.glob(".web-*"):  # version 0.1 installed there, in this time
                if time.time() - leftover.stat().st_mtime > INSTALL_SECONDS:
                    shutil.rmtree(leftover, ignore_errors=True)
            if not runtime.is_dir():  # another export may have been quicker
                with whole_folder(folder) as aside:
                    _install(npm, aside)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise UserError(
            f"its runtime could not be installed in {cache} ({error}). Make room there, or set FACEVAE_CACHE."
        ) from error
    return runtime


def _install(npm: str, folder: pathlib.Path) -> None:
    for name in ("package.json", "package-lock.json"):
        shutil.copyfile(SOURCES / name, folder / name)
    command = [npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
    process = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=INSTALL_SECONDS)
    if process.returncode:
        reason = (process.stderr.strip().splitlines() or ["no reason given"])[0]
        raise UserError(f"npm could not install its runtime ({reason}). Export again with a network.")


def _copy_runtime(runtime: pathlib.Path, target: pathlib.Path) -> None:
    for build in BUILDS:
        for suffix in (".js", ".wasm"):
            shutil.copyfile(
                runtime / "core" / "wasm" / f"{build}{suffix}", target / "wasm" / f"{build}{suffix}"
            )
    # Browsers find no packages by name: the one import between the two becomes a relative one.
    core = (runtime / "core" / "dist" / "index.js").read_text(encoding="utf-8")
    (target / "index.js").write_text(_relative(core), encoding="utf-8")
    utilities = (runtime / "wasm-utils" / "dist" / "index.js").read_text(encoding="utf-8")
    (target / "wasm-utils.js").write_text(_relative(utilities), encoding="utf-8")
    shutil.copyfile(runtime / "core" / "package.json", target / "package.json")  # its version and licence


def _relative(script: str) -> str:
    script = script.replace('"@litertjs/wasm-utils"', '"./wasm-utils.js"')
    return (
        "\n".join(line for line in script.splitlines() if not line.startswith("//# sourceMappingURL")) + "\n"
    )
