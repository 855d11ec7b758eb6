"""Damaged records: noticed at opening or at the first read, whichever file is damaged, and prepared again."""

import json
import os
import shutil

import numpy as np
import pytest

from facevae.data import pixels, prepare, training_batches
from facevae.data.records import DamagedRecordsError, load_records
from facevae.errors import UserError

SIZE = 40
FILES = ("images.uint8", "hashes.uint8", "splits.uint8", "given.uint8", "attributes.uint8", "names.json")


@pytest.fixture
def folder(folder):
    """40 pictures with an attribute and a table of splits."""
    rows = [f"{number}.png,{1 if number % 3 else -1}" for number in range(40)]
    (folder / "list_attr_celeba.csv").write_text("\n".join(["image_id,Smiling", *rows]))
    rows = [f"{number}.png,{number % 3}" for number in range(40)]
    (folder / "list_eval_partition.csv").write_text("\n".join(["image_id,partition", *rows]))
    return folder


@pytest.fixture
def opened(folder, tmp_path):
    """A function that prepares or opens the faces."""
    return lambda: prepare(folder, image_size=SIZE, cache_dir=tmp_path / "cache")


def everything(dataset):
    return [(s.names(slice(None)), s.identities.tolist()) for s in dataset.splits.values()]


def overwrite(path, offset, content):
    """Changes bytes of a file, and neither its size nor its times."""
    status = path.stat()
    with open(path, "r+b") as file:
        file.seek(offset)
        file.write(content)
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))


def flip(path, offset):
    overwrite(path, offset, bytes([path.read_bytes()[offset] ^ 1]))


@pytest.mark.parametrize("place", [0.0, 0.5, 0.999])
@pytest.mark.parametrize("name", FILES)
def test_a_bit_that_flips_in_any_file_is_noticed_and_the_faces_prepared_again(opened, caplog, name, place):
    first = opened()
    expected, path = everything(first), first.folder / name
    flip(path, int(place * path.stat().st_size))
    assert everything(opened()) == expected
    assert f"damaged ({name}" in caplog.text
    caplog.clear()
    opened()
    assert not caplog.text


DAMAGES = {
    "half of the pixels are 0": lambda folder: overwrite(
        folder / "images.uint8", 0, bytes(20 * SIZE * SIZE * 3)
    ),
    "two faces are exchanged": lambda folder: exchange_faces(folder / "images.uint8", 3, 17),
    "all training faces": lambda folder: overwrite(folder / "splits.uint8", 0, bytes(40)),
    "all attributes are 0": lambda folder: overwrite(folder / "attributes.uint8", 0, bytes(40)),
    "a name changed": lambda folder: (folder / "names.json").write_text(
        (folder / "names.json").read_text().replace('"7.png"', '"07.png"')
    ),
    "another name of an attribute": lambda folder: change_index(folder, attribute_names=["Young"]),
    "fewer pictures left out": lambda folder: change_index(folder, left_out={"a.jpg": "bad"}),
    "no checksums": lambda folder: change_index(folder, checksums={}),
    "attributes missing": lambda folder: (folder / "attributes.uint8").unlink(),
}


def exchange_faces(path, first, second):
    faces = np.memmap(path, np.uint8, mode="r+").reshape(40, -1)
    faces[[first, second]] = faces[[second, first]]
    faces.flush()


def change_index(folder, **changes):
    index = json.loads((folder / "index.json").read_text())
    (folder / "index.json").write_text(json.dumps(index | changes))


@pytest.mark.parametrize("damage", DAMAGES)
def test_damaged_records_are_prepared_again(opened, caplog, damage):
    first = opened()
    DAMAGES[damage](first.folder)
    assert everything(opened()) == everything(first)
    assert "damaged" in caplog.text


def test_pixels_of_other_records_are_not_taken(opened, tmp_path, folder):
    first = opened()
    other = prepare(folder, image_size=SIZE, crop=39, cache_dir=tmp_path / "cache")
    shutil.copy(other.folder / "images.uint8", first.folder / "images.uint8")
    with pytest.raises(DamagedRecordsError, match="40 of 40 faces have other pixels"):
        load_records(first.folder, "faces", SIZE)


def test_of_many_pixels_a_sample_is_checked_at_opening(opened, monkeypatch):
    monkeypatch.setattr(pixels, "_WHOLE_CHECK_BYTES", 0)
    monkeypatch.setattr(pixels, "_SAMPLED_BYTES", 8 * SIZE * SIZE * 3)
    monkeypatch.setattr(pixels, "_SAMPLED_RUNS", 8)
    first = opened()
    overwrite(first.folder / "images.uint8", 0, bytes(20 * SIZE * SIZE * 3))
    with pytest.raises(DamagedRecordsError, match=r"[45] of 8 faces have other pixels"):
        load_records(first.folder, "faces", SIZE)


@pytest.fixture
def unsampled(monkeypatch):
    """No pixels are checked at opening, as the one damaged face of a large data set would not be."""
    monkeypatch.setattr(pixels.CheckedPixels, "damaged_at_opening", lambda self: (0, 0))


def test_a_damaged_face_is_noticed_when_it_is_read_and_then_prepared_again(opened, caplog, unsampled):
    first = opened()
    flip(first.folder / "images.uint8", 6 * SIZE * SIZE * 3)  # 14.png, a test face
    damaged = opened()
    good = damaged.train.images(slice(None))
    assert not caplog.text
    for _ in range(2):
        with pytest.raises(UserError, match=r"1 of the prepared faces just read \(number 6 .*with --resume"):
            damaged.test.images(slice(None))
    np.testing.assert_array_equal(damaged.test.images(np.array([0])), first.test.images(np.array([0])))
    again = opened()
    assert "damaged (images.uint8: wrong pixels were read" in caplog.text
    assert everything(again) == everything(first)
    np.testing.assert_array_equal(again.train.images(slice(None)), good)
    assert len(again.test.images(slice(None))) == len(again.test)


def test_a_damaged_face_in_a_batch_is_the_batches_error(opened, unsampled):
    flip(opened().folder / "images.uint8", 0)
    records = opened().train
    with pytest.raises(Exception, match="of the prepared faces just read"):
        list(training_batches(records, len(records), 0).take(1))
    assert records.damage.startswith(str(opened().folder.parent))
    assert opened().test.damage is None


def test_each_face_is_checked_once(opened, unsampled, monkeypatch):
    dataset, hashed = opened(), []
    monkeypatch.setattr(pixels, "pixel_hash", lambda face: hashed.append(1) or original(face))
    for _ in range(3):
        dataset.train.images(slice(None))
    assert len(hashed) == len(dataset.train)


original = pixels.pixel_hash
