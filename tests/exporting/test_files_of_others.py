"""What others put into an export is refused by name and kept."""

import json
import os
import signal
import subprocess
import sys
import textwrap

import pytest
from places import ROOT
from small_exports import names, write_new

from facevae.errors import UserError
from facevae.exporting.folder import CARD, FILES, replacing_folder


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
