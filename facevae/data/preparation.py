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
from facevae.data.splits import BY_NAME, BY_PIXELS
from facevae.errors import UserError, printable
from facevae.files import cache_folder, locked, remove_leftovers

_MOST_NAMED = 1000  # pictures left out that the log names one by one; the index has all of them
_DISK_RESERVE = 100 * 2**20
_FEWEST_BAD = 100  # pictures that cannot be used, before a preparation may end early
logger = logging.getLogger(__name__)


def prepare(
    data: str = "synthetic_faces",
    data_dir: str | os.PathLike[str] | None = None,
    crop: str | int = "square",
    image_size: int = 64,
    cache_dir: str | os.PathLike[str] | None = None,
    split_rule: int = BY_PIXELS,
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
    folder = cache_folder(cache_dir) / _folder_name(source, crop, image_size)
    remove_leftovers(folder.parent)
    dataset = _existing(folder, source, image_size, split_rule)
    if dataset is None:
        try:
            taken = f"Another process is preparing {folder.name}: waiting for it."
            with locked(folder.with_name(folder.name + ".lock"), taken, wait=True):
                # Another process may have made them meanwhile.
                dataset = _existing(folder, source, image_size, split_rule, say=True)
                if dataset is None:
                    remove_leftovers_of_version_0_1(folder)
                    _make(folder, source, crop, image_size)
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
    tqdm.tqdm.write("\n".join([_summary(dataset), *account]))
    return dataset


def prepare_for(config: Config, split_rule: int = BY_PIXELS) -> FaceDataset:
    """The faces that a configuration names, in its crop and size: `prepare`, with the same `UserError`s."""
    place = (config.data, config.data_dir, config.crop, config.image_size, config.cache_dir)
    return prepare(*place, split_rule)


def _checked_crop(crop: str | int) -> str | int:
    if crop == "square":
        return crop
    if isinstance(crop, str) and crop.isdecimal() and len(crop) <= 5:
        crop = int(crop)
    if type(crop) is not int or crop < 8:
        raise UserError(f"crop: expected 'square' or a side in pixels of at least 8, received {crop!r}.")
    return crop


def _folder_name(source: Source, crop: str | int, image_size: int) -> str:
    readable = re.sub(r"[^A-Za-z0-9_.-]+", "_", source.name).strip("._")[:40] or "faces"
    digest = hashlib.sha256(source.key.encode("utf-8", "surrogateescape")).hexdigest()[:12]
    return f"{readable}-{crop}-{image_size}-{digest}"


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


def _make(folder: pathlib.Path, source: Source, crop: str | int, image_size: int) -> None:
    source.open()
    bytes_per_face = image_size * image_size * 3 + len(source.attribute_names)
    needed = len(source) * bytes_per_face
    free = shutil.disk_usage(folder.parent).free
    if needed + _DISK_RESERVE > free:
        raise UserError(
            f"preparing {source.name}: {len(source):,} faces of {image_size}x{image_size} take "
            f"{_bytes(needed)}, and {folder.parent} has {_bytes(free)} free. "
            "Give another folder: --cache-dir FOLDER, or FACEVAE_CACHE."
        )
    tqdm.tqdm.write(
        f"Preparing {source.name}, once: {len(source):,} faces of {image_size}x{image_size}, "
        f"{_bytes(needed)}, in {printable(str(folder))}"
    )
    left_out = dict(source.left_out)
    try:
        with RecordsWriter(folder) as writer:
            _decode_all(writer, source, crop, image_size, left_out)
            writer.finish(
                {
                    "source": source.name,
                    "fingerprint": source.fingerprint,
                    "crop": crop,
                    "image_size": image_size,
                    "attribute_names": list(source.attribute_names),
                    "left_out": left_out,
                }
            )
    finally:
        _log_left_out(left_out, source.name)


def _decode_all(
    writer: RecordsWriter, source: Source, crop: str | int, image_size: int, left_out: dict[str, str]
) -> None:
    waiting: collections.deque[Example] = collections.deque()  # given to the decoder and not yet returned

    def encoded() -> Iterator[str | bytes]:
        for example in source.examples():
            waiting.append(dataclasses.replace(example, encoded=b""))
            yield example.encoded

    bad = 0
    with contextlib.closing(decode_faces(encoded(), crop, image_size, len(source))) as faces:
        for face in tqdm.tqdm(
            faces, desc="Preparing faces", total=len(source) or None, unit=" faces", delay=0.5
        ):
            example = waiting.popleft()
            if not isinstance(face, str):
                writer.add(example, face)
                continue
            left_out[example.name] = face
            bad += 1
            # The refusal below is certain: the pictures that are left cannot make the good ones the majority.
            if bad >= _FEWEST_BAD and bad > len(writer) and 2 * bad > len(source):
                break
    if bad > len(writer):
        name, reason = next((n, r) for n, r in left_out.items() if n not in source.left_out)
        raise UserError(
            f"preparing {source.name}: {bad:,} of {bad + len(writer):,} pictures cannot be used "
            f"({name}: {reason}). Fix the source, or give another one."
        )
    if not len(writer):
        raise UserError(f"preparing {source.name}: expected pictures, received none. Give another source.")


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


def _summary(dataset: FaceDataset) -> str:
    splits = dataset.counts.items()
    size = sum(path.stat().st_size for path in dataset.folder.iterdir())
    return (
        f"{dataset.name}: {sum(n for _, n in splits):,} faces of {dataset.image_size}x{dataset.image_size} ("
        + ", ".join(f"{n:,} {name}" for name, n in splits)
        + f"), {len(dataset.attribute_names)} attributes"
        + _duplicates(dataset)
        + (f", {len(dataset.left_out):,} pictures left out" if dataset.left_out else "")
        + f", {_bytes(size)} in {printable(str(dataset.folder))}"
    )


def _duplicates(dataset: FaceDataset) -> str:
    """What the summary says about faces with equal pixels."""
    if dataset.split_rule == BY_NAME:
        trained_on = {face.tobytes() for face in dataset.train.hashes}
        unseen = (dataset.validation.hashes, dataset.test.hashes)
        shared = sum(face.tobytes() in trained_on for hashes in unseen for face in hashes)
        return f", split as version 0.1 did ({shared:,} validation and test faces equal a training face)"
    if not dataset.duplicates:
        return ""
    text = f", duplicates: {dataset.duplicates:,}, each in the split of its equals"
    return text + (
        f" ({dataset.moved:,} moved out of the split that the source says)" if dataset.moved else ""
    )


def _bytes(count: float) -> str:
    for unit in ("bytes", "kB", "MB"):
        if count < 1000:
            return f"{count:.0f} {unit}"
        count /= 1000
    return f"{count:.1f} GB"
