"""Writing pictures, figures and animations to files."""

import pathlib
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from facevae import figures
from facevae.command_line.display import elapsed_time
from facevae.errors import UserError
from facevae.files import whole_file

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def write_picture(path: pathlib.Path, picture: "np.ndarray | Figure") -> None:
    """Writes a picture in the format of the path's suffix: `.png`, `.svg` or `.pdf`.

    Args:
        path: the file.
        picture: `uint8[height, width, 3]`, whose pixels stay as they are in every format; or a figure, of which SVG and
            PDF keep lines and letters.

    Raises:
        UserError: it cannot be written.
    """
    form = path.suffix[1:]
    if form == "png":
        pixels = picture if isinstance(picture, np.ndarray) else figures.to_pixels(picture)
        _write(path, lambda place: Image.fromarray(pixels).save(place, "png"))
        return
    from facevae.figures import canvas

    figure = canvas.of_pixels(picture) if isinstance(picture, np.ndarray) else picture
    _write(path, lambda place: canvas.save(figure, place, form))


def write_animation(path: pathlib.Path, frames: np.ndarray, milliseconds: int | list[int]) -> None:
    """Writes an endless WebP animation.

    Args:
        path: the file.
        frames: `uint8[frames, height, width, 3]`.
        milliseconds: duration of a frame, or of each.

    Raises:
        UserError: it cannot be written.
    """
    first, *others = map(Image.fromarray, frames)

    def save(place: pathlib.Path) -> None:
        first.save(
            place, "webp", save_all=True, append_images=others, duration=milliseconds, loop=0, quality=85
        )

    with elapsed_time("Writing the animation"):
        _write(path, save)


def _write(path: pathlib.Path, save: Callable[[pathlib.Path], None]) -> None:
    try:
        with whole_file(path) as temporary:
            save(temporary)
    except OSError as error:
        raise UserError(
            f"{path}: the picture cannot be written ({error.strerror or error}). "
            "Free space on the disk, or give another folder: --output-dir FOLDER."
        ) from error
