"""Pictures that cannot be used: named, counted and left out, or the reason why a source is refused."""

import logging
import pathlib
import subprocess

import bad_pictures
import numpy as np
import pytest
from failing_disks import without_roots_privileges
from PIL import Image
from prepared_faces import by_name, make_faces, subprocess_of

from facevae.data import prepare
from facevae.errors import UserError


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
