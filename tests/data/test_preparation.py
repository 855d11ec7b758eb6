"""Preparation as a whole: once per source, crop and size; interrupted, concurrent, with bad pictures and full disks."""

import errno
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import time

import numpy as np
import pytest
from PIL import Image
from prepared_faces import SPLITS, by_name, make_faces, subprocess_of

from facevae.data import decoding, preparation, prepare
from facevae.errors import UserError
from facevae.files import WRITING


def test_pixels_are_those_of_the_pictures(tmp_path, cache):
    random = np.random.default_rng(0)
    pixels = {f"{number}.png": random.integers(0, 256, (32, 32, 3)).astype(np.uint8) for number in range(12)}
    for name, values in pixels.items():
        (tmp_path / "faces").mkdir(exist_ok=True)
        Image.fromarray(values).save(tmp_path / "faces" / name)
    faces = by_name(prepare(tmp_path / "faces", image_size=32, cache_dir=cache))
    assert faces.keys() == pixels.keys()
    for name, values in pixels.items():
        np.testing.assert_array_equal(faces[name], values)


@pytest.mark.parametrize("count", [3, 4, 30])
def test_splits_share_no_face_and_none_is_empty(tmp_path, cache, count):
    dataset = prepare(make_faces(tmp_path / "few", count), image_size=16, cache_dir=cache)
    assert len(by_name(dataset)) == count
    assert all(len(getattr(dataset, split)) for split in SPLITS)


def test_celeba_folder_keeps_partition_and_attributes(source, cache):
    lines = [f"{number:06d}.png,{1 if number % 3 else -1}" for number in range(30)]
    (source / "list_attr_celeba.csv").write_text("\r\n".join(["image_id,Smiling", *lines]))
    lines = [f"{number:06d}.png,{number % 3}" for number in range(30)]
    (source / "list_eval_partition.csv").write_text("\n".join(["image_id,partition", *lines]))
    dataset = prepare(source, image_size=16, cache_dir=cache)
    assert dataset.attribute_names == ("Smiling",)
    for split, name in enumerate(SPLITS):
        records = getattr(dataset, name)
        numbers = records.images(slice(None))[:, 0, 0, 0]
        np.testing.assert_array_equal(numbers, np.arange(split, 30, 3))
        np.testing.assert_array_equal(records.attributes(slice(None))[:, 0], numbers % 3 > 0)


def test_prepared_once_and_again_only_when_the_source_changes(source, cache, how_often, capsys):
    prepare(source, image_size=16, cache_dir=cache)
    assert "Preparing faces, once: 30 faces of 16x16, 23 kB, in" in capsys.readouterr().out
    prepare(source, image_size=16, cache_dir=cache)
    assert how_often() == 1
    out = capsys.readouterr().out
    assert "Preparing" not in out
    assert "faces: 30 faces of 16x16 (" in out
    prepare(source, image_size=20, cache_dir=cache)
    prepare(source, crop=18, image_size=16, cache_dir=cache)
    prepare(source, crop="18", image_size=16, cache_dir=cache)
    assert how_often() == 3
    os.utime(source / "000003.png", ns=(0, 0))
    prepare(source, image_size=16, cache_dir=cache)
    assert how_often() == 4
    (source / "000003.png").unlink()
    assert len(by_name(prepare(source, image_size=16, cache_dir=cache))) == 29
    assert how_often() == 5
    assert len(by_name(prepare(source, image_size=20, cache_dir=cache))) == 29


def test_folders_of_the_same_name_are_not_confused(tmp_path, cache):
    first = prepare(make_faces(tmp_path / "a" / "faces", 5), image_size=16, cache_dir=cache)
    second = prepare(make_faces(tmp_path / "b" / "faces", 7), image_size=16, cache_dir=cache)
    assert [len(by_name(first)), len(by_name(second))] == [5, 7]


