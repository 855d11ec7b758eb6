"""The files of TensorBoard's embedding projector, as its plugin was observed to read them.

<run>/projector_config.pbtxt     lists the point clouds below; replaced atomically
<run>/projector/<name>.bytes     the points of a cloud, raw float32
<run>/projector/<name>.tsv       columns by which points can be labelled and coloured
<run>/projector/<name>.jpg       the thumbnails of the points on one sheet
<run>/checkpoint, shown-<n>.*    a checkpoint of a counter alone: the server reads the configuration again
                                 only when the newest checkpoint has another name
"""

import dataclasses
import math
import pathlib
import re
import tempfile
from collections.abc import Mapping, Sequence

import numpy as np
import tensorflow as tf
from google.protobuf import text_format
from PIL import Image
from tensorboard.plugins.projector.projector_config_pb2 import ProjectorConfig

from facevae.errors import UserError
from facevae.files import copy_into, whole_file
from facevae.files.untrusted import check_size

CONFIG = "projector_config.pbtxt"
_MOST_CONFIG_BYTES = 2**20
_FILE = re.compile(r"projector/[A-Za-z0-9_-]+\.(bytes|tsv|jpg)")
_COUNTER = re.compile(r"shown-(\d{1,18})\.(index|data-\d{5}-of-\d{5})")
SMALLEST_THUMBNAIL = 8  # pixels along a side
LARGEST_SHEET = 8192  # pixels along a side: a texture size that practically every WebGL device supports


@dataclasses.dataclass(frozen=True)
class Cloud:
    """A named cloud of points; paths are relative to the run's folder.

    Attributes:
        name: as shown in the list of clouds. Other points need another name, as the server caches them by name.
        points: file written by `write_points`.
        shape: of the points, as `write_points` returned it.
        columns: file with the text of `columns_text`.
        thumbnails: file written by `write_thumbnails`.
        side: pixels along the side of a thumbnail.
    """

    name: str
    points: str
    shape: tuple[int, int]
    columns: str
    thumbnails: str
    side: int


def write_points(path: pathlib.Path, points: np.ndarray) -> tuple[int, int]:
    """Writes a cloud's points.

    The plugin takes a file for text if its first line decodes as UTF-8, which happens by chance for a few binary
    files in a thousand. In such a file the low byte of the first number is set to 0xFF, which is never valid
    UTF-8 and changes the number by at most 1 part in 30,000.

    Args:
        path: file to write.
        points: `float32[points, dimensions]`, all finite: a single NaN leaves the page empty.

    Returns:
        The shape that was written: fewer than 3 dimensions are padded to 3 with zeros, as the view needs 3.

    Raises:
        ValueError: points that are not finite.
    """
    points = np.array(points, "<f4")
    if not np.isfinite(points).all():
        raise ValueError("points: expected finite numbers, received NaN or infinity.")
    points = np.pad(points, [(0, 0), (0, max(0, 3 - points.shape[1]))])
    content = bytearray(points.tobytes())
    try:
        content.split(b"\n", 1)[0].decode("utf-8")
        content[0] = 0xFF  # the lowest bits of the first number, as it is little-endian
    except UnicodeDecodeError:
        pass
    with whole_file(path) as aside:
        aside.write_bytes(content)
    return points.shape


def columns_text(columns: Mapping[str, Sequence[str]]) -> str:
    """Columns as tab-separated text; the plugin expects a header only if there are several columns."""
    rows = [[str(value) for value in row] for row in zip(*columns.values(), strict=True)]
    rows = [list(columns), *rows] if len(columns) > 1 else rows
    clean = str.maketrans("\t\r\n", "   ")
    return "".join("\t".join(value.translate(clean) for value in row) + "\n" for row in rows)


