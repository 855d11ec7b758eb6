"""Replaces an export by the next one as a whole: the files that an export wrote, and no file of anybody else.

An export lists its files with their hashes in `files.json`. A folder that holds anything else, or a file that was
changed since, is refused by name.
"""

import contextlib
import hashlib
import json
import os
import pathlib
import re
import shutil
from collections.abc import Iterator

from facevae.errors import UserError
from facevae.files import files_below, listed, locked, remove_leftovers, whole_folder
from facevae.files.untrusted import read_json

CARD = "model_card.json"
FILES = "files.json"  # of an export: each other file in it by its name, with the SHA-256 of its content

# The files of version 0.1, which wrote no list. Its card is among them, or the folder is no export.
_FILES_OF_VERSION_0_1 = re.compile(
    r"(decoder_(float32|float16|dynamic_int8|int8)|encoder)\.tflite"
    r"|model_card\.json|MODEL_CARD\.md|MOBILE\.md|checks\.json"
    r"|saved_model/1/((saved_model|fingerprint)\.pb|variables/variables\.(index|data-\d{5}-of-\d{5}))"
    r"|web/(index\.html|style\.css|(app|model|photo)\.js|model\.json|(decoder_\w+|encoder)\.tflite)"
    r"|web/litert/((index|wasm-utils)\.js|package\.json|wasm/litert_wasm_(compat_)?internal\.(js|wasm))"
)


@contextlib.contextmanager
def replacing_folder(target: pathlib.Path) -> Iterator[pathlib.Path]:
    """Yields an empty folder beside `target`, which replaces `target` on success and is removed on failure.

    If the process is killed, the old export stays, unless it is killed between the renames at the end: then the next
    export first puts the old one back. What others put into `target`, whenever they do, is never deleted.

    Raises:
        UserError: the target contains something other than an export, another process is exporting there, or the
            folder cannot be written.
    """
    target = target.resolve()
    taken = f"export: another process is exporting to {str(target)!r}. Wait until it ends."
    # Version 0.1 exported to the first and set the earlier export aside as the second, under the same lock.
    aside, old = (target.parent / f".{target.name}.{suffix}" for suffix in ("writing", "old"))
    try:
        refuse_others(target)
        with locked(target.parent / f".{target.name}.lock", taken):
            remove_leftovers(target.parent)
            if _is_leftover_of_version_0_1(old) and not target.exists():
                os.replace(old, target)
            for leftover in (aside, old):
                if _is_leftover_of_version_0_1(leftover):
                    shutil.rmtree(leftover, ignore_errors=True)
            with whole_folder(target, refuse_others) as folder:
                yield folder
                _write_list(folder)
    except OSError as error:
        raise _not_writable(target, error) from error


def refuse_others(folder: pathlib.Path) -> None:
    """Refuses to replace a folder that holds anything but an unchanged export.

    Args:
        folder: may be missing or empty.

    Raises:
        UserError: it does; the message names the files.
        OSError: a file cannot be read.
    """
    if not os.path.lexists(folder):
        return
    if not folder.is_dir() or os.path.ismount(folder):
        kind = "a mounted disk" if folder.is_dir() else "a file"
        raise UserError(
            f"export: expected a folder of its own, received {str(folder)!r}, {kind}. Give a new --output-dir."
        )
    others = _others_in(folder)
    if others:
        raise UserError(
            f"export: expected no folder, an empty one or an earlier export, received {str(folder)!r} with something "
            f"else in it, which would be deleted: {listed(others)}. Choose another --output-dir, or move it away."
        )


def _others_in(folder: pathlib.Path) -> list[str]:
    """The files in a folder that no export wrote, and those that were changed since."""
    present = files_below(folder)
    written = _written_files(folder)
    if written is None:
        is_export = CARD in present
        return [name for name in present if not (is_export and _FILES_OF_VERSION_0_1.fullmatch(name))]
    return [
        f"{name} (changed since it was exported)" if name in written else name
        for name in present
        if name != FILES and (name not in written or written[name] != (_hash(folder / name) or ""))
    ]


def _is_leftover_of_version_0_1(folder: pathlib.Path) -> bool:
    return os.path.isdir(folder) and all(map(_FILES_OF_VERSION_0_1.fullmatch, files_below(folder)))


def _write_list(folder: pathlib.Path) -> None:
    content = {name: _hash(folder / name) for name in files_below(folder)}
    (folder / FILES).write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


def _written_files(folder: pathlib.Path) -> dict[str, str] | None:
    """What an export wrote into a folder, each file with its hash; None if it has no list of an export's."""
    try:
        content = read_json(folder / FILES)
    except FileNotFoundError:
        return None
    except ValueError:
        return {}
    return content if isinstance(content, dict) else {}


def _hash(path: pathlib.Path) -> str | None:
    """The SHA-256 of a file; None of a link, a pipe or the like, which no export writes."""
    if path.is_symlink() or not path.is_file():
        return None
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _not_writable(target: pathlib.Path, error: OSError) -> UserError:
    return UserError(
        f"export: {str(target)!r} cannot be written ({error.strerror or error}). "
        "Make room or choose another --output-dir; an earlier export there is unchanged."
    )
