"""An export replaces an earlier one as a whole or not at all, and no file of anybody else."""

import os
import shutil
import signal
import subprocess
import sys
import textwrap

import pytest
from places import ROOT
from small_exports import names, write_new

from facevae.errors import UserError
from facevae.exporting.folder import CARD, FILES, replacing_folder


@pytest.fixture
def earlier(tmp_path):
    """A folder with an earlier export in it, of version 0.1, which wrote no list of its files."""
    folder = tmp_path / "export"
    folder.mkdir()
    (folder / CARD).write_text("{}")
    (folder / "checks.json").write_text("old")
    return folder


def test_an_earlier_export_is_replaced_as_a_whole(earlier):
    write_new(earlier)
    assert names(earlier) == {CARD, "new", FILES}
    assert names(earlier.parent) == {"export", ".export.lock"}


def test_a_failure_leaves_the_earlier_export_and_nothing_half_written(earlier):
    with pytest.raises(RuntimeError), replacing_folder(earlier) as aside:  # noqa: PT012
        (aside / "new").write_text("new")
        raise RuntimeError
    assert names(earlier) == {CARD, "checks.json"}
    assert names(earlier.parent) == {"export", ".export.lock"}


def test_a_folder_with_something_else_is_refused(tmp_path):
    (tmp_path / "thesis.tex").write_text("years of work")
    with pytest.raises(UserError, match=r"something else in it.*--output-dir"):
        write_new(tmp_path)
    assert names(tmp_path) == {"thesis.tex"}


def test_an_empty_folder_is_taken(tmp_path):
    (tmp_path / "export").mkdir()
    write_new(tmp_path / "export")
    assert names(tmp_path / "export") == {CARD, "new", FILES}


def test_a_second_export_to_the_same_folder_is_refused(earlier):
    with replacing_folder(earlier) as aside:
        (aside / CARD).write_text("{}")
        with pytest.raises(UserError, match="another process"):
            write_new(earlier)


@pytest.mark.skipif(
    os.geteuid() != 0 or shutil.which("mount") is None, reason="mounting a small disk needs root"
)
def test_a_full_disk_leaves_the_earlier_export(tmp_path):
    disk = tmp_path / "disk"
    disk.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(disk)]
    if subprocess.run(command, capture_output=True).returncode:
        pytest.skip("this machine lets nobody mount a small disk")
    try:
        write_new(disk / "export")
        with pytest.raises(UserError, match="No space left"), replacing_folder(disk / "export") as aside:
            (aside / "large").write_bytes(bytes(200_000))
        assert names(disk / "export") == {CARD, "new", FILES}
        assert names(disk) == {"export", ".export.lock"}
    finally:
        subprocess.run(["umount", str(disk)], check=True)


def test_a_parent_that_is_a_file_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="cannot be written"):
        write_new(tmp_path / "file" / "export")


def test_what_a_killed_export_of_version_0_1_left_is_repaired(earlier):
    set_aside, begun = (earlier.with_name(f".export.{suffix}") for suffix in ("old", "writing"))
    earlier.rename(set_aside)
    begun.mkdir()
    (begun / "decoder_int8.tflite").write_text("")
    with pytest.raises(RuntimeError), replacing_folder(earlier):
        raise RuntimeError
    assert names(earlier) == {CARD, "checks.json"}
    assert names(earlier.parent) == {"export", ".export.lock"}


def test_folders_beside_something_that_is_not_an_export_stay(tmp_path):
    for folder in ("thesis", ".thesis.old", ".thesis.writing"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "chapter").write_text("years of work")
    with pytest.raises(UserError, match="something else in it"):
        write_new(tmp_path / "thesis")
    assert names(tmp_path) == {"thesis", ".thesis.old", ".thesis.writing"}


@pytest.mark.parametrize("moment", ["writing", "first rename", "second rename", "third rename"])
def test_a_killed_export_leaves_the_earlier_one_to_the_next(earlier, moment):
    script = """
        import os, pathlib, signal, sys
        from facevae.exporting import folder
        target, moment = pathlib.Path(sys.argv[1]), sys.argv[2]
        replace, calls = os.replace, []
        def kill_at(*paths):
            calls.append(paths)
            if f"{['first', 'second', 'third'][len(calls) - 1]} rename" == moment:
                os.kill(os.getpid(), signal.SIGKILL)
            replace(*paths)
        os.replace = kill_at
        with folder.replacing_folder(target) as aside:
            (aside / "half").write_text("")
            if moment == "writing":
                os.kill(os.getpid(), signal.SIGKILL)
    """
    command = [sys.executable, "-c", textwrap.dedent(script), str(earlier), moment]
    assert subprocess.run(command, cwd=ROOT).returncode == -signal.SIGKILL
    assert (
        names(earlier) == {CARD, "checks.json"}
        if moment in ("writing", "first rename")
        else not earlier.exists()
    )
    with pytest.raises(RuntimeError), replacing_folder(earlier):  # noqa: PT012
        assert names(earlier) == {CARD, "checks.json"}
        raise RuntimeError
    assert names(earlier) == {CARD, "checks.json"}
    assert names(earlier.parent) == {"export", ".export.lock"}
