"""Shared by all tests: small faces, small models, and where the real photographs are."""

import os
import pathlib

import numpy as np
import pytest
from PIL import Image


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
def blob_dataset(blob_images):
    """A data set in memory: 48 training, 16 validation and 16 test blobs at 32×32 with two attributes."""
    from facevae.data import FaceDataset, Records

    def split(count: int, seed: int) -> Records:
        attributes = np.random.default_rng(seed).integers(0, 2, (count, 2), dtype=np.uint8)
        names = [f"blob{number}" for number in range(count)]
        return Records(blob_images(count, seed=seed), attributes, names, np.arange(count))

    splits = [split(48, 0), split(16, 1), split(16, 2)]
    return FaceDataset("blobs", 32, ("Smiling", "Young"), *splits, left_out={}, folder=pathlib.Path())


@pytest.fixture
def folder(tmp_path, blob_images):
    """A folder of 40 pictures, 40 pixels a side."""
    path = tmp_path / "faces"
    path.mkdir()
    for number, image in enumerate(blob_images(40, size=40)):
        Image.fromarray(image).save(path / f"{number}.png")
    return path


@pytest.fixture(scope="session")
def real_faces() -> pathlib.Path:
    """The folder of real photographs that the machine has; tests that need it skip elsewhere."""
    folder = os.environ.get("FACEVAE_REAL_FACES")
    if not folder or not pathlib.Path(folder).is_dir():
        pytest.skip("needs real photographs: set FACEVAE_REAL_FACES to a CelebA folder")
    return pathlib.Path(folder)


@pytest.fixture(scope="session")
def playwright_driver():
    """What drives Chromium: one for all tests, since a process cannot start a second."""
    sync_api = pytest.importorskip("playwright.sync_api", reason="needs playwright: pip install -e '.[test]'")
    with sync_api.sync_playwright() as driver:
        yield driver
