"""The export folder, replaced only as a whole: whatever happens, what stands there is one complete export."""

import contextlib
import functools
import os
import pathlib
import shutil
from collections.abc import Iterator

from facevae.errors import UserError
from facevae.run_folder import held

# What makes a folder an export of ours, that may be replaced.
CARD = "model_card.json"


@contextlib.contextmanager
def replacing_folder(target: pathlib.Path) -> Iterator[pathlib.Path]:
    """Yields an empty folder beside `target`; on success it takes its place, on failure it is removed.

    A process killed in between leaves the old export, or, between the two renames at the end, the old one under a
    name that the next export finds and puts back.

    Raises:
        UserError: the target holds something else than an export, another process is exporting there, or the
            folder cannot be written.
    """
    target = target.resolve()
    aside, old = (target.parent / f".{target.name}.{suffix}" for suffix in ("writing", "old"))
    taken = f"export: another process is exporting to {str(target)!r}. Wait for it to end."
    unwritable = functools.partial(_not_writable, target)
    with held(target.parent / f".{target.name}.lock", taken, unwritable):
        try:
            if old.exists() and not target.exists():
                os.replace(old, target)
            _refuse_foreign(target)
            for leftover in (aside, old):
                shutil.rmtree(leftover, ignore_errors=True)
            aside.mkdir()
            yield aside
            if target.exists():
                os.replace(target, old)
            os.replace(aside, target)
        except OSError as error:
            raise unwritable(error) from error
        finally:
            shutil.rmtree(aside, ignore_errors=True)
            if target.exists():
                shutil.rmtree(old, ignore_errors=True)


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
