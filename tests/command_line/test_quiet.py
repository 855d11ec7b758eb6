import os
import subprocess
import sys

import pytest

from facevae.command_line.quiet import without_native_notes


def test_informational_lines_are_dropped_and_errors_passed_on(capfd):
    with without_native_notes():
        os.write(2, b"I0000 00:00:1.5 12 port.cc:153] oneDNN custom operations are on.\n")
        os.write(2, b"E0000 00:00:1.5 12 gpu.cc:1] the card is on fire\n")
    assert capfd.readouterr().err == "E0000 00:00:1.5 12 gpu.cc:1] the card is on fire\n"


def test_standard_error_works_again_after_an_exception(capfd):
    with pytest.raises(ZeroDivisionError), without_native_notes():
        1 / 0  # noqa: B018
    os.write(2, b"after\n")
    assert capfd.readouterr().err == "after\n"


def test_importing_the_model_prints_nothing():
    code = "import facevae; facevae.VAE"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
