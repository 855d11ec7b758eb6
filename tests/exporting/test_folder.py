"""An export replaces an earlier one as a whole or not at all, and no file of anybody else."""

import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import textwrap

import pytest
from places import ROOT

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


def write_new(folder: pathlib.Path) -> None:
    with replacing_folder(folder) as aside:
        (aside / CARD).write_text("{}")
        (aside / "new").write_text("new")


def names(folder: pathlib.Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


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


# ------------------------------------------------------------------------------
# Files of others
# ------------------------------------------------------------------------------


def test_an_export_lists_its_files_and_the_next_one_replaces_exactly_these(tmp_path):
    target = tmp_path / "export"
    for name in ("first", "second"):
        with replacing_folder(target) as aside:
            (aside / "inner").mkdir()
            (aside / "inner" / name).write_text(name)
    assert sorted(json.loads((target / FILES).read_text())) == ["inner/second"]
    assert names(target / "inner") == {"second"}


def own_file(target):
    (target / "MainActivity.kt").write_text("years of work")


def repository(target):
    (target / ".git" / "objects").mkdir(parents=True)
    (target / ".git" / "HEAD").write_text("years of work")


def edited(target):
    (target / "new").write_text("years of work")


def link_out(target):
    (target.parent / "precious").write_text("years of work")
    (target / "link").symlink_to("../precious")


def link_to_a_folder(target):
    (target.parent / "photographs").mkdir()
    (target.parent / "photographs" / "1").write_text("years of work")
    (target / "link").symlink_to("../photographs")


def link_instead_of_a_file(target):
    (target.parent / "precious").write_text((target / "new").read_text())
    (target / "new").unlink()
    (target / "new").symlink_to("../precious")


def hidden_below(target):
    (target / "inner").mkdir()
    (target / "inner" / ".notes").write_text("years of work")


def damaged_list(target):
    (target / FILES).write_text("{")


def list_of_another_program(target):
    (target / FILES).write_text('["new"]')


def claimed_by_the_list(target):
    (target / "thesis").write_text("years of work")
    listed = json.loads((target / FILES).read_text())
    (target / FILES).write_text(json.dumps({**listed, "thesis": None}))


def no_list(target):
    (target / FILES).unlink()  # then only what version 0.1 wrote may be deleted


CHANGES = [
    *(
        own_file,
        repository,
        edited,
        link_out,
        link_to_a_folder,
        link_instead_of_a_file,
        hidden_below,
        damaged_list,
    ),
    *(list_of_another_program, claimed_by_the_list, no_list),
]


def content(folder):
    """Everything in a folder: the text of each file, and where each link leads."""
    found = {}
    for path in sorted(folder.rglob("*")):
        if path.is_symlink():
            found[path.relative_to(folder)] = os.readlink(path)
        elif path.is_file() and path.suffix != ".lock":
            found[path.relative_to(folder)] = path.read_text()
    return found


@pytest.mark.parametrize("change", CHANGES)
def test_what_others_put_into_an_export_is_refused_by_name_and_kept(tmp_path, change):
    write_new(tmp_path / "export")
    change(tmp_path / "export")
    before = content(tmp_path)
    with pytest.raises(UserError, match=r"with something else in it.*: '.*Choose another --output-dir"):
        write_new(tmp_path / "export")
    assert content(tmp_path) == before


@pytest.mark.parametrize("change", CHANGES)
def test_what_others_put_into_it_while_it_is_made_anew_is_kept(tmp_path, change):
    write_new(tmp_path / "export")
    before = {}

    def change_meanwhile():
        with replacing_folder(tmp_path / "export") as aside:
            (aside / "newer").write_text("newer")
            change(tmp_path / "export")
            before.update(content(tmp_path / "export"))

    with pytest.raises(UserError, match="with something else in it"):
        change_meanwhile()
    assert content(tmp_path / "export") == before
    assert not [name for name in names(tmp_path) if name.startswith(".writing")]


def test_a_folder_that_is_made_while_an_export_is_being_put_in_its_place_is_kept_with_the_earlier_one(
    tmp_path,
):
    script = """
        import os, pathlib, signal, sys
        from facevae.exporting import folder
        target, replace = pathlib.Path(sys.argv[1]), os.replace
        def kill_behind_the_first(*paths):
            replace(*paths)
            if paths[0] == target:
                os.kill(os.getpid(), signal.SIGKILL)
        os.replace = kill_behind_the_first
        with folder.replacing_folder(target):
            (target / "notes").write_text("years of work")
    """
    target = tmp_path / "export"
    write_new(target)
    command = [sys.executable, "-c", textwrap.dedent(script), str(target)]
    assert subprocess.run(command, cwd=ROOT).returncode == -signal.SIGKILL
    target.mkdir()
    (target / "more notes").write_text("more years of work")
    with pytest.raises(UserError, match="more notes"):
        write_new(target)
    (target / "more notes").rename(tmp_path / "more notes")
    write_new(target)
    (kept,) = tmp_path.glob("export.earlier-*")
    assert (kept / "notes").read_text() == "years of work"
    assert (tmp_path / "more notes").read_text() == "more years of work"


def test_what_desktops_leave_in_a_folder_is_nobodys(tmp_path):
    write_new(tmp_path / "export")
    (tmp_path / "export" / ".DS_Store").write_text("")
    write_new(tmp_path / "export")
    assert names(tmp_path / "export") == {CARD, "new", FILES}


def test_a_file_in_the_place_of_the_folder_is_refused(tmp_path):
    (tmp_path / "export").write_text("years of work")
    with pytest.raises(UserError, match=r"a file\. Give a new --output-dir"):
        write_new(tmp_path / "export")
    assert (tmp_path / "export").read_text() == "years of work"
