"""Folders of faces that runs are begun on."""

import pytest
from begun_runs import write_tables


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("FACEVAE_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture(params=["tables", "bare"])
def faces(request, folder, cache):
    """40 pictures, with tables of attributes and splits or without."""
    if request.param == "tables":
        write_tables(folder)
    return folder


@pytest.fixture
def tabled(folder, cache):
    write_tables(folder)
    return folder
