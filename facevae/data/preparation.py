"""Prepares the faces of a source as records, once per source, crop and size."""

import collections
import contextlib
import dataclasses
import errno
import hashlib
import logging
import os
import pathlib
import re
import shutil
from collections.abc import Iterator

import tqdm

from facevae.configuration.config import Config
from facevae.data.aligning import LEFT_OUT, NO_FACE, Found, Taken, decide
from facevae.data.decoding import decode_faces
from facevae.data.faces import FaceDataset
from facevae.data.records import (
    DamagedRecordsError,
    Example,
    OutdatedRecordsError,
    RecordsWriter,
    load_records,
    read_index,
    remove_leftovers_of_version_0_1,
)
from facevae.data.sources import Source, open_source
from facevae.data.splits import BY_PIXELS
from facevae.data.summary import readable_bytes, summary
from facevae.errors import UserError, printable
from facevae.files import cache_folder, locked, remove_leftovers

_MOST_NAMED = 1000  # pictures left out that the log names one by one; the index has all of them
_DISK_RESERVE = 100 * 2**20
_FEWEST_BAD = 100  # pictures that cannot be used, before a preparation may end early
_WITHOUT_FACES = {NO_FACE, *LEFT_OUT.values()}
logger = logging.getLogger(__name__)


def prepare(
    data: str = "synthetic_faces",
    data_dir: str | os.PathLike[str] | None = None,
    crop: str | int = "square",
    image_size: int = 64,
    cache_dir: str | os.PathLike[str] | None = None,
    split_rule: int = BY_PIXELS,
    align: str = "off",
    faces: Taken = "each",
) -> FaceDataset:
    """Opens the prepared records of a source; makes them first if there are none or the source has changed.

    Prints one line with the numbers of faces, the size of the records and their folder, and what became of everything
    else in a folder; if they must be made, also their expected size and a progress bar. Pictures that cannot be used
    are named in the log with the reason.

    Args:
        data: "synthetic_faces", a tensorflow-datasets name with an `image` feature, or a folder of pictures.
        data_dir: where tensorflow-datasets keeps its data sets (None: its own default); not for a folder.
        crop: "square" for the largest centred square, or the side in pixels of a centred one, e.g. 148.
        image_size: side of the prepared images in pixels.
        cache_dir: where records are kept (None: the environment's FACEVAE_CACHE, else ~/.cache/facevae).
        split_rule: how splits that the source lacks are made, see `splits.py`; by the pixels but for a run that
            version 0.1 began.
        align: "on" to find the faces of unaligned photographs and align them as CelebA's pictures are, of whose
            178x218 pixels `crop` is then taken; "off" to take pictures as they are; "auto" to look at some pictures of
            a folder, decide, and say so. Some faces are left out (`face_finding/quality.py`).
        faces: which faces of a photograph are taken when aligned, "each" or the "largest"; where a table describes
            the pictures, always the largest.

    Returns:
        The splits as `Records`, of uint8 pixels.

    Raises:
        UserError: the source does not exist, its download is refused, a table cannot be understood, most
            pictures cannot be used, or the disk is too small.
    """
    crop = _checked_crop(crop)
    if type(image_size) is not int or image_size < 8:
        raise UserError(
            f"image_size: expected a whole number of pixels of at least 8, received {image_size!r}."
        )
    source = open_source(data, data_dir, image_size)
    cache = cache_folder(cache_dir)
    remove_leftovers(cache)
    decided = align == "auto"
    if decided:
        align = _decided(cache, source, crop, image_size, faces)
    taken = faces if align == "on" else None
    folder = cache / _folder_name(source, crop, image_size, taken)
    dataset = _existing(folder, source, image_size, split_rule)
    if dataset is None:
        try:
            busy = f"Another process is preparing {folder.name}: waiting for it."
            with locked(folder.with_name(folder.name + ".lock"), busy, wait=True):
                # Another process may have made them meanwhile.
                dataset = _existing(folder, source, image_size, split_rule, say=True)
                if dataset is None:
                    remove_leftovers_of_version_0_1(folder)
                    _make(folder, source, crop, image_size, taken, decided)
                    dataset = load_records(folder, source.name, image_size, split_rule)
        except OSError as error:
            raise UserError(_disk_message(error, folder.parent)) from error
    empty = [name for name, count in dataset.counts.items() if not count]
    if empty:
        raise UserError(
            f"{dataset.name}: expected faces for train, validation and test, received none for "
            f"{' and '.join(empty)}. Give more pictures (at least 3), or fix the table of splits."
            + (f" {dataset.duplicates:,} have the pixels of another one." if dataset.duplicates else "")
        )
    account = [] if source.account is None else source.account.summary(dataset)
    tqdm.tqdm.write("\n".join([summary(dataset), *account]))
    return dataset


