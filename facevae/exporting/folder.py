"""The export folder, replaced only as a whole: whatever happens, what stands there is one complete export."""

import contextlib
import os
import pathlib
import shutil
from collections.abc import Iterator

from facevae.errors import UserError
from facevae.files import locked, remove_leftovers, whole_folder

# What makes a folder an export of ours, that may be replaced.
CARD = "model_card.json"


@contextlib.contextmanager
def replacing_folder(target: pathlib.Path) -> Iterator[pathlib.Path]:
    """Yields an empty folder beside `target`; on success it takes its place, on failure it is removed.

    A process killed in between leaves the old export, or, between the two renames at the end, none: the next export
    first puts the old one back.

    Raises:
        UserError: the target holds something else than an export, another process is exporting there, or the
            folder cannot be written.
    """
    target = target.resolve()
    taken = f"export: another process is exporting to {str(target)!r}. Wait for it to end."
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
            "else in it, which would be lost. Choose another --output-dir."
        )


def _not_writable(target: pathlib.Path, error: OSError) -> UserError:
    return UserError(
        f"export: {str(target)!r} cannot be written ({error.strerror or error}). "
        "Make room or choose another --output-dir; an earlier export there is as it was."
    )
