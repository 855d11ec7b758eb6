"""Files and folders are written completely or not at all, however their writer ends; nothing half-written stays."""

import contextlib
import fcntl
import os
import pathlib
import signal
import subprocess
import sys
import threading
import time

import pytest
from failing_disks import files_no_longer_than, read_only, small_disk
from places import ROOT

from facevae.errors import UserError
from facevae.files import WRITING, locked, remove_leftovers, whole_file, whole_folder


def names(folder):
    return sorted(path.name for path in folder.iterdir())


@contextlib.contextmanager
def process_with(code, *arguments):
    """A process that runs the code, which prints `ready` at the point that the test waits for."""
    imports = (
        "import os, pathlib, signal, sys, time; from facevae.files import locked, whole_file, whole_folder\n"
    )
    command = [sys.executable, "-c", imports + code, *map(str, arguments)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout.readline() == "ready\n"
            yield process
        finally:
            process.kill()


def kill_writer(code, *arguments):
    """Kills a writer after it has printed `ready`."""
    with process_with(code, *arguments) as process:
        process.kill()
        process.wait()


WRITES_A_FILE = (
    "with whole_file(sys.argv[1]) as aside:\n"
    "    aside.write_text('half'); print('ready', flush=True); time.sleep(60)"
)
# Killed between the two renames at the end.
SWAPS_A_FOLDER = (
    "replace = os.replace\n"
    "def stop_at_second(source, target):\n"
    "    if pathlib.Path(target) == pathlib.Path(sys.argv[1]):\n"
    "        print('ready', flush=True); time.sleep(60)\n"
    "    replace(source, target)\n"
    "os.replace = stop_at_second\n"
    "with whole_folder(sys.argv[1]) as aside: (aside / 'new').write_text('new')"
)


def write(path, text="new"):
    with whole_file(path) as aside:
        aside.write_text(text)


def write_folder(path):
    with whole_folder(path) as aside:
        (aside / "inner").mkdir()
        (aside / "inner" / "new").write_text("new")


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
# Leftovers
# ------------------------------------------------------------------------------


def test_what_a_killed_writer_leaves_is_removed_by_the_next_one_in_the_same_folder(tmp_path):
    write(tmp_path / "a.txt", "old")
    kill_writer(WRITES_A_FILE, tmp_path / "a.txt")
    (leftover,) = tmp_path.glob(f"{WRITING}*")
    assert (leftover / "a.txt").read_text() == "half"
    assert (tmp_path / "a.txt").read_text() == "old"
    write(tmp_path / "b.txt")
    assert names(tmp_path) == ["a.txt", "b.txt"]


def test_what_a_living_writer_writes_is_left_alone(tmp_path):
    with process_with(WRITES_A_FILE, tmp_path / "a.txt"), whole_file(tmp_path / "b.txt") as ours:
        ours.write_text("ours")
        for _ in range(2):
            write(tmp_path / "c.txt")
            remove_leftovers(tmp_path, recursive=True)
        assert sorted(path.name for path in tmp_path.glob(f"{WRITING}*/*.txt")) == ["a.txt", "b.txt"]
    assert (tmp_path / "b.txt").read_text() == "ours"
    remove_leftovers(tmp_path)
    assert names(tmp_path) == ["b.txt", "c.txt"]


def test_writers_in_the_same_folder_take_nothing_from_each_other(tmp_path):
    failures = []

    def write_many(name):
        try:
            for number in range(40):
                write(tmp_path / name, str(number))
        except BaseException as error:
            failures.append(error)

    code = "print('ready', flush=True)\nfor number in range(1000):\n"
    code += "    with whole_file(sys.argv[1]) as aside: aside.write_text(str(number))"
    threads = [threading.Thread(target=write_many, args=(f"{number}.txt",)) for number in range(3)]
    with process_with(code, tmp_path / "other.txt"):
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert failures == []
    remove_leftovers(tmp_path)
    assert [(tmp_path / f"{number}.txt").read_text() for number in range(3)] == ["39"] * 3
    assert set(names(tmp_path)) - {"other.txt"} == {"0.txt", "1.txt", "2.txt"}


def test_an_interrupted_swap_of_folders_is_mended_by_the_next_writer(tmp_path):
    path = tmp_path / "folder"
    path.mkdir()
    (path / "old").write_text("old")
    kill_writer(SWAPS_A_FOLDER, path)
    assert not path.exists()
    write(tmp_path / "another.txt")
    assert names(path) == ["old"]
    assert names(tmp_path) == ["another.txt", "folder"]
    kill_writer(SWAPS_A_FOLDER, path)
    with pytest.raises(RuntimeError), whole_folder(path):  # noqa: PT012
        assert names(path) == ["old"]
        raise RuntimeError
    assert names(path) == ["old"]
    assert names(tmp_path) == ["another.txt", "folder"]


def test_an_old_folder_that_may_hold_files_of_others_is_put_beside_the_one_that_took_its_place(tmp_path):
    path = tmp_path / "folder"
    path.mkdir()
    (path / "old").write_text("old")
    code = SWAPS_A_FOLDER.replace("whole_folder(sys.argv[1])", "whole_folder(sys.argv[1], lambda old: None)")
    kill_writer(
        code.replace("pathlib.Path(target) == pathlib.Path(sys.argv[1])", "'.obsolete' in str(target)"), path
    )
    path.mkdir()
    write(tmp_path / "another.txt")
    (beside,) = tmp_path.glob("folder.earlier-*")
    assert names(beside) == ["old"]
    assert names(path) == []
    assert names(tmp_path) == ["another.txt", "folder", beside.name]


def test_an_old_folder_that_is_refused_stays_and_nothing_is_made_for_it(tmp_path):
    def refuse(old):
        if (old / "theirs").exists():
            raise UserError("theirs")

    path, made = tmp_path / "folder", []
    write_folder(path)
    (path / "theirs").write_text("years of work")
    with pytest.raises(UserError, match="theirs"), whole_folder(path, refuse):
        made.append(path)
    assert not made
    (path / "theirs").unlink()
    with pytest.raises(UserError, match="theirs"), whole_folder(path, refuse) as aside:  # noqa: PT012
        (aside / "newer").write_text("")
        (path / "theirs").write_text("years of work")  # by somebody else, meanwhile
    assert names(path) == ["inner", "theirs"]
    assert names(tmp_path) == ["folder"]


def test_leftovers_are_removed_from_folders_below_only_when_asked_for(tmp_path):
    kill_writer(WRITES_A_FILE, tmp_path / "a" / "b" / "c.txt")
    write(tmp_path / "d.txt")
    remove_leftovers(tmp_path)
    assert list(tmp_path.rglob(f"{WRITING}*"))
    remove_leftovers(tmp_path, recursive=True)
    assert not list(tmp_path.rglob(f"{WRITING}*"))


def test_what_version_0_1_left_without_a_lock_is_removed_once_nothing_has_happened_for_an_hour(tmp_path):
    leftover = tmp_path / f"{WRITING}last.npz-abc_1234"
    leftover.mkdir()
    (leftover / "last.npz").write_text("half")
    write(tmp_path / "a.txt")
    assert names(tmp_path) == [leftover.name, "a.txt"]
    for path in (leftover / "last.npz", leftover):
        os.utime(path, (time.time() - 7200,) * 2)
    write(tmp_path / "a.txt")
    assert names(tmp_path) == ["a.txt"]


def test_an_empty_one_of_a_writer_killed_at_its_first_step_is_removed(tmp_path):
    (tmp_path / f"{WRITING}a.txt-abc_1234").mkdir()
    write(tmp_path / "a.txt")
    assert names(tmp_path) == ["a.txt"]


def test_folders_and_links_of_others_are_left_alone(tmp_path):
    (tmp_path / "precious").mkdir()
    (tmp_path / "precious" / "a.txt").write_text("years of work")
    (tmp_path / f"{WRITING}a.txt-abc_1234").symlink_to("precious")
    for folder in (f"{WRITING}a novel", f"{WRITING}a-novelist"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "chapter").write_text("years of work")
        for path in (tmp_path / folder / "chapter", tmp_path / folder):
            os.utime(path, (0, 0))
    before = names(tmp_path)
    remove_leftovers(tmp_path)
    assert names(tmp_path) == before
    assert (tmp_path / "precious" / "a.txt").exists()
    assert [path.name for path in tmp_path.rglob("chapter")] == ["chapter"] * 2


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


# ------------------------------------------------------------------------------
# Locks
# ------------------------------------------------------------------------------

HOLDS_A_LOCK = (
    "with locked(sys.argv[1], 'taken'):\n    print('ready', flush=True); time.sleep(float(sys.argv[2]))"
)


def test_a_lock_that_is_taken_is_refused_in_the_words_that_were_given(tmp_path):
    lock = tmp_path / "not yet" / "lock"
    with (
        process_with(HOLDS_A_LOCK, lock, 60),
        pytest.raises(UserError, match=r"^another process is writing\.$"),
        locked(lock, "another process is writing."),
    ):
        pass
    with locked(lock, "another process is writing."):  # the other one was killed
        pass


def test_whoever_waits_says_so_at_once_and_goes_on_when_the_other_ends(tmp_path, capsys):
    with process_with(HOLDS_A_LOCK, tmp_path / "lock", 0.5) as other:
        with locked(tmp_path / "lock", "The other prepares: waiting for it.", wait=True):
            assert capsys.readouterr().out == "The other prepares: waiting for it.\n"
        assert other.wait(timeout=10) == 0
    with locked(tmp_path / "lock", "The other prepares: waiting for it.", wait=True):
        assert capsys.readouterr().out == ""


def test_a_lock_is_free_again_after_a_failure(tmp_path):
    for _ in range(2):
        with pytest.raises(RuntimeError), locked(tmp_path / "lock", "taken"):
            raise RuntimeError


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