def prepare_for(config: Config, split_rule: int = BY_PIXELS) -> FaceDataset:
    """The faces that a configuration names, in its crop and size: `prepare`, with the same `UserError`s."""
    place = (config.data, config.data_dir, config.crop, config.image_size, config.cache_dir)
    return prepare(*place, split_rule, config.align, config.faces)


def _decided(cache: pathlib.Path, source: Source, crop: str | int, image_size: int, faces: Taken) -> str:
    """What `auto` means for a source: as it was decided when its records were made, else after a look at pictures."""
    for align, taken in (("off", None), ("on", faces)):
        with contextlib.suppress(DamagedRecordsError):
            index = read_index(cache / _folder_name(source, crop, image_size, taken))
            if index.get("decided") and source.matches(index.get("fingerprint")):
                return align
    source.open()
    is_needed, reason = decide(source, crop)
    if reason:
        tqdm.tqdm.write(f"{source.name}: {reason}")
    return "on" if is_needed else "off"


def _checked_crop(crop: str | int) -> str | int:
    if crop == "square":
        return crop
    if isinstance(crop, str) and crop.isdecimal() and len(crop) <= 5:
        crop = int(crop)
    if type(crop) is not int or crop < 8:
        raise UserError(f"crop: expected 'square' or a side in pixels of at least 8, received {crop!r}.")
    return crop


def _folder_name(source: Source, crop: str | int, image_size: int, taken: Taken | None) -> str:
    readable = re.sub(r"[^A-Za-z0-9_.-]+", "_", source.name).strip("._")[:40] or "faces"
    digest = hashlib.sha256(source.key.encode("utf-8", "surrogateescape")).hexdigest()[:12]
    aligned = f"-aligned-{taken}" if taken else ""
    return f"{readable}-{crop}-{image_size}{aligned}-{digest}"


def _existing(
    folder: pathlib.Path, source: Source, image_size: int, split_rule: int, say: bool = False
) -> FaceDataset | None:
    """The records in a folder; None, with the reason if `say`, where they have to be made."""
    if not os.path.lexists(folder):
        return None
    try:
        if not source.matches(read_index(folder).get("fingerprint")):
            logger.info("%s has changed since it was prepared", source.name)
            return None
        return load_records(folder, source.name, image_size, split_rule)
    except OutdatedRecordsError:
        if say:
            tqdm.tqdm.write(f"{folder}: prepared by version 0.1, without checksums: prepared again, once.")
    except DamagedRecordsError as error:
        if say:
            logger.warning("%s: the prepared faces are damaged (%s) and are prepared again", folder, error)
    return None


def _make(
    folder: pathlib.Path, source: Source, crop: str | int, image_size: int, taken: Taken | None, decided: bool
) -> None:
    source.open()
    bytes_per_face = image_size * image_size * 3 + len(source.attribute_names)
    needed = len(source) * bytes_per_face
    free = shutil.disk_usage(folder.parent).free
    if needed + _DISK_RESERVE > free:
        raise UserError(
            f"preparing {source.name}: {len(source):,} faces of {image_size}x{image_size} take "
            f"{readable_bytes(needed)}, and {folder.parent} has {readable_bytes(free)} free. "
            "Give another folder: --cache-dir FOLDER, or FACEVAE_CACHE."
        )
    tqdm.tqdm.write(
        f"Preparing {source.name}, once: {len(source):,} faces of {image_size}x{image_size}, "
        f"{readable_bytes(needed)}, in {printable(str(folder))}"
    )
    left_out = dict(source.left_out)
    try:
        with RecordsWriter(folder) as writer:
            found = _decode_all(writer, source, crop, image_size, left_out, taken)
            writer.finish(
                {
                    "source": source.name,
                    "fingerprint": source.fingerprint,
                    "crop": crop,
                    "image_size": image_size,
                    "attribute_names": list(source.attribute_names),
                    "left_out": left_out,
                    "decided": decided,
                    "found": found,
                }
            )
    finally:
        _log_left_out(left_out, source.name)


