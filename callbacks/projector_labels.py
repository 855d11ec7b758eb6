"""Labels of the points in the projector: columns to colour by, and thumbnails."""

import pathlib

import numpy as np
from PIL import Image, ImageDraw, ImageFont, ImageOps

from callbacks.shared_encoding import SharedEncoding
from facevae.errors import printable
from facevae.files import whole_file
from facevae.tensorboard import projector

TILE_COLOUR = (96, 96, 96)
NONE, ALL = "–", "all"  # in an attribute's column, for points that are no faces with it or without it


class ProjectorLabels:
    """Labels in the order of the points: origin, mean of the faces, centroid of each attribute, faces.

    The projector gives its colours to the values of a column in the order in which they come: dark blue, red, pink,
    cyan, green. It multiplies a thumbnail by its colour, and under the first two no face is recognised. With this
    order faces that have an attribute are pink, and those without it cyan.

    Args:
        faces: the fixed faces.

    Raises:
        UserError: more points than thumbnails fit on a sheet.
    """

    def __init__(self, faces: SharedEncoding):
        self.faces = faces
        count = 2 + len(faces.attribute_names) + len(faces.images)
        self.side = projector.thumbnail_side(count, min(faces.images.shape[1:3]))

    def write(self, path: pathlib.Path, indices: np.ndarray, prior_samples: int = 0) -> None:
        """Writes `<path>.jpg` and `<path>.tsv`.

        Args:
            path: without suffix.
            indices: the faces; samples from the prior take the places of the last of them.
            prior_samples: how many.
        """
        projector.write_thumbnails(path.with_suffix(".jpg"), self._thumbnails(indices, prior_samples))
        with whole_file(path.with_suffix(".tsv")) as temporary:
            temporary.write_text(self.columns(indices, prior_samples), encoding="utf-8")

    def columns(self, indices: np.ndarray, prior_samples: int = 0) -> str:
        """The columns as text: name, kind, and every attribute."""
        names = [*self.masks(indices)]
        shown = indices[: len(indices) - prior_samples]
        columns = {
            "name": [
                *("origin: the mean of N(0, 1)", "mean of the faces"),
                *(f"centroid of {printable(name)}" for name in names),
                *(f"face {index}" for index in shown),
                *["prior sample"] * prior_samples,
            ],
            "kind": [
                *("origin", "mean", *["attribute centroid"] * len(names)),
                *["face"] * len(shown),
                *["prior sample"] * prior_samples,
            ],
        }
        attributes = self.faces.attributes
        if attributes is None or not names:
            return projector.columns_text(columns)
        for position, name in enumerate(self.faces.attribute_names):
            of_faces = ["yes" if value else "no" for value in attributes[shown, position]]
            of_centroids = ["yes" if other == name else NONE for other in names]
            columns[_heading(name, columns)] = [NONE, ALL, *of_centroids, *of_faces, *[NONE] * prior_samples]
        return projector.columns_text(columns)

    def masks(self, indices: np.ndarray) -> dict[str, np.ndarray]:
        """The faces that have each attribute, `bool[faces]` by name, without attributes that none of them has."""
        if self.faces.attributes is None:
            return {}
        has = dict(zip(self.faces.attribute_names, self.faces.attributes[indices].T > 0, strict=True))
        return {name: which for name, which in has.items() if which.any()}

    def _thumbnails(self, indices, prior_samples):
        side, shown = self.side, indices[: len(indices) - prior_samples]
        names = [printable(name).replace("_", "\n") for name in self.masks(indices)]
        tiles = [_tile(text, side) for text in ("origin", "mean", *names)]
        # One at a time: thousands of float32 images would take too much memory before they are made smaller.
        faces = [_framed(self.faces.images[index], side) for index in shown]
        return np.stack([*tiles, *faces, *[_tile("N(0,1)", side)] * prior_samples])


def _framed(image, side):
    """A thumbnail with a white frame, in which the colour that it is multiplied by shows."""
    if image.dtype != np.uint8:
        image = np.round(np.clip(image, 0.0, 1.0) * 255.0).astype(np.uint8)
    frame = side // 16
    inside = (side - 2 * frame, side - 2 * frame)
    # Faces that are not square get margins.
    face = ImageOps.pad(Image.fromarray(image), inside, Image.Resampling.BOX, TILE_COLOUR)
    return np.asarray(ImageOps.expand(face, frame, "white"))


def _heading(name, columns):
    """An attribute's name on one line, and none that a column has: names and kinds of the points have theirs."""
    heading = printable(name)
    while heading in columns:
        heading = f"attribute {heading}"
    return heading


def _tile(text, side):
    """A grey square with a text on it, for points that are not faces."""
    tile = Image.new("RGB", (side, side), TILE_COLOUR)
    draw = ImageDraw.Draw(tile)
    size = 12
    while size > 4 and draw.multiline_textbbox((0, 0), text, ImageFont.load_default(size))[2] > side - 2:
        size -= 1
    draw.multiline_text(
        (side / 2, side / 2),
        text,
        "white",
        ImageFont.load_default(size),
        anchor="mm",
        align="center",
        spacing=1,
    )
    return np.asarray(tile)
