"""What the value of --data means."""

import pytest

from facevae.data import tfds_source
from facevae.data.folder import FolderSource
from facevae.data.sources import open_source
from facevae.errors import UserError


@pytest.fixture
def here(tmp_path, monkeypatch):
    (tmp_path / "celeb_a").mkdir()
    (tmp_path / "celeb_a" / "a.jpg").write_bytes(b"")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    return tmp_path


@pytest.mark.parametrize("data", ["celeb_a", "./celeb_a", "celeb_a/", "~/celeb_a"])
def test_an_existing_folder_is_that_folder(here, data):
    source = open_source(data, None, 64)
    assert isinstance(source, FolderSource)
    assert source.path == here / "celeb_a"
    assert source.name == "celeb_a"


@pytest.mark.parametrize("data", ["./lfw", "faces/celeba", "/no/such/folder", "~/lfw"])
def test_a_path_that_does_not_exist_is_refused_as_one(here, data):
    with pytest.raises(UserError, match="expected an existing folder of pictures, received") as caught:
        open_source(data, None, 64)
    assert repr(data) in str(caught.value)


@pytest.mark.parametrize("data", ["somebody:faces", "huggingface:faces", "kaggle:faces", "celeb_a:2.0.0"])
def test_a_data_set_that_brings_its_own_code_is_refused(here, data):
    with pytest.raises(UserError, match=f"received '{data}'"):
        open_source(data, None, 64)


def test_a_file_is_refused_with_advice(here):
    (here / "celeba.zip").write_bytes(b"PK")
    with pytest.raises(UserError, match=r"received the file 'celeba.zip'. Unpack it"):
        open_source("celeba.zip", None, 64)


@pytest.mark.parametrize(
    ("data", "full_name"),
    [("lfw", "lfw/0.1.1"), ("celeb_a_hq/64", "celeb_a_hq/64"), ("synthetic_faces", "synthetic_faces/32")],
)
def test_names_are_data_sets(here, data, full_name):
    source = open_source(data, str(here / "tfds"), 32)
    assert isinstance(source, tfds_source.TfdsSource)
    assert full_name in source.key
    assert str(here / "tfds") in source.key
