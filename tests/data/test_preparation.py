"""Preparation as a whole: once per source, crop and size; interrupted, concurrent, with bad pictures and full disks."""

import errno
import json
import logging
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import time

import bad_pictures
import numpy as np
import pytest
from failing_disks import without_roots_privileges
from PIL import Image

from facevae.data import decoding, preparation, prepare
from facevae.errors import UserError
from facevae.files import WRITING

SPLITS = ("train", "validation", "test")


def make_faces(folder, count=30, size=(20, 24)):
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(count):
        pixels = np.full((size[1], size[0], 3), number % 251, np.uint8)
        Image.fromarray(pixels).save(folder / f"{number:06d}.png")
    return folder


def by_name(dataset):
    """Pixels of all faces; a face that is in two splits is an error."""
    faces = {}
    for split in SPLITS:
        records = getattr(dataset, split)
        for name, image in zip(records.names(slice(None)), records.images(slice(None)), strict=True):
            assert name not in faces
            faces[name] = image
    return faces


def subprocess_of(program, **options):
    path = os.pathsep.join(filter(None, sys.path))
    return subprocess.Popen(
        [sys.executable, "-c", program], env={**os.environ, "PYTHONPATH": path}, **options
    )


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


def test_bad_pictures_are_named_once_counted_and_left_out(source, cache, caplog, capsys):
    bad = {
        "empty.jpg": b"",
        "text.png": b"no picture",
        "cut off – 画.png": (source / "000001.png").read_bytes()[:60],
        "zeros.webp": bytes(1000),
    }
    for name, content in bad.items():
        (source / name).write_bytes(content)
    with caplog.at_level(logging.WARNING):
        dataset = prepare(source, image_size=16, cache_dir=cache)
    assert len(by_name(dataset)) == 30
    assert dataset.left_out.keys() == bad.keys()
    for name, reason in dataset.left_out.items():
        assert [record.getMessage() for record in caplog.records].count(f"left out {name}: {reason}") == 1
    assert "faces: 4 pictures left out" in caplog.text
    assert "4 pictures left out" in capsys.readouterr().out
    assert prepare(source, image_size=16, cache_dir=cache).left_out == dataset.left_out


def test_an_account_of_the_whole_folder_is_shown_each_time(source, cache, capsys):
    prepare(source, image_size=16, cache_dir=cache)
    assert "folder" not in capsys.readouterr().out.partition("cache")[0]  # nothing but faces in one place
    make_faces(source / "more", 5)
    files = {
        "a.heic": b"\0\0\0\x18ftypheic",
        "b.heic": b"\0\0\0\x18ftypheic",
        "bad.jpg": b"",
        "small.jpg": b"",
    }
    files |= {"more/c.jpg": b"\0\0\0\x18ftypheic\0\0\0\0heic"}
    for name, content in files.items():
        (source / name).write_bytes(content)
    for _ in range(2):  # made, and opened
        prepare(source, image_size=16, cache_dir=cache)
        out = capsys.readouterr().out
        assert "  folder               faces  left out  not read\n" in out
        assert "  (the folder itself)     30         2         2\n" in out
        assert "  more                     5         1         0\n" in out
        assert "  2 pictures were left out: not a picture of a known kind" in out
        assert "(HEIC file: convert it to JPEG) (first: more/c.jpg)\n" in out
        assert "  2 HEIC files were not read: convert them to JPEG (first: a.heic)\n" in out


def test_the_account_of_many_folders_and_reasons_is_short(tmp_path, cache, capsys):
    for number in range(40):
        make_faces(tmp_path / "faces" / f"person {number:02d}", 3)
    for number in range(2, 15):  # too small for a face, in as many sizes: one reason
        Image.new("RGB", (number, 40)).save(tmp_path / "faces" / f"{number}.png")
    prepare(tmp_path / "faces", image_size=16, cache_dir=cache)
    out = capsys.readouterr().out
    assert len(out.splitlines()) <= 25
    assert "  24 more folders         72         0         0\n" in out
    assert "  13 pictures were left out: 10x40 pixels, too small for a face" in out


