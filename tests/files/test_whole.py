"""Files and folders are written completely or not at all, however their writer ends; nothing half-written stays."""

import contextlib
import fcntl
import os
import pathlib
import signal
import subprocess
import sys

import pytest
from failing_disks import files_no_longer_than, read_only, small_disk
from killed_writers import WRITES_A_FILE, names, process_with, write, write_folder
from places import ROOT

from facevae.files import keep_to_save_time, locked, remove_leftovers, whole_file, whole_folder

# ------------------------------------------------------------------------------
# Atomic writes
# ------------------------------------------------------------------------------


def test_a_file_is_replaced_as_a_whole_and_nothing_else_stays(tmp_path):
    path = tmp_path / "not" / "yet" / "a.txt"
    write(path, "old")
    with whole_file(str(path)) as aside:
        assert aside.name == "a.txt"
        aside.write_text("new")
        assert path.read_text() == "old"
    assert path.read_text() == "new"
    assert names(path.parent) == ["a.txt"]


def test_a_failure_leaves_the_old_file(tmp_path):
    path = tmp_path / "a.txt"
    write(path, "old")
    with pytest.raises(RuntimeError), whole_file(path) as aside:  # noqa: PT012
        aside.write_text("half")
        raise RuntimeError
    assert path.read_text() == "old"
    assert names(tmp_path) == ["a.txt"]


def test_a_folder_is_replaced_as_a_whole(tmp_path):
    path = tmp_path / "folder"
    path.mkdir()
    (path / "old").write_text("old")
    with pytest.raises(RuntimeError), whole_folder(path) as aside:  # noqa: PT012
        assert aside.name == "folder"
        assert names(aside) == []
        (aside / "new").write_text("half")
        raise RuntimeError
    assert names(path) == ["old"]
    write_folder(path)
    assert names(path) == ["inner"]
    assert (path / "inner" / "new").read_text() == "new"
    assert names(tmp_path) == ["folder"]


def test_a_link_in_the_way_of_a_folder_gives_way_and_is_not_followed(tmp_path):
    (tmp_path / "precious").mkdir()
    (tmp_path / "precious" / "file").write_text("years of work")
    (tmp_path / "folder").symlink_to("precious")
    write_folder(tmp_path / "folder")
    assert (tmp_path / "precious" / "file").read_text() == "years of work"
    assert not (tmp_path / "folder").is_symlink()
    assert names(tmp_path) == ["folder", "precious"]


def test_a_folder_that_cannot_be_put_in_place_leaves_the_old_one(tmp_path, monkeypatch):
    path, replace = tmp_path / "folder", os.replace
    write_folder(path)

    def refuse(source, target):
        if pathlib.Path(target) == path and pathlib.Path(source).name == path.name:
            raise PermissionError(13, "Permission denied")
        replace(source, target)

    monkeypatch.setattr(os, "replace", refuse)
    with pytest.raises(PermissionError), whole_folder(path) as aside:
        (aside / "newer").write_text("")
    assert names(path) == ["inner"]
    assert names(tmp_path) == ["folder"]


# ------------------------------------------------------------------------------
# Systems and disks
# ------------------------------------------------------------------------------


def test_nothing_is_synced_that_windows_could_not(tmp_path, monkeypatch):
    synced = []

    def fsync(descriptor):
        if fcntl.fcntl(descriptor, fcntl.F_GETFL) & os.O_ACCMODE == os.O_RDONLY:
            raise OSError(9, "Bad file descriptor")
        synced.append(os.fstat(descriptor).st_size)

    monkeypatch.setattr(os, "fsync", fsync)
    write(tmp_path / "a.txt", "new")
    assert synced == [3]
    write_folder(tmp_path / "folder")
    assert synced == [3, 3]
    assert names(tmp_path) == ["a.txt", "folder"]


def test_a_full_disk_leaves_the_old_file_and_nothing_half_written(tmp_path):
    write(tmp_path / "a.txt", "old")
    write_folder(tmp_path / "folder")
    with files_no_longer_than(1000):
        with pytest.raises(OSError, match="File too large"):
            write(tmp_path / "a.txt", "x" * 2000)
        with pytest.raises(OSError, match="File too large"), whole_folder(tmp_path / "folder") as aside:
            (aside / "large").write_bytes(bytes(2000))
    assert (tmp_path / "a.txt").read_text() == "old"
    assert names(tmp_path / "folder") == ["inner"]
    assert names(tmp_path) == ["a.txt", "folder"]


def test_a_disk_without_room_for_anything_leaves_nothing_half_written(tmp_path):
    with small_disk(tmp_path / "disk", 1):
        write(tmp_path / "disk" / "a.txt", "old")
        with contextlib.suppress(OSError), open(tmp_path / "disk" / "filler", "wb", buffering=0) as filler:
            while filler.write(bytes(4096)):
                pass
        with pytest.raises(OSError, match="No space left"):
            write(tmp_path / "disk" / "a.txt", "x" * 10_000)
        assert (tmp_path / "disk" / "a.txt").read_text() == "old"
        assert names(tmp_path / "disk") == ["a.txt", "filler"]


def test_a_folder_that_may_not_be_written_is_left_as_it_is(tmp_path):
    write(tmp_path / "a.txt", "old")
    with read_only(tmp_path):
        for writer in (whole_file, whole_folder):
            with pytest.raises(PermissionError), writer(tmp_path / "a.txt"):
                pass
        with pytest.raises(PermissionError), locked(tmp_path / "lock", "taken"):
            pass
        remove_leftovers(tmp_path)
    assert (tmp_path / "a.txt").read_text() == "old"
    assert names(tmp_path) == ["a.txt"]


def test_neither_tensorflow_nor_numpy_is_imported(tmp_path):
    code = (
        "import sys; from facevae.files import whole_file\n"
        "with whole_file(sys.argv[1]) as aside: aside.write_text('')\n"
        "assert not {'tensorflow', 'keras', 'numpy', 'tqdm'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code, str(tmp_path / "a.txt")], cwd=ROOT, check=True)


def test_a_writer_that_is_asked_to_end_leaves_nothing(tmp_path):
    with process_with(WRITES_A_FILE, tmp_path / "a.txt") as process:
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=10) != 0
    assert names(tmp_path) == []


def test_what_saves_time_is_kept_whole_or_said_not_to_be_kept(tmp_path, capsys):
    write = lambda aside: aside.write_text("measured")  # noqa: E731
    keep_to_save_time(tmp_path / "a.txt", write, "it is measured again")
    assert (tmp_path / "a.txt").read_text() == "measured"
    keep_to_save_time(tmp_path / "a.txt" / "b.txt", write, "it is measured again")
    assert "b.txt: not kept (File exists); it is measured again." in capsys.readouterr().out
