"""Records on disk: read back as written, and incomplete ones refused."""

import contextlib
import hashlib
import json
import os

import numpy as np
import pytest

from facevae.data.records import (
    DamagedRecordsError,
    Example,
    Records,
    RecordsWriter,
    load_records,
    remove_leftovers_of_version_0_1,
)

SIZE = 8
COUNT = 10


def faces(count=COUNT):
    return np.random.default_rng(0).integers(0, 256, (count, SIZE, SIZE, 3)).astype(np.uint8)


def written(folder, attributes=True):
    remove_leftovers_of_version_0_1(folder)
    with RecordsWriter(folder) as writer:
        for number, face in enumerate(faces()):
            row = np.array([number % 2, 1], np.uint8) if attributes else None
            writer.add(Example(f"faces/..{number} 画\udcff.jpg", b"", row, split=min(number // 4, 2)), face)
        names = ["Smiling", "Young"] if attributes else []
        writer.finish({"image_size": SIZE, "attribute_names": names, "left_out": {"bad.jpg": "truncated"}})
    return folder


@pytest.fixture
def folder(tmp_path):
    return written(tmp_path / "records")


def test_records_are_what_was_written(folder):
    dataset = load_records(folder, "faces", SIZE)
    assert (len(dataset.train), len(dataset.validation), len(dataset.test)) == (4, 4, 2)
    np.testing.assert_array_equal(dataset.validation.images(slice(None)), faces()[4:8])
    np.testing.assert_array_equal(dataset.train.images(np.array([3, 0, 3])), faces()[[3, 0, 3]])
    np.testing.assert_array_equal(dataset.test.attributes([1, 0]), [[1, 1], [0, 1]])
    assert dataset.test.names(slice(1, 2)) == ["faces/..9 画\udcff.jpg"]
    assert dataset.attribute_names == ("Smiling", "Young")
    assert dataset.left_out == {"bad.jpg": "truncated"}
    assert dataset.train.image_size == SIZE
    assert os.listdir(folder.parent) == ["records"]


def test_pictures_are_copies_and_the_file_is_not_written(folder):
    records = load_records(folder, "faces", SIZE).train
    for indices in (slice(0, 2), np.array([0, 1])):
        images = records.images(indices)
        images[:] = 0
    np.testing.assert_array_equal(records.images(slice(0, 2)), faces()[:2])


def test_index_beyond_the_split_raises(folder):
    records = load_records(folder, "faces", SIZE).train
    with pytest.raises(IndexError):
        records.images(np.array([4]))


def test_without_attributes_there_are_none(tmp_path):
    dataset = load_records(written(tmp_path / "records", attributes=False), "faces", SIZE)
    assert dataset.train.attributes(slice(None)) is None
    assert dataset.attribute_names == ()


def change_index(folder, **changes):
    index = json.loads((folder / "index.json").read_text())
    (folder / "index.json").write_text(json.dumps(index | changes))


def rename_first(folder, name):
    names = json.loads((folder / "names.json").read_text())
    (folder / "names.json").write_text(json.dumps([name, *names[1:]]))


def truncate(name, by):
    return lambda folder: os.truncate(folder / name, (folder / name).stat().st_size - by)


DAMAGES = {
    "no index": lambda folder: (folder / "index.json").unlink(),
    "index cut off": truncate("index.json", 5),
    "index of another kind": lambda folder: (folder / "index.json").write_text("[1]"),
    "index nested too deeply": lambda folder: (folder / "index.json").write_text("[" * 100_000),
    "index of bytes": lambda folder: (folder / "index.json").write_bytes(b"\x80\x04\x95pickle"),
    "another version": lambda folder: change_index(folder, format_version=99),
    "wrong count": lambda folder: change_index(folder, count=COUNT + 1),
    "negative count": lambda folder: change_index(folder, count=-1),
    "enormous count": lambda folder: change_index(folder, count=10**30),
    "count of another kind": lambda folder: change_index(folder, count="10"),
    "another size": lambda folder: change_index(folder, image_size=16),
    "attribute missing": lambda folder: change_index(folder, attribute_names=["Smiling"]),
    "attribute twice": lambda folder: change_index(folder, attribute_names=["Smiling", "Smiling"]),
    "attributes of another kind": lambda folder: change_index(folder, attribute_names={"Smiling": 1, "b": 2}),
    "reasons of another kind": lambda folder: change_index(folder, left_out={"a": 1}),
    "duplicates of another kind": lambda folder: change_index(folder, duplicates="1"),
    "checksums of another kind": lambda folder: change_index(folder, checksums=["a"]),
    "hashes cut off": truncate("hashes.uint8", 1),
    "unknown given split": lambda folder: (folder / "given.uint8").write_bytes(bytes([3] * COUNT)),
    "images cut off": truncate("images.uint8", 1),
    "attributes cut off": truncate("attributes.uint8", 1),
    "splits missing": lambda folder: (folder / "splits.uint8").unlink(),
    "unknown split": lambda folder: (folder / "splits.uint8").write_bytes(bytes([3] * COUNT)),
    "attribute of 2": lambda folder: (folder / "attributes.uint8").write_bytes(bytes([2] * COUNT * 2)),
    "name missing": lambda folder: (folder / "names.json").write_text(json.dumps(["a"] * (COUNT - 1))),
    "names of another kind": lambda folder: (folder / "names.json").write_text(json.dumps([1] * COUNT)),
    "name that leads out": lambda folder: rename_first(folder, "../../precious.jpg"),
    "name of another folder": lambda folder: rename_first(folder, "/etc/passwd"),
    "names nested too deeply": lambda folder: (folder / "names.json").write_text("[" * 100_000),
    "images a folder": lambda folder: [(folder / "images.uint8").unlink(), (folder / "images.uint8").mkdir()],
    "images a link": lambda folder: [
        (folder / "images.uint8").rename(folder.parent / "elsewhere"),
        (folder / "images.uint8").symlink_to(folder.parent / "elsewhere"),
    ],
}


def sign(folder):
    """Makes all checksums fit, as somebody who damages records on purpose would."""
    with contextlib.suppress(OSError, ValueError, RecursionError, TypeError):
        index = dict(json.loads((folder / "index.json").read_text()))
        del index["checksum"]
        for name in index["checksums"]:
            with contextlib.suppress(OSError):
                index["checksums"][name] = hashlib.sha256((folder / name).read_bytes()).hexdigest()
        index["checksum"] = hashlib.sha256(json.dumps(index, sort_keys=True).encode()).hexdigest()
        (folder / "index.json").write_text(json.dumps(index))


def test_signed_records_are_taken(folder):
    index = (folder / "index.json").read_bytes()
    change_index(folder, left_out={})
    sign(folder)
    assert (folder / "index.json").read_bytes() != index
    assert load_records(folder, "faces", SIZE).left_out == {}


@pytest.mark.parametrize("signed", [False, True])
@pytest.mark.parametrize("damage", DAMAGES)
def test_damaged_records_are_refused(folder, damage, signed):
    DAMAGES[damage](folder)
    if signed:
        sign(folder)
    with pytest.raises(DamagedRecordsError):
        load_records(folder, "faces", SIZE)


def test_nothing_is_there_before_the_end(tmp_path):
    folder = tmp_path / "records"
    with pytest.raises(RuntimeError), RecordsWriter(folder) as writer:  # noqa: PT012
        writer.add(Example("a", b"", None, 0), faces()[0])
        assert not folder.exists()
        raise RuntimeError
    assert os.listdir(tmp_path) == []


def test_leftovers_of_a_killed_writer_of_version_0_1_are_removed_and_the_old_records_kept(folder):
    for suffix in ("incomplete", "replaced"):
        (folder.parent / f"records.{suffix}").mkdir()
        (folder.parent / f"records.{suffix}" / "images.uint8").write_bytes(b"half")
    assert len(load_records(folder, "faces", SIZE).train) == 4
    remove_leftovers_of_version_0_1(folder)
    assert os.listdir(folder.parent) == ["records"]


def test_writing_again_replaces(folder):
    before = load_records(folder, "faces", SIZE).train
    written(folder, attributes=False)
    assert load_records(folder, "faces", SIZE).attribute_names == ()
    np.testing.assert_array_equal(before.images(slice(None)), faces()[:4])  # a reader keeps what it opened
    assert os.listdir(folder.parent) == ["records"]


def test_links_at_the_path_are_removed_and_not_followed(tmp_path):
    precious = tmp_path / "precious"
    precious.mkdir()
    (precious / "file").write_text("keep")
    (tmp_path / "records.incomplete").symlink_to(precious, target_is_directory=True)
    (tmp_path / "records").symlink_to(precious, target_is_directory=True)
    written(tmp_path / "records")
    assert (precious / "file").read_text() == "keep"
    assert not (tmp_path / "records").is_symlink()
    assert len(load_records(tmp_path / "records", "faces", SIZE).train) == 4


def test_records_in_memory():
    records = Records(faces(), None, [str(number) for number in range(COUNT)], np.array([2, 5]))
    assert len(records) == 2
    np.testing.assert_array_equal(records.images([1]), faces()[[5]])
    assert records.names([1, 0]) == ["5", "2"]