def test_a_folder_with_hundreds_of_malformed_pictures_gives_every_good_one(tmp_path, cache, caplog):
    fates = bad_pictures.make_folder(tmp_path / "faces")
    for name in ("locked.png", "locked folder/inside.png"):
        path = tmp_path / "faces" / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(bad_pictures.encoded(bad_pictures.drawn(0)))
    (tmp_path / "faces" / "locked.png").chmod(0)
    (tmp_path / "faces" / "locked folder").chmod(0)
    fates |= {"locked.png": bad_pictures.BAD, "locked folder": bad_pictures.BAD}
    with caplog.at_level(logging.WARNING), without_roots_privileges():
        dataset = prepare(tmp_path / "faces", image_size=bad_pictures.SIDE, cache_dir=cache)
    (tmp_path / "faces" / "locked folder").chmod(0o700)

    malformed = [name for name, fate in fates.items() if fate != bad_pictures.GOOD]
    assert len(malformed) > 300
    faces = by_name(dataset)
    # Each is either a face or left out, none both, none forgotten; the second name of a picture is not a second face.
    assert faces.keys() | dataset.left_out.keys() == fates.keys()
    assert not faces.keys() & dataset.left_out.keys()
    for name, fate in fates.items():
        if fate != bad_pictures.EITHER:
            assert (name in faces) == (fate == bad_pictures.GOOD), (name, dataset.left_out.get(name))
    assert ("good/lossless_0.png" in faces) != ("links/lossless_0.png" in faces)
    for name, face in faces.items():
        if "lossless" in name:
            number = int(pathlib.PurePath(name).stem.split("_")[1])
            np.testing.assert_array_equal(face, bad_pictures.drawn(number))
    # Each is named once, with its reason, on a line of its own.
    named = [r.getMessage() for r in caplog.records if r.getMessage().startswith("left out ")]
    assert len(named) == len(set(named)) == len(dataset.left_out)
    assert all(dataset.left_out.values())
    assert all(message.isprintable() for message in named)


@pytest.mark.slow
def test_memory_is_bounded_whatever_pictures_claim(tmp_path, cache):
    """The peak of the process that prepares and of its decoding processes, also with pictures of 50 million pixels."""
    fates = bad_pictures.make_folder(tmp_path / "faces")
    make_faces(tmp_path / "faces" / "many", 1000)  # enough for two processes
    large = Image.new("RGB", (7071, 7071), "teal")
    large.save(tmp_path / "faces" / "large.png", compress_level=1)
    large.save(tmp_path / "faces" / "large progressive.jpg", progressive=True)
    Image.new("I;16", (7071, 7071), 30_000).save(tmp_path / "faces" / "large 16 bits.tif")
    program = (
        "import resource\n"
        "from facevae.data import decoding, prepare\n"
        "decoding.usable_cores = lambda: 2\n"
        f"dataset = prepare({str(tmp_path / 'faces')!r}, image_size=32, cache_dir={str(cache)!r})\n"
        "own = int(open('/proc/self/status').read().split('VmHWM:')[1].split()[0])\n"
        "print(own, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss, len(dataset.left_out))\n"
    )
    with subprocess_of(program, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        out, errors = process.communicate(timeout=300)
    assert process.returncode == 0, errors
    own, decoding_process, left_out = map(int, out.splitlines()[-1].split())
    print(f"peak: {own / 1000:.0f} MB, of a decoding process {decoding_process / 1000:.0f} MB")
    assert left_out < len(fates) / 2
    assert own < 250_000  # kB
    assert decoding_process < 1_200_000


def test_mostly_bad_folder_is_refused_with_an_example(source, cache):
    for number in range(31):
        (source / f"bad{number}.png").write_bytes(b"no picture")
    with pytest.raises(UserError, match=r"31 of 61 pictures cannot be used \(bad0.png: not a picture"):
        prepare(source, image_size=16, cache_dir=cache)
    assert not [path for path in cache.iterdir() if path.is_dir()]


def test_a_hopeless_folder_is_given_up_when_most_of_it_is_bad(tmp_path, cache):
    folder = make_faces(tmp_path / "faces", 300)
    with pytest.raises(
        UserError, match=r"151 of 151 .*000000.png: 20x24 pixels, smaller than the crop of 148x148"
    ):
        prepare(folder, crop=148, image_size=16, cache_dir=cache)


def test_many_bad_pictures_before_the_good_ones_do_not_end_the_preparation(tmp_path, cache):
    folder = make_faces(tmp_path / "faces", 130, (160, 160))
    make_faces(folder / "0 thumbnails", 120)
    dataset = prepare(folder, crop=148, image_size=16, cache_dir=cache)
    assert len(by_name(dataset)) == 130
    assert len(dataset.left_out) == 120


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
