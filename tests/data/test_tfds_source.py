"""tensorflow-datasets: CelebA mocked; a small data set and the synthetic faces prepared."""

import json
import os
import pathlib
import shutil

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_datasets as tfds
from etils import epath
from etils.epath import backend as epath_backend
from etils.epath import gpath

from facevae import synthetic_faces
from facevae.data import downloads, prepare, tfds_source
from facevae.data.tfds_source import TfdsSource, find_tfds_source
from facevae.errors import UserError

pytestmark = pytest.mark.filterwarnings(
    # tensorflow-datasets 4.9.10 and what it imports, under Python 3.11
    "ignore::DeprecationWarning",
    "ignore::ResourceWarning",
)


class TinyFaces(tfds.core.GeneratorBasedBuilder):
    """Ten faces with their number as grey level, in the splits that the test asks for."""

    VERSION = tfds.core.Version("1.2.3")
    SPLITS = ("train",)

    def _info(self):
        return tfds.core.DatasetInfo(
            builder=self,
            features=tfds.features.FeaturesDict(
                {
                    "image": tfds.features.Image(shape=(24, 20, 3), encoding_format="png"),
                    "attributes": {"Smiling": np.bool_, "Young": np.bool_, "score": np.float32},
                    "mask": tfds.features.Image(shape=(24, 20, 1)),
                }
            ),
        )

    def _split_generators(self, dl_manager):
        return {name: self._generate_examples(index) for index, name in enumerate(self.SPLITS)}

    def _generate_examples(self, split):
        for number in range(10):
            attributes = {"Smiling": number % 2 == 0, "Young": number >= 5, "score": 0.5}
            image = np.full((24, 20, 3), 20 * number + split, np.uint8)
            yield number, {"image": image, "attributes": attributes, "mask": image[..., :1]}


class LabelsOnly(tfds.core.GeneratorBasedBuilder):
    """No pictures."""

    VERSION = tfds.core.Version("1.0.0")

    def _info(self):
        return tfds.core.DatasetInfo(builder=self, features=tfds.features.FeaturesDict({"label": np.int64}))

    def _split_generators(self, dl_manager):
        return {}

    def _generate_examples(self):
        yield 0, {"label": 0}


@pytest.fixture
def places(tmp_path):
    return {"data_dir": str(tmp_path / "tfds"), "cache_dir": str(tmp_path / "cache")}


@pytest.fixture
def no_network(monkeypatch):
    def refuse(*_args, **_kwargs):
        raise AssertionError("asked the network")

    monkeypatch.setattr(downloads.requests, "get", refuse)


@pytest.mark.parametrize(
    ("splits", "expected"),
    [
        (("train", "validation", "test"), {"train": 10, "validation": 10, "test": 10}),
        (("train", "test"), {"test": 10}),
        (("train", "valid", "extra"), {"validation": 10}),
        (("train",), {}),
        (("everything",), {}),
        (("test",), {}),
    ],
)
def test_splits_are_kept_and_missing_ones_made(places, monkeypatch, no_network, splits, expected):
    monkeypatch.setattr(TinyFaces, "SPLITS", splits)
    dataset = prepare("tiny_faces", image_size=20, **places)
    names = {name: set(getattr(dataset, name).names(slice(None))) for name in ("train", "validation", "test")}
    assert all(names.values())
    assert not names["train"] & names["validation"]
    assert not names["train"] & names["test"]
    assert not names["validation"] & names["test"]
    for name, count in expected.items():
        assert len(names[name]) == count
    unused = {"extra"} & set(splits)
    assert sum(map(len, names.values())) == 10 * (len(splits) - len(unused))