def _decode_all(
    writer: RecordsWriter,
    source: Source,
    crop: str | int,
    image_size: int,
    left_out: dict[str, str],
    taken: Taken | None,
) -> dict[str, int] | None:
    """Writes all faces; returns how many pictures had no, one and several faces, and how many faces are left out."""
    if taken and source.attribute_names:
        taken = "largest"  # whom a table describes
    waiting: collections.deque[Example] = collections.deque()  # given to the decoder and not yet returned

    def encoded() -> Iterator[str | bytes]:
        for example in source.examples():
            waiting.append(dataclasses.replace(example, encoded=b""))
            yield example.encoded

    bad = 0
    found = dict.fromkeys(("none", "one", "several", "left_out"), 0)
    unit = " pictures" if taken else " faces"
    with contextlib.closing(decode_faces(encoded(), crop, image_size, len(source), taken)) as answers:
        for answer in tqdm.tqdm(
            answers, desc="Preparing faces", total=len(source) or None, unit=unit, delay=0.5
        ):
            example = waiting.popleft()
            if not isinstance(answer, str):
                _add(writer, example, answer, found)
                continue
            left_out[example.name] = answer
            if taken and answer in _WITHOUT_FACES:
                found["none"] += 1
                continue
            bad += 1
            # The refusal below is certain: the pictures that are left cannot make the good ones the majority.
            if bad >= _FEWEST_BAD and bad > len(writer) and 2 * bad > len(source):
                break
    _refuse_what_has_too_few_faces(source, len(writer), bad, found["none"], left_out, taken)
    return found if taken else None


def _add(writer: RecordsWriter, example: Example, answer: Found, found: dict[str, int]) -> None:
    """Writes the faces of a picture and counts them."""
    for number, face in enumerate(answer.faces, start=1):
        name = example.name if number == 1 else f"{example.name}#{number}"
        writer.add(dataclasses.replace(example, name=name), face)
    found["one" if len(answer.faces) + answer.left_out == 1 else "several"] += 1
    found["left_out"] += answer.left_out


def _refuse_what_has_too_few_faces(
    source: Source, good: int, bad: int, without: int, left_out: dict[str, str], taken: Taken | None
) -> None:
    """Refuses a source without any good face, or with more bad pictures than good faces."""
    if bad > good:
        name, reason = next((n, r) for n, r in left_out.items() if n not in source.left_out)
        raise UserError(
            f"preparing {source.name}: {bad:,} of {bad + good:,} pictures cannot be used "
            f"({name}: {reason}). Fix the source, or give another one."
        )
    if not good:
        found_none = f"{without:,} without a good face" if without else "none"
        raise UserError(
            f"preparing {source.name}: expected pictures of faces, received {found_none}. Give another source"
            + (", or --align off." if taken else ".")
        )


def _log_left_out(left_out: dict[str, str], source_name: str) -> None:
    for name, reason in list(left_out.items())[:_MOST_NAMED]:
        logger.warning("left out %s: %s", printable(name), printable(reason))
    if len(left_out) > _MOST_NAMED:
        logger.warning("... and %d more, listed in the index of the records", len(left_out) - _MOST_NAMED)
    if left_out:
        logger.warning("%s: %d pictures left out", source_name, len(left_out))


def _disk_message(error: OSError, cache: pathlib.Path) -> str:
    if error.errno == errno.ENOSPC:
        problem = "the disk is full"
    else:
        problem = f"{error.strerror or error} ({error.filename or cache})"
    return (
        f"preparing faces in {cache}: {problem}. Give another folder: --cache-dir FOLDER, or FACEVAE_CACHE."
    )
