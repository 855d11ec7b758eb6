"""Reading the pictures that event files have kept of each epoch."""

import pathlib
from collections.abc import Collection, Iterator

import numpy as np
from tensorboard.backend.event_processing.event_file_loader import EventFileLoader
from tensorboard.compat.proto import event_pb2
from tqdm import tqdm

from facevae.errors import UserError

_MOST_PIXELS = 2**24


def kept_pictures(folder: pathlib.Path, tags: Collection[str]) -> dict[str, dict[int, bytes]]:
    """The pictures that callbacks wrote, as TensorBoard shows them: of each epoch the last one written.

    Args:
        folder: of the TensorBoard run; need not exist.
        tags: of the pictures; others are passed over.

    Returns:
        For each tag the PNG of each epoch, counted from 1, in this order.

    Raises:
        UserError: an event file cannot be read.
    """
    kept: dict[str, dict[int, bytes]] = {tag: {} for tag in tags}
    first_epoch = None
    for event in _events(sorted(folder.glob("events.out.tfevents.*"))):
        if event.session_log.status == event_pb2.SessionLog.START:
            # Version 0.1 counted epochs from 0.
            first_epoch = event.step if first_epoch is None else first_epoch
            for tag, pictures in kept.items():
                kept[tag] = {epoch: png for epoch, png in pictures.items() if epoch < event.step}
        for value in event.summary.value:
            if value.tag in kept and len(value.tensor.string_val) == 3:
                kept[value.tag][event.step] = value.tensor.string_val[2]
    shift = 1 if first_epoch == 0 else 0
    return {
        tag: {epoch + shift: pictures[epoch] for epoch in sorted(pictures)} for tag, pictures in kept.items()
    }


def pixels(png: bytes) -> np.ndarray:
    """The pixels of a PNG, `uint8[height, width, 3]`.

    Raises:
        ValueError: it is none, is damaged, or has more than 16 million pixels.
    """
    import io

    from PIL import Image

    try:
        with Image.open(io.BytesIO(png), formats=("PNG",)) as picture:
            if picture.width * picture.height > _MOST_PIXELS:
                raise ValueError(f"a picture of {picture.width} by {picture.height} pixels")
            return np.asarray(picture.convert("RGB"))
    except (OSError, SyntaxError, Image.DecompressionBombError) as error:
        raise ValueError(f"a damaged picture ({error})") from error


def _events(files: list[pathlib.Path]) -> Iterator[event_pb2.Event]:
    """The events of files, with a progress bar. An incomplete event at the end of a file is passed over."""
    total = sum(file.stat().st_size for file in files)
    with tqdm(
        total=total, desc="Reading event files", unit="B", unit_scale=True, delay=1, leave=False
    ) as bar:
        for file in files:
            try:
                for event in EventFileLoader(str(file)).Load():
                    bar.update(event.ByteSize())
                    yield event
            # TensorFlow's and protobuf's errors have no common class.
            except Exception as error:
                raise UserError(
                    f"{str(file)!r}: expected a file that TensorBoard's callbacks wrote, received a damaged one "
                    f"({type(error).__name__}). Move it to another folder."
                ) from error
