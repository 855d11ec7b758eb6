"""The identity of a face: a hash of its prepared pixels, by which what is read from the disk is checked as well."""

import contextlib
import hashlib
import pathlib
from collections.abc import Iterable

import numpy as np

from facevae.errors import UserError

HASH_BYTES = 16  # of SHA-256: among a billion faces two different ones share a hash with a chance of 1e-21
DAMAGED = "damaged"  # a file of this name in a records' folder says that wrong pixels were read from it

_WHOLE_CHECK_BYTES = 2**28  # up to here all pixels are checked at opening, which takes well under a second
# Beyond it these many, in as many places: a slow disk seeks 64 times.
_SAMPLED_BYTES, _SAMPLED_RUNS = 2**26, 64


def pixel_hash(face: np.ndarray) -> bytes:
    """The hash of one face, `uint8[size, size, 3]`."""
    return hashlib.sha256(np.ascontiguousarray(face).data).digest()[:HASH_BYTES]


def pixel_hashes(images: np.ndarray) -> np.ndarray:
    """The hashes `uint8[faces, 16]` of images `uint8[faces, size, size, 3]`."""
    joined = b"".join(pixel_hash(face) for face in images)
    return np.frombuffer(joined, np.uint8).reshape(len(images), HASH_BYTES)


def fingerprint(identities: np.ndarray) -> dict[str, str]:
    """A hash of all `pixels` and one of all `attributes` of some faces, in order.

    Args:
        identities: `uint8[faces, 16 + B]`, see `Records.identities`.
    """
    parts = {"pixels": identities[:, :HASH_BYTES], "attributes": identities[:, HASH_BYTES:]}
    return {name: hashlib.sha256(part.tobytes()).hexdigest() for name, part in parts.items()}


class CheckedPixels:
    """Prepared pixels, each face of which is compared with its hash when it is read for the first time.

    Args:
        images: `uint8[faces, size, size, 3]`, a memory map.
        hashes: `uint8[faces, 16]`.
        folder: of the records.

    Attributes:
        shape: of `images`.
        damage: the message of the `UserError` that a read has raised; None while all were as prepared.
    """

    def __init__(self, images: np.ndarray, hashes: np.ndarray, folder: pathlib.Path):
        self.shape = images.shape
        self.damage: str | None = None
        self._images, self._hashes, self._folder = images, hashes, folder
        self._unchecked = np.ones(len(images), bool)

    def damaged_at_opening(self) -> tuple[int, int]:
        """Checks all faces of a small data set, of a large one faces in 64 places.

        Returns:
            How many are damaged, and how many were checked.
        """
        rows = np.arange(len(self._images))
        if self._images.nbytes > _WHOLE_CHECK_BYTES:
            length = max(1, _SAMPLED_BYTES // _SAMPLED_RUNS // self._images[0].nbytes)
            places = np.arange(_SAMPLED_RUNS) + np.random.default_rng().random(_SAMPLED_RUNS)
            starts = (places * (len(rows) - length) / _SAMPLED_RUNS).astype(np.int64)
            rows = np.unique(starts[:, None] + np.arange(length))
        return len(self._damaged(rows, (self._images[row] for row in rows))), len(rows)

    def __getitem__(self, rows: np.ndarray) -> np.ndarray:
        """The pixels of some faces, `uint8[n, size, size, 3]`, a copy.

        Args:
            rows: `int[n]`.

        Raises:
            UserError: some are not the pixels that were prepared.
        """
        images = self._images[rows]
        (places,) = np.nonzero(self._unchecked[rows])
        if len(places) and (damaged := self._damaged(rows[places], images[places])):
            self._refuse(damaged)
        return images

    def _damaged(self, rows: np.ndarray, images: Iterable[np.ndarray]) -> list[int]:
        """The rows whose images have other hashes; the others are not checked again."""
        is_good = [
            pixel_hash(image) == self._hashes[row].tobytes()
            for row, image in zip(rows.tolist(), images, strict=True)
        ]
        self._unchecked[rows[is_good]] = False
        return rows[~np.array(is_good)].tolist()

    def _refuse(self, damaged: list[int]) -> None:
        advice = "Delete this folder, then start"
        with contextlib.suppress(OSError):
            (self._folder / DAMAGED).touch()
            advice = "Start"
        self.damage = (
            f"{self._folder}: {len(damaged)} of the prepared faces just read (number {damaged[0]} is the first) "
            f"have other pixels than were prepared: the disk or the copy is damaged. {advice} the command again "
            "(train.py with --resume): the faces are then prepared again."
        )
        raise UserError(self.damage)
