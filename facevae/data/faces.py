"""Prepared faces as they are used: the records of one split, and a data set of three splits."""

import dataclasses
import functools
import pathlib
from collections.abc import Sequence

import numpy as np

from facevae.data.pixels import CheckedPixels, fingerprint, pixel_hashes
from facevae.data.splits import BY_PIXELS, SPLIT_NAMES


class Records:
    """Faces of one split, in order.

    Args:
        images: uint8[n, size, size, 3], in memory or checked while they are read.
        attributes: uint8[n, A], or None.
        names: n names.
        rows: int[m], which of the n faces belong to this split.
        hashes: uint8[n, 16] of the pixels; None to make them when they are asked for.
    """

    def __init__(
        self,
        images: np.ndarray | CheckedPixels,
        attributes: np.ndarray | None,
        names: Sequence[str],
        rows: np.ndarray,
        hashes: np.ndarray | None = None,
    ):
        self._images, self._attributes, self._names, self._rows = images, attributes, names, rows
        self._all_hashes = hashes

    def __len__(self) -> int:
        return len(self._rows)

    @property
    def image_size(self) -> int:
        """Side of the images in pixels."""
        return self._images.shape[1]

    def images(self, indices: np.ndarray | slice) -> np.ndarray:
        """The pixels of some faces.

        Args:
            indices: int[n], or a slice.

        Returns:
            uint8[n, size, size, 3], a copy.
        """
        return self._images[self._rows[indices]]

    def attributes(self, indices: np.ndarray | slice) -> np.ndarray | None:
        """The attributes of some faces, uint8[n, A] of 0 and 1, a copy; None when the source has no attributes."""
        return None if self._attributes is None else self._attributes[self._rows[indices]]

    def names(self, indices: np.ndarray | slice) -> list[str]:
        """The n names of some faces: relative paths, or split and number."""
        return [self._names[row] for row in self._rows[indices]]

    @functools.cached_property
    def hashes(self) -> np.ndarray:
        """The hashes of all faces' pixels, uint8[faces, 16]."""
        if self._all_hashes is None:
            return pixel_hashes(self._images[self._rows])
        return self._all_hashes[self._rows]

    @functools.cached_property
    def identities(self) -> np.ndarray:
        """What each face is, whatever its name: uint8[faces, 16 + B], the hash of its pixels, attributes in B bytes."""
        attributes = self.attributes(slice(None))
        if attributes is None:
            return self.hashes
        return np.concatenate([self.hashes, np.packbits(attributes, axis=1)], axis=1)

    @property
    def fingerprint(self) -> dict[str, str]:
        """A hash of all `pixels` and one of all `attributes`, in the split's order."""
        return fingerprint(self.identities)

    def reordered(self, order: np.ndarray) -> "Records":
        """The same faces in the order of the indices int[faces]."""
        return Records(self._images, self._attributes, self._names, self._rows[order], self._all_hashes)

    @property
    def damage(self) -> str | None:
        """The message of the error that a read of damaged pixels has raised; None if there was none."""
        return self._images.damage if isinstance(self._images, CheckedPixels) else None


@dataclasses.dataclass(frozen=True)
class FaceDataset:
    """A prepared source.

    Attributes:
        name: the source's name.
        image_size: side of the images in pixels.
        attribute_names: CelebA's names, or those of the source; () without attributes.
        train, validation, test: the splits, which share no face.
        left_out: pictures that could not be used, with the reason.
        folder: of the records.
        split_rule: how missing splits were made: `BY_PIXELS`, or `BY_NAME` as in version 0.1.
        duplicates: number of faces whose pixels another face has.
        found: where the faces were found in photographs, how many of these had `none`, `one` and `several`, and how
            many more faces were `left_out`; None where the pictures were taken as they are.
        moved: number of duplicates that are in another split than the source says.
    """

    name: str
    image_size: int
    attribute_names: tuple[str, ...]
    train: Records
    validation: Records
    test: Records
    left_out: dict[str, str]
    folder: pathlib.Path
    split_rule: int = BY_PIXELS
    duplicates: int = 0
    moved: int = 0
    found: dict[str, int] | None = None

    @property
    def splits(self) -> dict[str, Records]:
        """The three splits by name."""
        return {name: getattr(self, name) for name in SPLIT_NAMES}

    @property
    def counts(self) -> dict[str, int]:
        """Faces of each split, by its name."""
        return {name: len(records) for name, records in self.splits.items()}