def test_pixels_and_attributes_belong_together(places, no_network):
    dataset = prepare("tiny_faces", image_size=20, **places)
    assert dataset.attribute_names == ("Smiling", "Young")
    seen = []
    for records in (dataset.train, dataset.validation, dataset.test):
        images = records.images(slice(None))
        assert np.all(images == images[:, :1, :1, :1])
        numbers = images[:, 0, 0, 0] // 20
        np.testing.assert_array_equal(
            records.attributes(slice(None)), np.stack([numbers % 2 == 0, numbers >= 5], 1)
        )
        seen += numbers.tolist()
    assert sorted(seen) == list(range(10))


def test_records_outlive_the_data_set_and_are_remade_with_it(places, tmp_path, no_network, capsys):
    prepare("tiny_faces", image_size=20, **places)
    assert "Preparing" in capsys.readouterr().out
    (prepared,) = (tmp_path / "tfds" / "tiny_faces").iterdir()
    prepared.rename(tmp_path / "away")
    prepare("tiny_faces", image_size=20, **places)
    assert "Preparing" not in capsys.readouterr().out
    assert not prepared.exists()
    (tmp_path / "away").rename(prepared)
    info = json.loads((prepared / "dataset_info.json").read_text())
    info["splits"][0]["numBytes"] = "12345"
    (prepared / "dataset_info.json").write_text(json.dumps(info))
    prepare("tiny_faces", image_size=20, **places)
    assert "Preparing" in capsys.readouterr().out


def test_mocked_celeb_a(places, monkeypatch):
    monkeypatch.setattr(tfds_source, "downloads_refused", lambda builder: None)
    with tfds.testing.mock_data(num_examples=6):
        dataset = prepare("celeb_a", crop=148, image_size=32, **places)
    assert dataset.name == "celeb_a"
    assert len(dataset.attribute_names) == 40
    assert dataset.attribute_names[0] == "5_o_Clock_Shadow"
    assert len(dataset.train) + len(dataset.validation) + len(dataset.test) == 6
    assert dataset.train.images(slice(0, 2)).shape == (2, 32, 32, 3)
    assert dataset.train.attributes(slice(0, 2)).shape == (2, 40)


def test_synthetic_faces_are_drawn_and_prepared(places, monkeypatch, no_network):
    whole = synthetic_faces.builder_for
    sizes = {"train": 6, "validation": 2, "test": 2}
    monkeypatch.setattr(synthetic_faces, "builder_for", lambda size, folder: whole(size, folder, sizes))
    dataset = prepare("synthetic_faces", image_size=32, **places)
    assert [len(dataset.train), len(dataset.validation), len(dataset.test)] == [6, 2, 2]
    assert dataset.attribute_names == tuple(synthetic_faces.ATTRIBUTE_NAMES)
    drawn = synthetic_faces.sample_faces(6, 0, 0)
    np.testing.assert_array_equal(dataset.train.attributes(slice(None)), drawn.attributes)
    examples = whole(32, places["data_dir"], sizes).as_dataset(split="train").as_numpy_iterator()
    np.testing.assert_array_equal(
        dataset.train.images(slice(None)), [example["image"] for example in examples]
    )


@pytest.fixture
def bucket(monkeypatch):
    """TensorFlow's file system in memory, which tensorflow-datasets is told to take for a bucket."""
    # Their tables of file systems have no public door; no real bucket can be reached in a test.
    monkeypatch.setattr(gpath, "_URI_SCHEMES", gpath._URI_SCHEMES | {"ram"})
    monkeypatch.setattr(gpath, "_URI_PREFIXES", (*gpath._URI_PREFIXES, "ram://"))
    monkeypatch.setitem(gpath._URI_MAP_ROOT, "ram://", "/ram/")
    monkeypatch.setitem(gpath._PREFIX_TO_BACKEND, "ram", epath_backend.tf_backend)
    epath.register_path_cls("ram://")(gpath.PosixGPath)
    return "ram://bucket/data sets"


