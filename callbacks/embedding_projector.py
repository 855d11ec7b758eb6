"""The latents in TensorBoard's projector, epoch by epoch."""

import dataclasses
import os
import re
from collections.abc import Iterable

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from callbacks.face_callback import FaceCallback
from callbacks.shared_encoding import SharedEncoding
from facevae.encodings import Encodings
from facevae.files import whole_file
from facevae.tensorboard import projector

BETWEEN = 30  # epochs kept between the first and the newest
TILE = (96, 96, 96)


class EmbeddingProjector(FaceCallback):
    """Shows the posterior means of the faces in the projector, with thumbnails and attributes to colour by.

    With them stand samples from the prior, to see whether faces fill it, and the centroid of each attribute
    (the mean of the faces that have it). The first epoch and the newest are kept and at most 30 spread
    between them; the newest opens first, after a reload of the page. The history on disk goes on when
    training is resumed.

    Args:
        faces: the fixed faces.
        log_dir: TensorBoard's run to write to, a folder. Keep model checkpoints out of it and of the folder
            above: the projector would list their weights.
        prior_samples: how many samples from N(0, 1) stand with the faces.
    """

    def __init__(self, faces: SharedEncoding, log_dir: str | os.PathLike[str], prior_samples: int = 200):
        super().__init__(faces, log_dir)
        self.prior_samples = prior_samples
        self._clouds: dict[int, projector.Cloud] = {}

    def begin(self, epoch: int) -> None:
        stored = projector.read_config(self.log_dir)
        self._clouds = {number: cloud for cloud in stored if 0 <= (number := _epoch_of(cloud)) < epoch}
        columns = self.log_dir / "projector" / "faces.tsv"
        if not columns.exists() or columns.read_bytes() != self._columns(self._all()).encode("utf-8"):
            # Nothing there, or other faces: the rows of the clouds would not be theirs.
            self._clouds = {}
            if columns.parent.exists():
                projector.write_config(self.log_dir, [])
            self._write_labels("faces", self._all())
        if stored:
            self._show()

    def write(self, epoch: int, encodings: Encodings) -> None:
        whole = len(encodings.indices) == len(self.faces.images)
        labels = "faces" if whole else f"epoch-{epoch:05d}"
        if not whole:
            self._write_labels(labels, encodings.indices)
        random = np.random.default_rng(0)
        prior = random.standard_normal((self.prior_samples, encodings.mean.shape[1]), np.float32)
        centroids = [
            encodings.mean[has].mean(axis=0) for has in self._with_attribute(encodings.indices).values()
        ]
        points = np.concatenate([encodings.mean, prior, *(c[None] for c in centroids)])
        path = f"projector/epoch-{epoch:05d}.bytes"
        self._clouds[epoch] = projector.Cloud(
            name=f"epoch {epoch}",
            points=path,
            shape=projector.write_points(self.log_dir / path, points),
            columns=f"projector/{labels}.tsv",
            thumbnails=f"projector/{labels}.jpg",
            side=self._side(),
        )
        self._show()

    def _show(self):
        """Names the clouds to be shown in the configuration, and removes the files of all others."""
        kept = kept_epochs(self._clouds)
        self._clouds = {epoch: self._clouds[epoch] for epoch in kept}
        named = []
        for epoch, cloud in self._clouds.items():
            # The page opens with the first in alphabetical order.
            name = (
                f"0 newest: epoch {epoch}" if epoch == kept[-1] else f"epoch {epoch:0{len(str(kept[-1]))}d}"
            )
            named.append(dataclasses.replace(cloud, name=name))
        projector.write_config(self.log_dir, named)
        used = {file for cloud in named for file in (cloud.points, cloud.columns, cloud.thumbnails)}
        for path in (self.log_dir / "projector").glob("epoch-*"):
            if f"projector/{path.name}" not in used:
                path.unlink()

    # --------------------------------------------------------------------------------------------------------
    # Labels: columns and thumbnails of the points, in their order
    # --------------------------------------------------------------------------------------------------------

    def _write_labels(self, name, indices):
        folder = self.log_dir / "projector"
        projector.write_thumbnails(folder / f"{name}.jpg", self._thumbnails(indices))
        with whole_file(folder / f"{name}.tsv") as aside:
            aside.write_text(self._columns(indices), encoding="utf-8")

    def _columns(self, indices):
        centroids = self._with_attribute(indices)
        others = self.prior_samples + len(centroids)
        columns = {
            "name": [f"face {index}" for index in indices]
            + ["prior sample"] * self.prior_samples
            + [f"centroid of {name}" for name in centroids],
            "kind": ["face"] * len(indices)
            + ["prior sample"] * self.prior_samples
            + ["attribute centroid"] * len(centroids),
        }
        for position, name in enumerate(self.faces.attribute_names if centroids else ()):
            values = ["yes" if value else "no" for value in self.faces.attributes[indices, position]]
            columns[name] = values + ["–"] * others
        return projector.columns_text(columns)

    def _thumbnails(self, indices):
        side = self._side()
        # In parts: thousands of pictures as float32 would take much memory.
        faces = [_resized(self.faces.images[index], side) for index in indices]
        tiles = [_tile("N(0,1)", side)] * self.prior_samples
        tiles += [_tile(name.replace("_", "\n"), side) for name in self._with_attribute(indices)]
        return np.stack(faces + tiles)

    def _side(self):
        count = len(self.faces.images) + self.prior_samples + len(self.faces.attribute_names)
        return projector.thumbnail_side(count, min(self.faces.images.shape[1:3]))

    def _with_attribute(self, indices):
        """Which of these faces have each attribute that any of them has, `bool[faces]` by name."""
        if self.faces.attributes is None:
            return {}
        has = dict(zip(self.faces.attribute_names, self.faces.attributes[indices].T > 0, strict=True))
        return {name: which for name, which in has.items() if which.any()}

    def _all(self):
        return np.arange(len(self.faces.images))


def kept_epochs(epochs: Iterable[int]) -> list[int]:
    """The first and the last of some epochs, and at most 30 spread between them.

    Of more than that, the one goes whose neighbours are closest together, again and again: as epochs are added one
    by one, those that are left stay spread.
    """
    kept = sorted(epochs)
    while len(kept) > BETWEEN + 2:
        spans = [after - before for before, after in zip(kept, kept[2:], strict=False)]
        del kept[1 + spans.index(min(spans))]
    return kept


def _epoch_of(cloud: projector.Cloud) -> int:
    """The epoch of a cloud of ours, -1 for any other."""
    found = re.fullmatch(r"projector/epoch-(\d{5,9})\.bytes", cloud.points)
    return int(found[1]) if found else -1


def _resized(image, side):
    if image.dtype != np.uint8:
        image = np.round(np.clip(image, 0.0, 1.0) * 255.0).astype(np.uint8)
    return np.asarray(Image.fromarray(image).resize((side, side), Image.Resampling.BOX))


def _tile(text, side):
    """A grey square with some words on it, for points that are no faces."""
    tile = Image.new("RGB", (side, side), TILE)
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
