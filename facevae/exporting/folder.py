"""Replaces the export folder as a whole, so that it always holds one complete export."""

import contextlib
import os
import pathlib
import shutil
from collections.abc import Iterator

from facevae.errors import UserError
from facevae.files import locked, remove_leftovers, whole_folder

# A folder with this file in it is an earlier export and may be replaced.
CARD = "model_card.json"


@contextlib.contextmanager
def replacing_folder(target: pathlib.Path) -> Iterator[pathlib.Path]:
    """Yields an empty folder beside `target`, which replaces `target` on success and is removed on failure.

    If the process is killed, the old export stays, unless it is killed between the two renames at the end: then the
    next export first puts the old one back.

    Raises:
        UserError: the target contains something other than an export, another process is exporting there, or the
            folder cannot be written.
    """
    target = target.resolve()
    taken = f"export: another process is exporting to {str(target)!r}. Wait until it ends."
    # Version 0.1 exported to the first and set the earlier export aside as the second, under the same lock.
    aside, old = (target.parent / f".{target.name}.{suffix}" for suffix in ("writing", "old"))
    try:
        with locked(target.parent / f".{target.name}.lock", taken):
            remove_leftovers(target.parent)
            if old.exists() and not target.exists():
                os.replace(old, target)
            _refuse_foreign(target)
            for leftover in (aside, old):
                shutil.rmtree(leftover, ignore_errors=True)
            with whole_folder(target) as folder:
                yield folder
    except OSError as error:
        raise _not_writable(target, error) from error


def _refuse_foreign(target: pathlib.Path) -> None:
    if target.exists() and not (target.is_dir() and ((target / CARD).exists() or not any(target.iterdir()))):
        raise UserError(
            f"export: expected no folder, an empty one or an earlier export, received {str(target)!r} with something "
            "else in it, which would be deleted. Choose another --output-dir."
        )


def _not_writable(target: pathlib.Path, error: OSError) -> UserError:
    return UserError(
        f"export: {str(target)!r} cannot be written ({error.strerror or error}). "
        "Make room or choose another --output-dir; an earlier export there is unchanged."
    )