def test_cache_folder_is_the_argument_else_the_environment_else_the_home(source, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.delenv("FACEVAE_CACHE", raising=False)
    assert prepare(source, image_size=16).folder.parent == tmp_path / "home/.cache/facevae"
    monkeypatch.setenv("FACEVAE_CACHE", str(tmp_path / "other"))
    assert prepare(source, image_size=16).folder.parent == tmp_path / "other"
    assert prepare(source, image_size=16, cache_dir=tmp_path / "third").folder.parent == tmp_path / "third"


@pytest.mark.parametrize(("count", "missing"), [(1, "train and validation"), (2, "validation")])
def test_too_few_pictures_for_three_splits_are_refused(tmp_path, cache, count, missing):
    with pytest.raises(UserError, match=rf"received none for {missing}\. Give more pictures \(at least 3\)"):
        prepare(make_faces(tmp_path / "few", count), image_size=16, cache_dir=cache)


@pytest.mark.parametrize("crop", ["round", "0", "9" * 6000, 0, -148, 3.5, None, "", True])
def test_impossible_crop_is_refused(source, cache, crop):
    with pytest.raises(UserError, match="crop: expected 'square' or a side in pixels"):
        prepare(source, crop=crop, image_size=16, cache_dir=cache)


@pytest.mark.parametrize("image_size", [0, -1, 7, 64.0, "64"])
def test_impossible_size_is_refused(source, cache, image_size):
    with pytest.raises(UserError, match="image_size: expected a whole number"):
        prepare(source, image_size=image_size, cache_dir=cache)


def test_too_small_a_disk_is_refused_before_writing(source, cache, monkeypatch):
    usage = type(preparation.shutil.disk_usage("/"))
    monkeypatch.setattr(preparation.shutil, "disk_usage", lambda path: usage(10**9, 10**9, 100 * 2**20))
    with pytest.raises(UserError, match=r"30 faces of 16x16 take 23 kB, and .* has 105 MB free.*--cache-dir"):
        prepare(source, image_size=16, cache_dir=cache)
    assert not [path for path in cache.iterdir() if path.is_dir()]


def test_a_disk_that_fills_up_is_one_message_and_leaves_nothing(source, cache, monkeypatch):
    def full(self, example, face):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(preparation.RecordsWriter, "add", full)
    with pytest.raises(UserError, match=r"the disk is full.*--cache-dir"):
        prepare(source, image_size=16, cache_dir=cache)
    assert not [path for path in cache.iterdir() if path.is_dir()]


def test_cache_that_cannot_be_written_is_one_message(source, tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(UserError, match=r"preparing faces in .*--cache-dir"):
        prepare(source, image_size=16, cache_dir=tmp_path / "file")


@pytest.mark.parametrize(
    "damage",
    [
        lambda folder: (folder / "index.json").write_text("{"),
        lambda folder: (folder / "images.uint8").write_bytes(b"short"),
        lambda folder: (folder / "names.json").write_text('["../../etc/passwd"]'),
    ],
)
def test_damaged_records_are_prepared_again(source, cache, how_often, caplog, damage):
    good = by_name(prepare(source, image_size=16, cache_dir=cache))
    (folder,) = (path for path in cache.iterdir() if path.is_dir())
    damage(folder)
    again = by_name(prepare(source, image_size=16, cache_dir=cache))
    assert how_often() == 2
    assert "damaged" in caplog.text
    assert again.keys() == good.keys()
    assert all(np.array_equal(again[name], good[name]) for name in good)


def test_files_of_others_beside_the_records_are_refused_by_name_and_kept(folder, tmp_path):
    def prepared():
        return prepare(str(folder), image_size=32, cache_dir=tmp_path / "cache")

    place = prepared().folder
    (place / "my notes.txt").write_text("years of work")
    assert prepared().folder == place
    (folder / "0.png").unlink()
    with pytest.raises(UserError, match=r"received also 'my notes\.txt'\. Move them"):
        prepared()
    assert (place / "my notes.txt").read_text() == "years of work"
    (place / "my notes.txt").rename(tmp_path / "my notes.txt")
    assert sum(prepared().counts.values()) == 39


def test_a_run_among_the_pictures_is_no_source_of_faces(folder, tmp_path, capsys):
    from facevae.configuration.choosing import from_preset
    from facevae.run.run_folder import RunFolder

    run = RunFolder(folder / "runs" / "1")
    run.save(from_preset("demo"))
    run.figures.mkdir()
    shutil.copy(folder / "0.png", run.figures / "generated.png")
    with run.locked():
        dataset = prepare(str(folder), image_size=32, cache_dir=tmp_path / "cache")
    assert sum(dataset.counts.values()) == 40
    assert re.search(r"1 folder that facevae wrote .*runs/1", capsys.readouterr().out)


def test_records_of_another_version_are_prepared_again(source, cache):
    folder = prepare(source, image_size=16, cache_dir=cache).folder
    index = json.loads((folder / "index.json").read_text())
    (folder / "index.json").write_text(json.dumps(index | {"format_version": 0}))
    assert len(by_name(prepare(source, image_size=16, cache_dir=cache))) == 30


@pytest.mark.parametrize("cores", [1, 2])
def test_killed_preparation_leaves_nothing_that_is_taken_for_complete(source, cache, monkeypatch, cores):
    count = 30
    if cores == 2:
        monkeypatch.setattr(decoding, "usable_cores", lambda: 2)
        count = len(list(make_faces(source, 1100).iterdir()))
    program = (
        "import os, signal\n"
        "from facevae.data import decoding, prepare, records\n"
        f"decoding.usable_cores = lambda: {cores}\n"
        "add = records.RecordsWriter.add\n"
        "def kill(self, *arguments):\n"
        "    add(self, *arguments)\n"
        f"    if len(self) == {count // 2}: os.kill(os.getpid(), signal.SIGKILL)\n"
        "records.RecordsWriter.add = kill\n"
        f"prepare({str(source)!r}, image_size=16, cache_dir={str(cache)!r})\n"
    )
    with subprocess_of(program, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as killed:
        killed.communicate(timeout=60)
    assert killed.returncode == -signal.SIGKILL
    (leftover,) = (path for path in cache.iterdir() if path.is_dir())
    assert leftover.name.startswith(WRITING)
    assert len(by_name(prepare(source, image_size=16, cache_dir=cache))) == count
    (complete,) = (path for path in cache.iterdir() if path.is_dir())
    assert complete.name == leftover.name.removeprefix(WRITING).rpartition("-")[0]


def test_a_folder_with_a_name_that_no_terminal_shows_is_prepared(tmp_path, cache, capsys):
    dataset = prepare(make_faces(tmp_path / "\udcff\x1b[2Jfaces", 5), image_size=16, cache_dir=cache)
    assert dataset.name == "\\udcff\\x1b[2Jfaces"
    assert "Preparing \\udcff" in capsys.readouterr().out


def test_two_processes_prepare_once(tmp_path, cache):
    source = make_faces(tmp_path / "faces", 400)
    program = (
        "import time\n"
        "from facevae.data import prepare, records\n"
        "add = records.RecordsWriter.add\n"
        "records.RecordsWriter.add = lambda *arguments: (time.sleep(0.003), add(*arguments))\n"
        f"prepare({str(source)!r}, image_size=16, cache_dir={str(cache)!r})\n"
    )
    first = subprocess_of(program, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    with first:
        deadline = time.monotonic() + 30
        while not list(cache.glob(f"{WRITING}*")) and time.monotonic() < deadline:
            time.sleep(0.01)
        with subprocess_of(program, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as second:
            said = [process.communicate(timeout=60)[0] for process in (first, second)]
    assert [first.returncode, second.returncode] == [0, 0]
    assert "Preparing" in said[0]
    assert "Another process is preparing" in said[1]
    assert "Preparing" not in said[1]
    assert all("faces: 400 faces" in text for text in said)


def test_without_tensorflow(source, cache):
    program = (
        "import sys\n"
        "from facevae.data import prepare\n"
        f"prepare({str(source)!r}, image_size=16, cache_dir={str(cache)!r})\n"
        "assert 'tensorflow' not in sys.modules and 'tensorflow_datasets' not in sys.modules\n"
    )
    with subprocess_of(program, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as process:
        _, errors = process.communicate(timeout=60)
    assert process.returncode == 0, errors


def test_real_celeba_folder(real_faces, cache):
    native = real_faces.parent / "faces_native"
    dataset = prepare(native, image_size=178, cache_dir=cache)
    assert len(dataset.attribute_names) == 40
    faces = by_name(dataset)
    assert len(faces) == 10
    for name, face in faces.items():
        with Image.open(native / pathlib.PurePath(name)) as image:
            np.testing.assert_array_equal(face, np.asarray(image.convert("RGB").crop((0, 20, 178, 198))))


@pytest.mark.slow
def test_real_partition_and_attributes_match_the_tables(real_faces, cache):
    dataset = prepare(real_faces, image_size=32, cache_dir=cache)
    assert (len(dataset.train), len(dataset.validation), len(dataset.test)) == (6500, 500, 1000)
    header, *lines = (real_faces / "list_attr_celeba.csv").read_text().split()
    assert dataset.attribute_names == tuple(header.split(",")[1:])
    rows = {line.split(",")[0]: [int(value == "1") for value in line.split(",")[1:]] for line in lines}
    for split in SPLITS:
        records = getattr(dataset, split)
        for name, attributes in zip(records.names(slice(None)), records.attributes(slice(None)), strict=True):
            assert attributes.tolist() == rows[pathlib.PurePath(name).name]
