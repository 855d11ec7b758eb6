"""A trained run that is looked at: faces by name, photographs, attributes, and where pictures of them go."""

import difflib
import functools
import os
import pathlib
import re
from collections.abc import Sequence

import numpy as np
from PIL import Image

from facevae.data import FaceDataset, alignment
from facevae.data.images import FORMATS, BadPictureError, read_face, upright_rgb
from facevae.errors import UserError
from facevae.figures import enlarge
from facevae.files import whole_file
from facevae.latents import attribute_directions
from facevae.model import VAE
from facevae.opened_run import OpenedRun
from facevae.tensorboard.events import EventWriter


class Exploration:
    """Faces, latents and attributes of an opened run, and the places where pictures of them go.

    Args:
        opened: the run.
    """

    def __init__(self, opened: OpenedRun):
        self.opened = opened

    @property
    def model(self) -> VAE:
        """The run's model."""
        return self.opened.model

    @property
    def dataset(self) -> FaceDataset:
        """The faces that the run was trained on."""
        return self.opened.dataset

    # ---------------------------------------------------------------------------------------------------------
    # Faces
    # ---------------------------------------------------------------------------------------------------------

    def faces(
        self, named: Sequence[str], eyes: Sequence[tuple] = (), boxes: Sequence[tuple] = ()
    ) -> tuple[np.ndarray, list[str]]:
        """Faces by name: a number is a face of the test split, all else a file.

        Args:
            named: numbers or paths.
            eyes: for each file, in their order, the two eyes; see `facevae.data.alignment.align_by_eyes`.
            boxes: instead of `eyes`, for each file the box; see `facevae.data.alignment.align_by_box`.

        Returns:
            `uint8[faces, size, size, 3]`, framed as the training pictures, and for each what was done to it.

        Raises:
            UserError: no such face, no such file, no picture, or not one position for each file.
        """
        files = [name for name in named if not name.isdecimal()]
        for flag, positions in (("--eyes", eyes), ("--box", boxes)):
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
            position = {"eyes": eyes[file]} if eyes else {"box": boxes[file]} if boxes else {}
            image, how = self.photograph(name, **position)
            images.append(image)
            notes.append(f"{pathlib.Path(name).name}: {how}")
            file += 1
        return np.stack(images), notes

    def test_faces(self, indices: Sequence[int] | np.ndarray) -> np.ndarray:
        """Faces of the test split, `uint8[faces, size, size, 3]`.

        Raises:
            UserError: there are not so many.
        """
        test = self.dataset.test
        if max(indices) >= len(test):
            raise UserError(
                f"face {max(indices)}: the test split has the faces 0 to {len(test) - 1}. Give one of them."
            )
        return test.images(np.asarray(indices))

    def photograph(
        self, path: str | os.PathLike[str], eyes: tuple | None = None, box: tuple | None = None
    ) -> tuple[np.ndarray, str]:
        """A photograph of one's own, framed as the training pictures are.

        Args:
            path: of the file.
            eyes: where its eyes are, ((x, y), (x, y)) in pixels.
            box: where its face is, (left, top, width, height) in pixels.

        Returns:
            `uint8[size, size, 3]`, and how it was framed.

        Raises:
            UserError: no picture, or positions outside it.
        """
        config = self.opened.config
        size = config.image_size
        if not pathlib.Path(path).is_file():
            raise UserError(
                f"{str(path)!r}: expected a picture file or the number of a test face, and there is no such file. "
                "Correct its name, or give a number, e.g. 0."
            )
        try:
            square = read_face(os.fspath(path), "square", size)  # says what is wrong with a file
            with Image.open(path, formats=FORMATS) as opened:
                picture = np.asarray(upright_rgb(opened))
            if picture.shape[1::-1] == alignment.CELEBA_SIZE and not (eyes or box):
                return read_face(
                    os.fspath(path), config.crop, size
                ), "taken as one of CelebA's aligned pictures"
        except BadPictureError as error:
            raise UserError(
                f"{str(path)!r}: expected a picture with a face: {error}. Give another, or save it anew."
            ) from None
        if eyes:
            return alignment.align_by_eyes(picture, eyes, self.frame, size), "aligned by its eyes"
        if box:
            return alignment.align_by_box(
                picture, box, self.frame, size
            ), "aligned by the box around its face"
        return square, "centre crop, not aligned (--eyes or --box would)"

    @functools.cached_property
    def frame(self) -> alignment.Frame:
        """Where the face is in the training pictures."""
        config, picture_size = self.opened.config, alignment.CELEBA_SIZE
        folder = pathlib.Path(self.opened.data).expanduser()
        if folder.is_dir():  # its pictures may be another size of CelebA's
            with Image.open(folder / self.dataset.train.names(np.arange(1))[0], formats=FORMATS) as first:
                picture_size = first.size
        return alignment.training_frame(config.data, config.crop, config.image_size, picture_size)

    # ---------------------------------------------------------------------------------------------------------
    # Latents
    # ---------------------------------------------------------------------------------------------------------

    def encode(self, images: np.ndarray) -> np.ndarray:
        """The posterior means of some faces, `float32[faces, latent_dim]`."""
        return self.model.encode_all(images)[0]

    def attribute_directions(self) -> np.ndarray:
        """The direction of each attribute, `float32[attributes, latent_dim]`, from the training faces.

        Raises:
            UserError: the data set has no attributes.
        """
        self._need_attributes()
        encodings = self.opened.training_encodings
        assert encodings.attributes is not None, "the encodings of a data set with attributes have them"
        return attribute_directions(encodings.mean, encodings.attributes)

    def attribute_index(self, name: str) -> int:
        """Which attribute is called so; case, spaces and hyphens do not matter.

        Raises:
            UserError: none is, with the names that come near; or the data set has no attributes.
        """
        self._need_attributes()
        names = self.dataset.attribute_names
        plain = [_plain(known) for known in names]
        if _plain(name) in plain:
            return plain.index(_plain(name))
        near = [names[plain.index(match)] for match in difflib.get_close_matches(_plain(name), plain, 3, 0.5)]
        advice = f"Did you mean {' or '.join(near)}?" if near else "Give one of them."
        raise UserError(f"attribute: expected one of {', '.join(names)}; received {name!r}. {advice}")

    def _need_attributes(self):
        if not self.dataset.attribute_names:
            raise UserError(
                f"attribute: the run's data set, {self.dataset.name}, has no attributes. "
                "Train on faces that have some: synthetic_faces, or CelebA with its list_attr_celeba file."
            )

    # ---------------------------------------------------------------------------------------------------------
    # Pictures
    # ---------------------------------------------------------------------------------------------------------

    def show(self, name: str, picture: np.ndarray) -> pathlib.Path:
        """Writes a picture into the run folder and into TensorBoard, and prints its path.

        Args:
            name: of the file, without its ending, and of TensorBoard's tag; what is no letter, digit, `.`, `-` or
                `_` becomes `_` in the file's name.
            picture: `uint8[height, width, 3]`.

        Returns:
            The path of the PNG.

        Raises:
            UserError: it cannot be written.
        """
        # Attributes are named by the data set: a name must not lead to another folder.
        path = self.opened.run.figures / (re.sub(r"[^\w.-]", "_", name) + ".png")
        _save(Image.fromarray(picture), path)
        folder = self.opened.run.logs / "explore"
        # Each time one step further: TensorBoard then keeps earlier pictures under the same tag.
        step = len(list(folder.glob("events.out.tfevents.*")))
        writer = EventWriter(folder, step)
        writer.image(f"explore/{name}", picture, step)
        writer.flush()
        writer.close()
        print(path)
        return path

    def show_animation(
        self, name: str, faces: np.ndarray, milliseconds: int = 50, side: int = 256
    ) -> pathlib.Path:
        """Writes faces `[frames, size, size, 3]` as a WebP animation that runs for ever, and prints its path."""
        path = self.opened.run.figures / f"{name}.webp"
        frames = [Image.fromarray(face) for face in enlarge(faces, side)]
        _save(
            frames[0],
            path,
            save_all=True,
            append_images=frames[1:],
            duration=milliseconds,
            loop=0,
            quality=85,
        )
        print(path)
        return path


def _save(image: Image.Image, path: pathlib.Path, **options) -> None:
    try:
        with whole_file(path) as aside:
            image.save(aside, **options)
    except OSError as error:
        raise UserError(
            f"{path}: the picture cannot be written ({error.strerror or error}). Make room."
        ) from error


def _plain(name: str) -> str:
    return name.lower().replace(" ", "_").replace("-", "_")