def thumbnail_side(count: int, image_size: int, largest: int = 48) -> int:
    """Pixels along the side of each of `count` thumbnails, so that all fit on one sheet.

    Args:
        count: number of thumbnails.
        image_size: pixels along the side of the images; thumbnails are not larger, but for images below 8 pixels.
        largest: the largest side.

    Raises:
        UserError: so many points that a thumbnail would be smaller than 8 pixels.
    """
    side = min(largest, max(image_size, SMALLEST_THUMBNAIL), LARGEST_SHEET // math.ceil(math.sqrt(count)))
    if side < SMALLEST_THUMBNAIL:
        raise UserError(
            f"thumbnails: expected at most {(LARGEST_SHEET // SMALLEST_THUMBNAIL) ** 2:,} points, received {count:,}. "
            "Show fewer faces."
        )
    return side


def write_thumbnails(path: pathlib.Path, thumbnails: np.ndarray) -> None:
    """Writes `uint8[points, side, side, 3]` as one square sheet, row by row in the order of the points."""
    count, side = thumbnails.shape[:2]
    across = math.ceil(math.sqrt(count))
    places = np.full((across * across, side, side, 3), 255, np.uint8)
    places[:count] = thumbnails
    sheet = (
        places.reshape(across, across, side, side, 3).swapaxes(1, 2).reshape(across * side, across * side, 3)
    )
    with whole_file(path) as aside:
        Image.fromarray(sheet).save(aside, "JPEG", quality=90, subsampling=0)


def write_config(folder: pathlib.Path, clouds: Sequence[Cloud]) -> None:
    """Makes the projector show these clouds of a run when its page is loaded next."""
    config = ProjectorConfig()
    for cloud in clouds:
        embedding = config.embeddings.add(tensor_name=cloud.name, tensor_path=cloud.points)
        embedding.tensor_shape.extend(cloud.shape)
        embedding.metadata_path = cloud.columns
        embedding.sprite.image_path = cloud.thumbnails
        embedding.sprite.single_image_dim.extend([cloud.side, cloud.side])
    with whole_file(folder / CONFIG) as aside:
        aside.write_text(text_format.MessageToString(config), encoding="utf-8")

    _count_up(folder)


def _count_up(folder: pathlib.Path) -> None:
    """Writes a checkpoint with the next name, and keeps the previous one, as the server may be reading it.

    Earlier checkpoints are found by their file names. (TensorFlow's CheckpointManager would delete all files that the
    file `checkpoint` lists, even outside the folder.)
    """
    earlier = {
        path: int(found[1])
        for path in folder.iterdir()
        if (found := _COUNTER.fullmatch(path.name)) is not None
    }
    last = max(earlier.values(), default=0)
    newest = f"shown-{last + 1}"
    # In a plain folder first, see `copy_into`.
    with tempfile.TemporaryDirectory() as plain:
        try:
            tf.train.Checkpoint(shown=tf.Variable(last + 1, dtype=tf.int64)).write(f"{plain}/{newest}")
        except tf.errors.OpError as error:  # how TensorFlow reports file errors, such as a full disk
            raise OSError(None, str(error.message).splitlines()[0]) from error
        copy_into(plain, folder)
    with whole_file(folder / "checkpoint") as aside:
        aside.write_text(f'model_checkpoint_path: "{newest}"\n', encoding="utf-8")
    for path, number in earlier.items():
        if number < last and path.is_file():
            path.unlink()


def read_config(folder: pathlib.Path) -> list[Cloud]:
    """The clouds that a run's configuration lists and whose files are complete; none without a configuration.

    Clouds with a file outside the run's folder `projector` are left out.
    """
    config = ProjectorConfig()
    try:
        check_size(folder / CONFIG, _MOST_CONFIG_BYTES)
        text_format.Parse((folder / CONFIG).read_text(encoding="utf-8"), config)
    except (OSError, ValueError, text_format.ParseError):
        return []
    clouds = [
        Cloud(
            embedding.tensor_name,
            embedding.tensor_path,
            tuple(embedding.tensor_shape),
            embedding.metadata_path,
            embedding.sprite.image_path,
            next(iter(embedding.sprite.single_image_dim), 0),
        )
        for embedding in config.embeddings
    ]
    return [cloud for cloud in clouds if _is_complete(folder, cloud)]


def _is_complete(folder, cloud):
    files = (cloud.points, cloud.columns, cloud.thumbnails)
    if not all(_FILE.fullmatch(file) and (folder / file).is_file() for file in files):
        return False
    return (folder / cloud.points).stat().st_size == 4 * math.prod(cloud.shape)
