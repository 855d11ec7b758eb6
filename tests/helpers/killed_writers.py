"""Processes that write files, and are killed at a certain moment."""

import contextlib
import subprocess
import sys

from places import ROOT

from facevae.files import whole_file, whole_folder


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
