"""Environments that users have without knowing it: other tools' settings, missing folders, strange names, Windows."""

import ast
import errno
import json
import os
import pathlib
import shlex
import subprocess
import sys

import pytest
from finished_run import write_run
from PIL import Image
from places import ROOT

from facevae.command_line.ending import exit_on_user_error
from facevae.command_line.native_flags import check_native_flags
from facevae.command_line.printed_commands import quoted
from facevae.errors import UserError, printable
from facevae.files import cache_folder, expanded, whole_file, whole_folder
from facevae.run.run_folder import RunFolder
from facevae.training import what_next

# What other tools leave in the environment. Each alone ended a command with a traceback, or changed its result.
OTHER_TOOLS = {
    "KERAS_BACKEND": "torch",
    "KERAS_NNX_ENABLED": "1",
    "KERAS_MAX_EPOCHS": "many",
    "KERAS_MAX_STEPS_PER_EPOCH": "1",
    "MPLBACKEND": "module://matplotlib_inline.backend_inline",
    "MATPLOTLIBRC": "/no/such/file",
    "TQDM_MININTERVAL": "often",
    "LOKY_MAX_CPU_COUNT": "all",
    "SKLEARN_ASSUME_FINITE": "perhaps",
    "JOBLIB_MULTIPROCESSING": "no",
    "PROTOCOL_BUFFERS_PYTHON_IMPLEMENTATION": "cpp11",
    "TF_CPP_MIN_LOG_LEVEL": "quiet",
    "PYTHONWARNINGS": "error",
}
# Its values in a command; None: it is not set.
SETTLED = {"KERAS_BACKEND": "tensorflow", "MPLBACKEND": "agg", "TF_CPP_MIN_LOG_LEVEL": "3"}


def run_python(program, *arguments, env=None, cwd=None):
    """Runs a program in a process of its own, with more variables in its environment."""
    return subprocess.run(
        [sys.executable, "-c", program, *map(os.fspath, arguments)],
        env={**os.environ, "PYTHONPATH": str(ROOT), **(env or {})},
        cwd=cwd,
        capture_output=True,
        text=True,
        encoding="utf-8",
        errors="surrogateescape",
    )


def run_script(script, *arguments, env=None, cwd=None, first=""):
    """Runs one of the four commands in a process of its own, after the lines of `first`."""
    program = (
        f"{first}\nimport runpy, sys\nsys.argv = sys.argv[1:]\nsys.path[0] = {str(ROOT)!r}\n"
        "runpy.run_path(sys.argv[0], run_name='__main__')"
    )
    return run_python(program, ROOT / script, *arguments, env=env, cwd=cwd)


def only_error(done):
    """The one line that a command ended with."""
    assert (done.returncode, done.stderr.count("\n")) == (2, 1), done.stderr
    assert done.stderr.startswith("error: ")
    return done.stderr


# ---------------------------------------------------------------------------------------------------------
# Settings of other tools
# ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", OTHER_TOOLS)
def test_a_command_takes_no_setting_of_another_tool(name):
    program = "import os\nfrom facevae.command_line.ending import exit_on_user_error\n"
    program += f"with exit_on_user_error(): print(os.environ.get({name!r}))"
    done = run_python(program, env={name: OTHER_TOOLS[name]})
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.strip() == str(SETTLED.get(name))


KERAS_SETTINGS = [
    {"image_data_format": "channels_first"},
    {"floatx": "float16"},
    {"floatx": "float7"},
    {"epsilon": 1},
    {"backend": "jax"},
    {"nnx_enabled": True},
    [],
]
COMMAND = """
import warnings
from facevae.command_line.ending import exit_on_user_error
from facevae.command_line.quiet import without_native_notes
with exit_on_user_error():
    with without_native_notes():
        import keras
    from facevae.figures.canvas import new_figure, to_pixels, write
    figure = new_figure(100, 50)
    write(figure, 1, 1, "σ × $")
    to_pixels(figure)
    warnings.warn("of a library's future", DeprecationWarning)
    config = keras.config
    print("σ", config.backend(), config.image_data_format(), config.floatx(), config.epsilon(), config.max_epochs())
"""


