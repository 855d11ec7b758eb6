"""A trained run for `explore.py`: its faces, photographs framed like them, attributes, and the pictures drawn."""

import functools
import os
import pathlib
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from facevae import figures
from facevae.data import FaceDataset, alignment
from facevae.data.images import FORMATS
from facevae.editing.face_attributes import FaceAttributes, attribute_index, no_attributes
from facevae.errors import UserError, printable
from facevae.exploration.file_names import stem
from facevae.exploration.photographs import Photograph, read_photograph
from facevae.exploration.picture_files import write_animation, write_picture
from facevae.files import expanded, free_path
from facevae.model import VAE
from facevae.run.opened_run import OpenedRun
from facevae.tensorboard.events import EventWriter

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SIDE = 112  # pixels of a face in a grid


class Exploration:
    """Reads faces, latents and attributes of an opened run, and writes pictures of them.

    Args:
        opened: the run.
        output_dir: where pictures are written; None for the run folder and TensorBoard.
        form: of the files: `png`, `svg` or `pdf`.
    """

    def __init__(
        self, opened: OpenedRun, output_dir: str | os.PathLike[str] | None = None, form: str = "png"
    ):
        self.opened = opened
        self._form = form
        self._output_dir = None if output_dir is None else pathlib.Path(output_dir)
        self._photographs: dict[tuple, Photograph] = {}

    @property
    def model(self) -> VAE:
        """The run's model."""
        return self.opened.model

    @property
    def dataset(self) -> FaceDataset:
        """The faces that the run was trained on."""
        return self.opened.dataset

    def faces(
        self,
        named: Sequence[str],
        eyes: Sequence[tuple] = (),
        boxes: Sequence[tuple] = (),
        numbers: Sequence[int] = (),
    ) -> tuple[np.ndarray, list[str]]:
        """Reads faces: a number is the index of a face in the test split, anything else the path of a picture file.

        Args:
            named: indices or paths.
            eyes: the two eyes in each file, in the order of the files; see `facevae.data.alignment.align_by_eyes`.
            boxes: instead of `eyes`, the box around the face in each file; see `facevae.data.alignment.align_by_box`.
            numbers: instead of `eyes`, which of the faces in each file is taken, from 1, the largest; without any, the
                largest.

        Returns:
            `uint8[faces, size, size, 3]`, framed as the training images, and for each a note on how it was framed.

        Raises:
            UserError: no such face or file, not a picture, or not one position for each file.
        """
        files = [name for name in named if not name.isdecimal()]
        for flag, positions in (("--eyes", eyes), ("--box", boxes), ("--face", numbers)):
            if positions and len(positions) != len(files):
                raise UserError(
                    f"{flag}: expected one for each of the {len(files)} picture files, received {len(positions)}. "
                    f"Repeat {flag} in the order of the files."
                )
        images, notes, file = [], [], 0
        for name in named:
            if name.isdecimal():
                images.append(self.test_faces([int(name)])[0])
                notes.append(f"Face {name} of the test split")
                continue
            photograph = self.photograph(name, *_of_file(file, eyes, boxes, numbers))
            images.append(photograph.framed)
            notes.append(f"{printable(pathlib.Path(name).name)}: {photograph.note}")
            file += 1
        return np.stack(images), notes

    def test_faces(self, indices: Sequence[int] | np.ndarray) -> np.ndarray:
        """Faces of the test split, `uint8[faces, size, size, 3]`.

        Raises:
            UserError: an index is beyond the split.
        """
        test = self.dataset.test
        if max(indices) >= len(test):
            raise UserError(
                f"face: expected a face of the test split, a number from 0 to {len(test) - 1}; "
                f"received {max(indices)}. Give a number in this range."
            )
        return test.images(np.asarray(indices))

    def photograph(
        self,
        path: str | os.PathLike[str],
        eyes: tuple | None = None,
        box: tuple | None = None,
        number: int | None = None,
    ) -> Photograph:
        """Reads a photograph and frames it as the training images are, once; see `read_photograph`.

        Where several faces are found, a picture shows their numbers.

        Raises:
            UserError: not a picture, positions outside it, or no face of this number.
        """
        key = (os.fspath(path), eyes, box, number)
        if key not in self._photographs:
            config = self.opened.config
            read = read_photograph(path, config.crop, self.frame, config.image_size, eyes, box, number)
            if len(read.found) > 1:
                print(
                    f"{printable(pathlib.Path(path).name)}: {len(read.found)} faces, numbered from the largest. "
                    "Choose another one by --face NUMBER."
                )
                self.show(f"faces_{stem(os.fspath(path))}", read.numbered)
            if number is not None and number > len(read.found):
                raise UserError(
                    f"--face: expected a number from 1 to {len(read.found)}, as many faces as were found in "
                    f"{str(path)!r}; received {number}. Give another number, or the eyes by --eyes X,Y,X,Y."
                )
            self._photographs[key] = read
        return self._photographs[key]

    @functools.cached_property
    def frame(self) -> alignment.Frame:
        """Where the face is in the training images."""
        config, picture_size = self.opened.config, alignment.CELEBA_SIZE
        folder = expanded(self.opened.data)
        if folder.is_dir() and config.align != "on":  # it may hold CelebA's pictures in another size
            with Image.open(folder / self.dataset.train.names(np.arange(1))[0], formats=FORMATS) as first:
                picture_size = first.size
        return alignment.training_frame(config.data, config.crop, config.image_size, picture_size)

    def encode(self, images: np.ndarray) -> np.ndarray:
        """The posterior means of some faces, `float32[faces, latent_dim]`."""
        return self.model.encode_all(images)[0]

    def attribute_index(self, name: str) -> int:
        """The index of an attribute of the data set, see `facevae.editing.face_attributes.attribute_index`.

        Raises:
            UserError: no attribute has this name, or the data set has no attributes.
        """
        if not self.dataset.attribute_names:
            raise no_attributes(self.dataset.name)
        return attribute_index(self.dataset.attribute_names, name)

    def kept_attributes(self) -> FaceAttributes | None:
        """What the model can do to attributes; None where the run has none, or no encodings and its faces are gone."""
        try:
            return self.opened.attributes
        except UserError:
            return None

    # ---------------------------------------------------------------------------------------------------------
    # Pictures
    # ---------------------------------------------------------------------------------------------------------

    def show(self, name: str, picture: "np.ndarray | Figure", made_by: str = "") -> pathlib.Path:
        """Writes a picture into the run folder and prints its path, then into TensorBoard; or into `output_dir`.

        Args:
            name: beginning of the file's name, and the tag in TensorBoard.
            picture: `uint8[height, width, 3]`, or a figure, of which SVG and PDF keep lines and letters.
            made_by: rest of the file's name, without its suffix: the options that other pictures of this name were
                not made with. In the file's name, characters other than letters, digits, `.`, `-` and `_` become `_`.

        Returns:
            The path of the file.

        Raises:
            UserError: it cannot be written.
        """
        # Attribute names come from the data set: a name must not lead to another folder.
        path = self._path(re.sub(r"[^\w.-]", "_", name + made_by) + f".{self._form}")
        pixels = picture if isinstance(picture, np.ndarray) else figures.to_pixels(picture)
        write_picture(path, pixels if self._form == "png" else picture)
        print(printable(str(path)))
        if self._output_dir is not None:
            return path
        folder = self.opened.run.exploration_logs
        # A new step each time, so that TensorBoard keeps earlier pictures under the same tag.
        step = len(list(folder.glob("events.out.tfevents.*")))
        writer = EventWriter(folder, step)
        writer.image(f"explore/{name}", pixels, step)
        writer.flush()
        writer.close()
        return path

    def show_animation(self, name: str, frames: np.ndarray, milliseconds: int | list[int] = 50) -> None:
        """Writes an endless WebP animation into the run folder or `output_dir`, and prints its path.

        Args:
            name: name of the file, without its suffix.
            frames: `uint8[frames, height, width, 3]`.
            milliseconds: duration of a frame, or of each.

        Raises:
            UserError: it cannot be written.
        """
        path = self._path(re.sub(r"[^\w.-]", "_", name) + ".webp")
        write_animation(path, frames, milliseconds)
        print(printable(str(path)))

    def _path(self, name: str) -> pathlib.Path:
        """Where a picture is written; in `output_dir`, which is the user's, under a name that is free."""
        if self._output_dir is None:
            return self.opened.run.figures / name
        return free_path(self._output_dir / name)


def _of_file(
    file: int, eyes: Sequence[tuple], boxes: Sequence[tuple], numbers: Sequence[int]
) -> tuple[tuple | None, tuple | None, int | None]:
    """What was given for one of the picture files."""
    return eyes[file] if eyes else None, boxes[file] if boxes else None, numbers[file] if numbers else None


def check_count(asked: int, available: int, what: str, least: int = 1) -> None:
    """Refuses a `--count` that is not from `least` to `available`, the number of `what` there are."""
    if available < least:
        raise UserError(
            f"{what}: expected at least {least}, the run has {available:,}. Train on a data set with more faces."
        )
    if not least <= asked <= available:
        raise UserError(
            f"--count: expected {least} to {available:,}, because there are {available:,} {what}; received {asked:,}. "
            "Give a number in this range."
        )