def test_a_data_set_is_read_from_a_bucket(places, bucket, monkeypatch, no_network):
    whole = synthetic_faces.builder_for
    sizes = {"train": 6, "validation": 2, "test": 2}
    whole(32, places["data_dir"], sizes).download_and_prepare()
    disk = pathlib.Path(places["data_dir"])
    for file in disk.rglob("*"):
        copy = f"{bucket}/{file.relative_to(disk)}"
        tf.io.gfile.makedirs(copy) if file.is_dir() else tf.io.gfile.copy(str(file), copy)
    shutil.rmtree(disk)
    monkeypatch.setattr(synthetic_faces, "builder_for", lambda size, folder: whole(size, folder, sizes))
    dataset = prepare("synthetic_faces", image_size=32, **{**places, "data_dir": bucket})
    assert [len(dataset.train), len(dataset.validation), len(dataset.test)] == [6, 2, 2]
    drawn = synthetic_faces.sample_faces(6, 0, 0)
    np.testing.assert_array_equal(dataset.train.attributes(slice(None)), drawn.attributes)
    assert not disk.exists()


def test_crop_larger_than_the_pictures_is_refused(places, no_network):
    with pytest.raises(UserError, match="20x24 pixels, smaller than the crop of 148x148"):
        prepare("tiny_faces", crop=148, image_size=20, **places)


def test_data_set_without_pictures_is_refused(places):
    with pytest.raises(UserError, match=r"labels_only/1.0.0 has no feature `image` .*it has label"):
        find_tfds_source("labels_only", places["data_dir"])


@pytest.mark.parametrize("name", ["celebA_", "celeb_b", "celeba"])
def test_unknown_name_gets_the_nearest_ones(name):
    with pytest.raises(UserError, match=r"synthetic_faces.*folder.*Nearest .*celeb_a") as caught:
        find_tfds_source(name, None)
    assert repr(name) in str(caught.value)


@pytest.mark.parametrize("name", ["", "no such thing", "../x", "celeb_a/no_such_configuration"])
def test_impossible_names_are_one_message(name):
    with pytest.raises(UserError, match=r"^data: "):
        find_tfds_source(name, None)


def test_a_refused_download_is_one_message_with_kaggle_as_the_alternative(places, monkeypatch):
    monkeypatch.setattr(tfds_source, "downloads_refused", lambda builder: "the quota is used up")
    with pytest.raises(UserError, match="cannot be downloaded: the quota is used up") as caught:
        prepare("celeb_a", **places)
    assert "jessicali9530/celeba-dataset" in str(caught.value)
    assert "python train.py --data FOLDER" in str(caught.value)


@pytest.mark.parametrize(
    "error",
    [
        downloads.requests.exceptions.ConnectionError("Max retries exceeded"),
        tfds.download.DownloadError("Failed to get url. HTTP code: 403."),
        ValueError("Failed to obtain confirmation link for GDrive URL"),
        AssertionError("Manual directory does not exist or is empty."),
        ImportError("Failed importing bs4."),
        OSError(28, "No space left on device"),
    ],
)
def test_a_download_that_fails_later_is_one_message_too(places, monkeypatch, error):
    monkeypatch.setattr(tfds_source, "downloads_refused", lambda builder: None)

    def fail(self, **_kwargs):
        raise error

    monkeypatch.setattr(tfds.core.DatasetBuilder, "download_and_prepare", fail)
    with pytest.raises(UserError, match="tensorflow-datasets could not prepare celeb_a") as caught:
        prepare("celeb_a", **places)
    assert str(error) in str(caught.value)
    assert "python train.py --data FOLDER" in str(caught.value)
    assert not os.path.exists(places["cache_dir"]) or not any(
        path.is_dir() for path in os.scandir(places["cache_dir"])
    )


def test_prepared_data_set_asks_no_network(places, no_network):
    builder = tfds.builder("tiny_faces", data_dir=places["data_dir"])
    builder.download_and_prepare()
    source = TfdsSource(builder)
    source.open()
    assert len(list(source.examples())) == 10
