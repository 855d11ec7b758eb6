"""Folders and files with any name, in commands that are printed and pasted."""

import ast
import os
import pathlib
import shlex
import subprocess
import sys

import pytest
from other_environments import only_error, picture_folder, run_script
from places import ROOT

from facevae.command_line.printed_commands import quoted
from facevae.errors import printable
from facevae.files import whole_folder
from facevae.run.run_folder import RunFolder
from facevae.training import what_next

NAMES = {
    "spaces and brackets": b"my run (1) & co [x] {a,b}*?",
    "commands": b"$(touch pwned) `id` $HOME; a|b <c> #d !e ~",
    "quotation marks": b'it\'s "q" \\ \\n',
    "a newline": b"a\nb",
    "terminal escapes": b"\x1b[31mred\x07\x9b",
    "latin-1": b"caf\xe9 \xff1",
    "emoji": "🙂👩‍👩‍👧 σ×".encode(),
    "right to left": "\u202egnp.exe".encode(),
    "percent": b"100%s %d %PATH%",
    "spaces around": b" run. ",
    "255 bytes": b"n" * 255,
}


each_name = pytest.mark.parametrize("name", NAMES.values(), ids=NAMES)


@pytest.fixture
def strange_folder(tmp_path, name):
    """A folder of such a name, where the disk takes it."""
    path = pathlib.Path(os.fsdecode(os.fsencode(tmp_path) + b"/" + name))
    try:
        path.mkdir()
    except OSError:
        pytest.skip("this disk takes no such name")
    return path


def pasted(line, cwd="/"):
    """The words that bash makes of a line."""
    done = subprocess.run(["bash", "-c", f"printf '%s\\0' {line}"], cwd=cwd, capture_output=True, check=True)
    return [os.fsdecode(word) for word in done.stdout.split(b"\0")[:-1]]


@each_name
def test_printed_commands_can_be_pasted_from_any_folder(name, strange_folder, monkeypatch):
    monkeypatch.chdir(strange_folder.parent)
    text = what_next(RunFolder(strange_folder.name), "images=1000")
    assert all(line.isprintable() for line in text.split("\n"))
    lines = dict(line.strip().split(":", 1) for line in text.split("\n")[2:])
    board, load, log = (lines.pop(key).strip() for key in ("TensorBoard", "in Python", "what was said"))
    assert log == printable(f"{strange_folder.name}/train.log").strip()
    assert pasted(board)[1:] == (
        [
            "-m",
            "tensorboard.main",
            "--logdir",
            f"{strange_folder}/logs",
            "--samples_per_plugin",
            "images=1000",
        ]
    )
    for line, script in zip(lines.values(), ("evaluate.py", "explore.py", "export.py"), strict=True):
        assert pasted(line)[:3] == [sys.executable, str(ROOT / script), str(strange_folder)]
    assert ast.literal_eval(load.removeprefix("facevae.load(").removesuffix(")")) == str(strange_folder)


def test_characters_that_the_terminal_lacks_can_be_pasted(monkeypatch):
    class Ascii:
        encoding = "ascii"

    monkeypatch.setattr(sys, "stdout", Ascii())
    assert quoted(["café"]).isascii()
    assert pasted(quoted(["café 1"])) == ["café 1"]


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["C:\\runs\\a", "--host=::1"], '"C:\\runs\\a" "--host=::1"'.replace('"', "")),
        (["C:\\my runs\\a&b"], '"C:\\my runs\\a&b"'),
        (["C:\\my runs\\"], '"C:\\my runs\\\\"'),
        (["it's"], '"it\'s"'),
        ([""], '""'),
    ],
)
def test_words_are_quoted_for_windows(words, line):
    assert quoted(words, for_cmd=True) == line


@each_name
def test_what_is_said_of_a_strange_folder_is_one_printable_line(name, strange_folder):
    for script, more in (("evaluate.py", []), ("explore.py", ["generate"]), ("export.py", [])):
        with_flags = run_script(script, strange_folder, *more)
        assert "holds no run" in only_error(with_flags)
        assert with_flags.stderr.rstrip("\n").isprintable()


@pytest.mark.parametrize("script", ["train.py", "evaluate.py", "explore.py", "export.py"])
def test_a_name_that_is_too_long_is_one_line(script, tmp_path):
    name = "n" * 300
    arguments = {"train.py": ["--run-dir", name], "explore.py": [name, "generate"]}.get(script, [name])
    message = only_error(run_script(script, *arguments, cwd=tmp_path))
    assert "File name too long" in message or "does not exist" in message


@pytest.mark.slow
@pytest.mark.parametrize("name", [NAMES["latin-1"], NAMES["a newline"], NAMES["spaces and brackets"]])
def test_all_commands_work_in_a_strange_folder(name, strange_folder):
    small = "--image-size 32 --width 8 --latent-dim 4 --batch-size 8 --epochs 1 --density-components 1"
    flags = [
        "--data",
        picture_folder(strange_folder),
        *shlex.split(small),
        "--run-dir",
        strange_folder / "run",
    ]
    env = {"FACEVAE_CACHE": str(strange_folder / "cache")}
    trained = run_script("train.py", *flags, env=env)
    assert trained.returncode == 0, trained.stderr
    export = ["--formats", "float32", "--output-dir", strange_folder / strange_folder.name]
    for script, more in (
        ("explore.py", ["latents"]),
        ("explore.py", ["reconstruct", "0"]),
        ("export.py", export),
    ):
        done = run_script(script, strange_folder / "run", *more, env=env)
        assert done.returncode == 0, done.stderr
    assert (strange_folder / strange_folder.name / "saved_model" / "1" / "saved_model.pb").is_file()


def test_what_was_left_of_a_folder_with_a_newline_in_its_name_is_found(tmp_path):
    for content in ("old", "new"):
        with whole_folder(tmp_path / "a\nb") as aside:
            (aside / "file").write_text(content)
    assert [path.name for path in tmp_path.iterdir()] == ["a\nb"]
    assert (tmp_path / "a\nb" / "file").read_text() == "new"
