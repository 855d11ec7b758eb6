"""What Windows does otherwise, imitated."""

import errno
import os

import pytest
from finished_run import write_run
from other_environments import run_python, run_script
from places import ROOT

from facevae.files import whole_file


@pytest.fixture
def held_open(monkeypatch):
    """A function after which so many calls of `os.replace` fail as they do for a file that somebody has open."""
    waited, replace = [], os.replace

    def hold(times):
        left = [times]

        def refuse(source, target):
            if left[0] > 0:
                left[0] -= 1
                error = PermissionError(errno.EACCES, "The process cannot access the file", str(target))
                error.winerror = 32
                raise error
            replace(source, target)

        monkeypatch.setattr(os, "replace", refuse)
        monkeypatch.setattr("time.sleep", waited.append)
        return waited

    return hold


def test_a_file_that_is_open_is_replaced_when_it_is_closed(tmp_path, held_open):
    waited = held_open(3)
    with whole_file(tmp_path / "a.txt") as aside:
        aside.write_text("new")
    assert (tmp_path / "a.txt").read_text() == "new"
    assert len(waited) == 3


def test_a_file_that_stays_open_is_an_error_after_some_seconds(tmp_path, held_open):
    (tmp_path / "a.txt").write_text("old")
    waited = held_open(1000)
    with pytest.raises(PermissionError), whole_file(tmp_path / "a.txt") as aside:
        aside.write_text("new")
    assert 1 < sum(waited) < 10
    assert (tmp_path / "a.txt").read_text() == "old"


def test_without_permission_nobody_waits(tmp_path, monkeypatch):
    def refuse(source, target):
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(os, "replace", refuse)
    monkeypatch.setattr("time.sleep", None)
    with pytest.raises(PermissionError), whole_file(tmp_path / "a.txt") as aside:
        aside.write_text("new")


NOT_ON_WINDOWS = """
import builtins, os, signal, sys
of_posix = {"fcntl", "resource", "pwd", "grp", "termios", "pty"}
ours = builtins.__import__

def imported(name, globals=None, *more):
    where = (globals or {}).get("__name__", "")
    if name in of_posix and where.split(".")[0] in ("facevae", "callbacks", "__main__", "train"):
        raise ModuleNotFoundError(f"No module named {name!r}")
    return ours(name, globals, *more)

import subprocess, tempfile, threading, filelock, multiprocessing, numpy, PIL.Image, tqdm
if "tensorflow" in sys.argv:
    import tensorflow, keras, tensorflow_datasets, sklearn.mixture, sklearn.manifold, tensorboard.program
builtins.__import__ = imported
for name in ("SIGHUP", "SIGUSR1", "SIGUSR2", "SIGXCPU", "SIGKILL", "SIGALRM", "SIGPIPE", "SIGCHLD", "SIGQUIT"):
    delattr(signal, name)
for name in ("sched_getaffinity", "fork", "getuid", "geteuid", "setsid", "killpg", "getpgid", "uname", "sysconf"):
    if hasattr(os, name):
        delattr(os, name)
"""


def test_commands_start_without_what_windows_lacks(tmp_path):
    for script, flags in (("train.py", []), ("evaluate.py", []), ("explore.py", []), ("export.py", [])):
        done = run_script(script, *flags, "--help", first=NOT_ON_WINDOWS)
        assert done.returncode == 0, done.stderr
        assert "usage" in done.stdout


def test_no_name_of_ours_has_a_character_that_windows_refuses(tmp_path):
    write_run(tmp_path / "run")
    made = [path.name for path in tmp_path.rglob("*")]
    assert made
    assert not [name for name in made if set(name) & set('<>:"|?*\\') or name.endswith((" ", "."))]


def test_all_modules_are_imported_without_what_windows_lacks():
    files = [*ROOT.glob("facevae/**/*.py"), *ROOT.glob("callbacks/*.py")]
    names = [
        ".".join(file.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__") for file in files
    ]
    program = f"{NOT_ON_WINDOWS}\nimport importlib\nfor name in sys.argv[2:]: importlib.import_module(name)"
    done = run_python(program, "tensorflow", *names)
    assert done.returncode == 0, done.stderr[-2000:]
