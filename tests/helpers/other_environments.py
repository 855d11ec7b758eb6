"""Commands run in processes whose environment another tool has set."""

import os
import subprocess
import sys

from PIL import Image
from places import ROOT

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


def picture_folder(place):
    """A folder of 30 small pictures."""
    folder = place / "pictures"
    folder.mkdir()
    for number in range(30):
        Image.new("RGB", (40, 40), (8 * number, 90, 200 - 6 * number)).save(folder / f"{number}.png")
    return folder
