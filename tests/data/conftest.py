"""A folder of pictures to prepare, and where to."""

import pytest
from prepared_faces import make_faces

from facevae.data import preparation


@pytest.fixture
def source(tmp_path):
    return make_faces(tmp_path / "faces")


@pytest.fixture
def cache(tmp_path):
    return tmp_path / "cache"


@pytest.fixture
def how_often(monkeypatch):
    """The number of preparations so far."""
    made = []

    class Counting(preparation.RecordsWriter):
        def __init__(self, folder):
            made.append(folder)
            super().__init__(folder)

    monkeypatch.setattr(preparation, "RecordsWriter", Counting)
    return lambda: len(made)
