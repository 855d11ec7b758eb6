"""The latents in TensorBoard's projector, epoch by epoch."""

import dataclasses
import hashlib
import os
import re
from collections.abc import Iterable

import numpy as np

from callbacks.face_callback import FaceCallback
from callbacks.projector_labels import ProjectorLabels
from callbacks.shared_encoding import SharedEncoding
from facevae import arguments
from facevae.files import whole_file
from facevae.run.encodings import Encodings
from facevae.tensorboard import projector

EPOCHS_BETWEEN = 30  # epochs kept between the first and the newest
_OWN_FILE = re.compile(r"(epoch|prior)-\d{5,9}\.(bytes|tsv|jpg)")
# Names of the files with the labels of all faces. Version 0.1 had one for faces and samples from the prior together.
POINTS, POINTS_WITH_PRIOR, POINTS_OF_0_1 = "points", "points-prior", "faces"


class EmbeddingProjector(FaceCallback):
    """Shows the posterior means of the faces in the projector, with thumbnails and attributes to colour by.

    With them are the origin, which is the mean of N(0, 1), the mean of the faces, and the centroid of each attribute
    (the mean of the faces that have it). Samples from the prior, which would hide the faces, have an entry of their
    own, `with N(0, 1)`, with the newest epoch; it shows whether the faces fill the prior.

    The first epoch, the newest and at most 30 spread between them are kept. The newest opens first; while training
    runs, reload the page to see it. A resumed training continues the history on disk.

    Args:
        faces: the fixed faces.
        log_dir: folder of the TensorBoard run to write to. Keep model checkpoints out of it and of its
            parent folder: the projector would list their weights.
        prior_samples: number of samples from N(0, 1) in the entry of their own, at most half as many as there are
            faces, 0 to 100,000; 0 for no such entry.

    Raises:
        UserError: more points than thumbnails fit on a sheet.
    """

    def __init__(self, faces: SharedEncoding, log_dir: str | os.PathLike[str], prior_samples: int = 200):
        super().__init__(faces, log_dir)
        self.prior_samples = arguments.whole_number("prior_samples", prior_samples, 0, 100_000)
        self._labels = ProjectorLabels(self.faces)
        self._clouds: dict[int, projector.Cloud] = {}
        self._with_prior: projector.Cloud | None = None

    def begin(self, epoch: int) -> None:
        stored = projector.read_config(self.log_dir)
        pixels = self.log_dir / "projector" / "faces.sha256"
        now = hashlib.sha256(np.ascontiguousarray(self.faces.images).data).hexdigest()
        # Version 0.1 kept no hash of the pixels.
        is_known = not pixels.exists() or pixels.read_text(encoding="utf-8") == now
        self._clouds, self._with_prior = {}, None
        for cloud in stored if is_known else ():
            if 0 <= (number := _epoch_of(cloud)) < epoch and (kept := self._continued(cloud, number)):
                self._clouds[number] = kept
            elif 0 <= _epoch_of(cloud, "prior") < epoch and self._are_labels(cloud, POINTS_WITH_PRIOR):
                self._with_prior = cloud
        if stored and not self._clouds:
            projector.write_config(self.log_dir, [])  # before the labels of other faces are replaced
        indices = np.arange(len(self.faces.images))
        self._write_labels(POINTS, indices)
        self._write_labels(POINTS_WITH_PRIOR, indices, self._prior_count(len(indices)))
        with whole_file(pixels) as temporary:
            temporary.write_text(now, encoding="utf-8")
        if self._clouds:
            self._write_config()

    def write(self, epoch: int, encodings: Encodings) -> None:
        indices, mean = encodings.indices, encodings.mean
        centroids = [mean[has].mean(axis=0) for has in self._labels.masks(indices).values()]
        points = _with_landmarks(mean, centroids)
        self._clouds[epoch] = self._cloud("epoch", POINTS, epoch, points, indices)
        # The page sorts by the number of points first: samples take the places of faces, lest this entry open first.
        if count := self._prior_count(len(indices)):
            prior = np.random.default_rng(0).standard_normal((count, mean.shape[1]), np.float32)
            points = np.concatenate([points[: len(points) - count], prior])
            self._with_prior = self._cloud("prior", POINTS_WITH_PRIOR, epoch, points, indices, count)
        self._write_config()

    def _cloud(self, kind, labels, epoch, points, indices, prior_samples=0):
        """Writes a cloud's points and, where they are not those of all faces, labels of its own."""
        file = f"{kind}-{epoch:05d}"
        if len(indices) < len(self.faces.images):
            labels = file
            self._write_labels(labels, indices, prior_samples)
        shape = projector.write_points(self.log_dir / "projector" / f"{file}.bytes", points)
        paths = (f"projector/{file}.bytes", shape, f"projector/{labels}.tsv", f"projector/{labels}.jpg")
        return projector.Cloud(f"with N(0, 1): epoch {epoch}", *paths, self._labels.side)

    def _prior_count(self, faces):
        return min(self.prior_samples, faces // 2)

    def _write_labels(self, name, indices, prior_samples=0):
        self._labels.write(self.log_dir / "projector" / name, indices, prior_samples)

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
        if self._with_prior is not None:
            shown.append(self._with_prior)
        projector.write_config(self.log_dir, shown)
        used = {file for cloud in shown for file in (cloud.points, cloud.columns, cloud.thumbnails)}
        for path in (self.log_dir / "projector").iterdir():
            if _OWN_FILE.fullmatch(path.name) and f"projector/{path.name}" not in used:
                path.unlink()

    # --------------------------------------------------------------------------------------------------------
    # What a resumed training finds
    # --------------------------------------------------------------------------------------------------------

    def _are_labels(self, cloud, name):
        """Whether a cloud has the labels of all faces, in the file of this name."""
        indices = np.arange(len(self.faces.images))
        prior_samples = self._prior_count(len(indices)) if name == POINTS_WITH_PRIOR else 0
        expected = self._labels.columns(indices, prior_samples).splitlines()
        return cloud.columns == f"projector/{name}.tsv" and self._stored_columns(cloud) == expected

    def _stored_columns(self, cloud):
        try:
            return (self.log_dir / cloud.columns).read_text(encoding="utf-8").splitlines()
        except (OSError, ValueError):
            return []

    def _continued(self, cloud, epoch):
        """A stored cloud of these faces, as it is or with its points in today's order; None if it is of others."""
        if self._are_labels(cloud, POINTS):
            return cloud
        stored, count = self._stored_columns(cloud), len(self.faces.images)
        header, *rows = self._labels.columns(np.arange(count)).splitlines()
        if _OWN_FILE.fullmatch(cloud.columns.removeprefix("projector/")):  # it lacks some of the faces
            return cloud if stored[:1] == [header] else None
        has_faces = stored[: 1 + count] == [header, *rows[-count:]]
        if cloud.columns != f"projector/{POINTS_OF_0_1}.tsv" or not has_faces:
            return None
        # Faces, samples from the prior, centroids.
        points = np.fromfile(self.log_dir / cloud.points, "<f4").reshape(cloud.shape)
        centroids = points[len(points) - (len(rows) - count - 2) :]
        # Under another name: whatever interrupts this, the configuration on disk fits the files that it lists.
        path = f"projector/epoch-{epoch:06d}.bytes"
        shape = projector.write_points(self.log_dir / path, _with_landmarks(points[:count], list(centroids)))
        files = {"columns": f"projector/{POINTS}.tsv", "thumbnails": f"projector/{POINTS}.jpg"}
        return dataclasses.replace(cloud, points=path, shape=shape, side=self._labels.side, **files)


def _with_landmarks(mean: np.ndarray, centroids: list[np.ndarray]) -> np.ndarray:
    """The points in the order of their labels: origin, mean of the faces, centroids, faces."""
    return np.stack([np.zeros_like(mean[0]), mean.mean(axis=0), *centroids, *mean])


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


def _epoch_of(cloud: projector.Cloud, kind: str = "epoch") -> int:
    """The epoch of a cloud that this callback wrote, of a `kind`: `epoch` or `prior`; -1 for any other."""
    found = re.fullmatch(rf"projector/{kind}-(\d{{5,9}})\.bytes", cloud.points)
    return int(found[1]) if found else -1