def test_all_of_them_together_change_nothing(tmp_path):
    (tmp_path / "keras.json").write_text(
        json.dumps({"image_data_format": "channels_first", "floatx": "float16"})
    )
    (tmp_path / "matplotlibrc").write_text("text.usetex: True\nsavefig.dpi: 9\n")
    env = {**OTHER_TOOLS, "KERAS_HOME": str(tmp_path), "PYTHONIOENCODING": "ascii", "COLUMNS": "1"}
    done = run_python(COMMAND, env=env, cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "\\u03c3 tensorflow channels_last float32 1e-07 None\n"
    assert json.loads((tmp_path / "keras.json").read_text())["floatx"] == "float16"


@pytest.mark.slow
@pytest.mark.parametrize("settings", KERAS_SETTINGS, ids=str)
def test_no_keras_json_reaches_a_command(tmp_path, settings):
    (tmp_path / "keras.json").write_text(json.dumps(settings))
    done = run_python(COMMAND, env={"KERAS_HOME": str(tmp_path)})
    assert done.stdout == "σ tensorflow channels_last float32 1e-07 None\n", done.stderr


@pytest.mark.parametrize("backend", ["jax", "nonsense"])
def test_a_program_is_told_which_backend_is_needed(backend):
    done = run_python("import facevae; facevae.VAE", env={"KERAS_BACKEND": backend})
    last = done.stderr.splitlines()[-1]
    assert "UserError: Keras: expected the backend tensorflow" in last
    assert backend in last
    assert "Set the environment variable KERAS_BACKEND=tensorflow" in last


def test_a_program_is_told_which_image_format_is_needed():
    import keras

    import facevae

    before = keras.config.image_data_format()
    keras.config.set_image_data_format("channels_first")
    try:
        with pytest.raises(
            UserError, match="expected images channels_last, received channels_first"
        ) as refused:
            _ = facevae.VAE
    finally:
        keras.config.set_image_data_format(before)
    assert 'keras.config.set_image_data_format("channels_last")' in str(refused.value)


def test_flags_that_end_tensorflow_are_refused(monkeypatch):
    monkeypatch.setenv("XLA_FLAGS", "--xla_nonsense=1")
    message = (
        r"XLA_FLAGS: TensorFlow does not start with them \(Unknown flag in XLA_FLAGS: --xla_nonsense=1\)"
    )
    with pytest.raises(UserError, match=message):
        check_native_flags()


def test_where_no_flags_are_set_none_are_tried(monkeypatch):
    monkeypatch.delenv("XLA_FLAGS", raising=False)
    monkeypatch.delenv("TF_XLA_FLAGS", raising=False)
    monkeypatch.setattr(subprocess, "run", None)
    check_native_flags()


# ---------------------------------------------------------------------------------------------------------
# Folders that the system lacks, errors of the machine
# ---------------------------------------------------------------------------------------------------------

NOBODY = (
    "import os, pwd\nos.environ.pop('HOME', None)\n\ndef unknown(_): raise KeyError\npwd.getpwuid = unknown\n"
)
NO_TEMPORARY = "import tempfile\ntempfile._candidate_tempdir_list = list\n"


def test_without_a_home_folder_the_cache_is_asked_for(tmp_path):
    env = {"FACEVAE_CACHE": ""}
    message = only_error(
        run_script("train.py", "--data", picture_folder(tmp_path), env=env, first=NOBODY, cwd=tmp_path)
    )
    assert "expected a home folder to keep them in" in message
    assert "--cache-dir FOLDER, or FACEVAE_CACHE" in message


def test_without_a_home_folder_the_cache_may_be_given(monkeypatch, tmp_path):
    def unknown(path):
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr(pathlib.Path, "expanduser", unknown)
    with pytest.raises(UserError, match="Set HOME, or write the path without ~"):
        expanded("~/faces")
    monkeypatch.undo()
    monkeypatch.setenv("FACEVAE_CACHE", str(tmp_path))
    assert cache_folder() == tmp_path
    assert cache_folder("elsewhere") == pathlib.Path("elsewhere").absolute()


def test_without_a_temporary_folder_one_is_asked_for(tmp_path):
    write_run(tmp_path / "run")
    done = run_script("explore.py", "run", "generate", first=NO_TEMPORARY, cwd=tmp_path)
    assert "Set TMPDIR to one that can" in only_error(done)


def test_a_current_folder_that_is_gone_is_named(tmp_path):
    (tmp_path / "gone").mkdir()
    first = f"import os, shutil\nshutil.rmtree({str(tmp_path / 'gone')!r})"
    done = run_script("train.py", "--data", picture_folder(tmp_path), cwd=tmp_path / "gone", first=first)
    assert "current folder: it is gone" in only_error(done)


@pytest.mark.parametrize(
    ("number", "advice"),
    [
        (errno.ENAMETOOLONG, "give a shorter or plainer one"),
        (errno.ENOTDIR, "Correct the path"),
        (errno.EMFILE, "ulimit -n"),
        (errno.ENOMEM, "allow more memory"),
        (errno.ENOLCK, "give a folder on another one"),
        (errno.ESTALE, "Connect the disk again"),
        (errno.EDQUOT, "Make room"),
    ],
)
@pytest.mark.parametrize("name", ["figures/a.png", b"figures/a\n.png"])
def test_errors_of_the_machine_are_one_line_with_advice(capsys, number, advice, name):
    with pytest.raises(SystemExit, match="2"), exit_on_user_error():
        raise OSError(number, os.strerror(number), name)
    error = capsys.readouterr().err
    assert error.startswith("error: figures/a")
    assert error.count("\n") == 1
    assert os.strerror(number) in error
    assert advice in error


def test_an_error_without_a_number_is_a_mistake_of_the_program():
    with pytest.raises(OSError, match="odd"), exit_on_user_error():
        raise OSError("odd")


@pytest.mark.parametrize("script", ["train.py", "evaluate.py", "explore.py", "export.py"])
def test_nothing_can_be_written(script, tmp_path):
    """As on a full disk: every file stays empty."""
    write_run(tmp_path / "run")
    run = {
        "train.py": ["--run-dir", "new", "--data", picture_folder(tmp_path)],
        "explore.py": ["run", "generate"],
    }
    full = "import resource\nresource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))"
    env = {"FACEVAE_CACHE": str(tmp_path / "cache")}
    done = run_script(script, *run.get(script, ["run"]), cwd=tmp_path, first=full, env=env)
    assert "error: " in done.stderr
    assert "Traceback" not in done.stderr
    assert done.returncode == 2


# ---------------------------------------------------------------------------------------------------------
# Names
# ---------------------------------------------------------------------------------------------------------

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


def picture_folder(place):
    """A folder of 30 small pictures."""
    folder = place / "pictures"
    folder.mkdir()
    for number in range(30):
        Image.new("RGB", (40, 40), (8 * number, 90, 200 - 6 * number)).save(folder / f"{number}.png")
    return folder


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


# ---------------------------------------------------------------------------------------------------------
# Windows, imitated
# ---------------------------------------------------------------------------------------------------------


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


def test_all_modules_are_imported_without_what_windows_lacks():
    files = [*ROOT.glob("facevae/**/*.py"), *ROOT.glob("callbacks/*.py")]
    names = [
        ".".join(file.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__") for file in files
    ]
    program = f"{NOT_ON_WINDOWS}\nimport importlib\nfor name in sys.argv[2:]: importlib.import_module(name)"
    done = run_python(program, "tensorflow", *names)
    assert done.returncode == 0, done.stderr[-2000:]


def test_no_name_of_ours_has_a_character_that_windows_refuses(tmp_path):
    write_run(tmp_path / "run")
    made = [path.name for path in tmp_path.rglob("*")]
    assert made
    assert not [name for name in made if set(name) & set('<>:"|?*\\') or name.endswith((" ", "."))]
