"""Environments that users have without knowing it: other tools' settings, missing folders, strange names, Windows."""

import errno
import json
import os
import pathlib
import subprocess

import pytest
from finished_run import write_run
from other_environments import SETTLED, only_error, picture_folder, run_python, run_script

from facevae.command_line.ending import exit_on_user_error
from facevae.command_line.native_flags import check_native_flags
from facevae.errors import UserError
from facevae.files import cache_folder, expanded

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
