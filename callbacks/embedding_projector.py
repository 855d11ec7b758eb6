"""The latents in TensorBoard's projector, epoch by epoch."""

import dataclasses
import hashlib
import os
import re
from collections.abc import Iterable

import numpy as np
from PIL import Image, ImageDraw, ImageFont, ImageOps

from callbacks.face_callback import FaceCallback
from callbacks.shared_encoding import SharedEncoding
from facevae import arguments
from facevae.errors import printable
from facevae.files import whole_file
from facevae.run.encodings import Encodings
from facevae.tensorboard import projector

EPOCHS_BETWEEN = 30  # epochs kept between the first and the newest
_OWN_FILE = re.compile(r"epoch-\d{5,9}\.(bytes|tsv|jpg)")
TILE_COLOUR = (96, 96, 96)


class EmbeddingProjector(FaceCallback):
    """Shows the posterior means of the faces in the projector, with thumbnails and attributes to colour by.

    Samples from the prior are added, to show whether the faces fill it, and the centroid of each attribute (the
    mean of the faces that have it). The first epoch, the newest and at most 30 spread between them are kept.
    The newest opens first; while training runs, reload the page to see it. A resumed training continues the
    history on disk.

    Args:
        faces: the fixed faces.
        log_dir: folder of the TensorBoard run to write to. Keep model checkpoints out of it and of its
            parent folder: the projector would list their weights.
        prior_samples: number of samples from N(0, 1) to add, 0 to 100,000.

    Raises:
        UserError: more points than thumbnails fit on a sheet.
    """

    def __init__(self, faces: SharedEncoding, log_dir: str | os.PathLike[str], prior_samples: int = 200):
        super().__init__(faces, log_dir)
        self.prior_samples = arguments.whole_number("prior_samples", prior_samples, 0, 100_000)
        count = len(self.faces.images) + self.prior_samples + len(self.faces.attribute_names)
        self._side = projector.thumbnail_side(count, min(self.faces.images.shape[1:3]))
        self._clouds: dict[int, projector.Cloud] = {}

    def begin(self, epoch: int) -> None:
        stored = projector.read_config(self.log_dir)
        self._clouds = {number: cloud for cloud in stored if 0 <= (number := _epoch_of(cloud)) < epoch}
        columns, pixels = (self.log_dir / "projector" / f"faces.{suffix}" for suffix in ("tsv", "sha256"))
        now = hashlib.sha256(np.ascontiguousarray(self.faces.images).data).hexdigest()
        # Version 0.1 kept no hash of the pixels.
        is_known = not pixels.exists() or pixels.read_text(encoding="utf-8") == now
        same_columns = (
            columns.exists() and columns.read_bytes() == self._columns(self._all_indices()).encode()
        )
        if not (self._clouds and is_known and same_columns):
            # No labels yet, or labels of other faces, which do not belong to the rows of the stored clouds.
            self._clouds = {}
            if columns.parent.exists():
                projector.write_config(self.log_dir, [])
            self._write_labels("faces", self._all_indices())
        with whole_file(pixels) as temporary:
            temporary.write_text(now, encoding="utf-8")
        if stored:
            self._write_config()

    def write(self, epoch: int, encodings: Encodings) -> None:
        complete = len(encodings.indices) == len(self.faces.images)
        labels = "faces" if complete else f"epoch-{epoch:05d}"
        if not complete:
            self._write_labels(labels, encodings.indices)
        random = np.random.default_rng(0)
        prior = random.standard_normal((self.prior_samples, encodings.mean.shape[1]), np.float32)
        centroids = [
            encodings.mean[has].mean(axis=0) for has in self._attribute_masks(encodings.indices).values()
        ]
        points = np.concatenate([encodings.mean, prior, *(c[None] for c in centroids)])
        path = f"projector/epoch-{epoch:05d}.bytes"
        self._clouds[epoch] = projector.Cloud(
            name=f"epoch {epoch}",
            points=path,
            shape=projector.write_points(self.log_dir / path, points),
            columns=f"projector/{labels}.tsv",
            thumbnails=f"projector/{labels}.jpg",
            side=self._side,
        )
        self._write_config()

    def _write_config(self):
        """Lists the clouds to keep in the projector's configuration, and removes the files of all others."""
        kept = kept_epochs(self._clouds)
        self._clouds = {epoch: self._clouds[epoch] for epoch in kept}
        shown = []
        for epoch, cloud in self._clouds.items():
            # The page opens with the first name in alphabetical order.
            name = (
                f"0 newest: epoch {epoch}" if epoch == kept[-1] else f"epoch {epoch:0{len(str(kept[-1]))}d}"
            )
            shown.append(dataclasses.replace(cloud, name=name))
        projector.write_config(self.log_dir, shown)
        used = {file for cloud in shown for file in (cloud.points, cloud.columns, cloud.thumbnails)}
        for path in (self.log_dir / "projector").glob("epoch-*"):
            if _OWN_FILE.fullmatch(path.name) and f"projector/{path.name}" not in used:
                path.unlink()

    # --------------------------------------------------------------------------------------------------------
    # Labels: columns and thumbnails of the points, in their order
    # --------------------------------------------------------------------------------------------------------

    def _write_labels(self, name, indices):
        folder = self.log_dir / "projector"
        projector.write_thumbnails(folder / f"{name}.jpg", self._thumbnails(indices))
        with whole_file(folder / f"{name}.tsv") as temporary:
            temporary.write_text(self._columns(indices), encoding="utf-8")

    def _columns(self, indices):
        centroids = self._attribute_masks(indices)
        others = self.prior_samples + len(centroids)
        columns = {
            "name": [f"face {index}" for index in indices]
            + ["prior sample"] * self.prior_samples
            + [f"centroid of {printable(name)}" for name in centroids],
            "kind": ["face"] * len(indices)
            + ["prior sample"] * self.prior_samples
            + ["attribute centroid"] * len(centroids),
        }
        for position, name in enumerate(self.faces.attribute_names if centroids else ()):
            values = ["yes" if value else "no" for value in self.faces.attributes[indices, position]]
            columns[_heading(name, columns)] = values + ["–"] * others
        return projector.columns_text(columns)

    def _thumbnails(self, indices):
        side = self._side
        # One at a time: thousands of float32 images would take too much memory before they are made smaller.
        faces = [_resized(self.faces.images[index], side) for index in indices]
        tiles = [_tile("N(0,1)", side)] * self.prior_samples
        tiles += [_tile(printable(name).replace("_", "\n"), side) for name in self._attribute_masks(indices)]
        return np.stack(faces + tiles)

    def _attribute_masks(self, indices):
        """The faces that have each attribute, `bool[faces]` by name, without attributes that none of them has."""
        if self.faces.attributes is None:
            return {}
        has = dict(zip(self.faces.attribute_names, self.faces.attributes[indices].T > 0, strict=True))
        return {name: which for name, which in has.items() if which.any()}

    def _all_indices(self):
        return np.arange(len(self.faces.images))


def kept_epochs(epochs: Iterable[int]) -> list[int]:
    """The first and the last of some epochs, and at most 30 spread between them.

    While there are more, the epoch whose two neighbours are closest together is removed, so that those kept stay
    evenly spread as epochs are added one by one.
    """
    kept = sorted(epochs)
    while len(kept) > EPOCHS_BETWEEN + 2:
        spans = [after - before for before, after in zip(kept, kept[2:], strict=False)]
        del kept[1 + spans.index(min(spans))]
    return kept


def _epoch_of(cloud: projector.Cloud) -> int:
    """The epoch of a cloud that this callback wrote, -1 for any other."""
    found = re.fullmatch(r"projector/epoch-(\d{5,9})\.bytes", cloud.points)
    return int(found[1]) if found else -1


def _resized(image, side):
    if image.dtype != np.uint8:
        image = np.round(np.clip(image, 0.0, 1.0) * 255.0).astype(np.uint8)
    # Faces that are not square get margins.
    return np.asarray(ImageOps.pad(Image.fromarray(image), (side, side), Image.Resampling.BOX, TILE_COLOUR))


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
