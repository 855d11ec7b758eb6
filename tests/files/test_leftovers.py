"""What a killed writer leaves half-written is removed by the next one, and nothing of others."""

import os
import threading
import time

import pytest
from killed_writers import (
    SWAPS_A_FOLDER,
    WRITES_A_FILE,
    kill_writer,
    names,
    process_with,
    write,
    write_folder,
)

from facevae.errors import UserError
from facevae.files import WRITING, remove_leftovers, whole_file, whole_folder


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
