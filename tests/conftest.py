"""Shared by all tests: small faces, small models, and where the real photographs are."""

import os
import pathlib

import numpy as np
import pytest


class ArrayRecords:
    """A split held in memory, with the interface of `facevae.data.Records`."""

    def __init__(self, images: np.ndarray, attributes: np.ndarray | None = None):
        self._images, self._attributes = images, attributes

    def __len__(self) -> int:
        return len(self._images)

    def images(self, indices):
        return self._images[indices].copy()

    def attributes(self, indices):
        return None if self._attributes is None else self._attributes[indices].copy()

    def names(self, indices):
        return [f"{index:06d}" for index in np.arange(len(self._images))[indices]]


@pytest.fixture
def blob_images():
    """A function that draws `uint8[count, size, size, 3]`: a soft blob each, learnable within a few steps."""

    def draw(count: int, size: int = 32, seed: int = 0) -> np.ndarray:
        random = np.random.default_rng(seed)
        y, x = np.mgrid[0:size, 0:size] / size
        centre = random.uniform(0.3, 0.7, (2, count, 1, 1))
        blob = np.exp(-((x - centre[0]) ** 2 + (y - centre[1]) ** 2) / 0.04)
        colour = random.uniform(0.3, 1.0, (count, 1, 1, 3))
        return np.round(255 * blob[..., None] * colour).astype(np.uint8)

    return draw


@pytest.fixture
def array_records():
    """The class `ArrayRecords`."""
    return ArrayRecords


@pytest.fixture(scope="session")
def real_faces() -> pathlib.Path:
    """The folder of real photographs that the machine has; tests that need it skip elsewhere."""
    folder = os.environ.get("FACEVAE_REAL_FACES")
    if not folder or not pathlib.Path(folder).is_dir():
        pytest.skip("needs real photographs: set FACEVAE_REAL_FACES to a CelebA folder")
    return pathlib.Path(folder)
