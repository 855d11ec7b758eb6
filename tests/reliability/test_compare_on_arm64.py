"""The exported files on a 64-bit Arm processor, an emulated one."""

import importlib.util
import pathlib
import platform
import shutil
import subprocess
import sys

import numpy as np
import pytest
from finished_run import DECODERS, write_run
from places import RELIABILITY

SCRIPT = RELIABILITY / "compare_on_arm64.py"
SYSTEM = pathlib.Path("/etc/os-release")


@pytest.fixture(scope="module")
def script():
    """The script as a module."""
    specification = importlib.util.spec_from_file_location("compare_on_arm64", SCRIPT)
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    ("difference", "status"), [(0.0, 0), (0.9e-5, 0), (1.1e-5, 1), (0.5, 1), (np.nan, 1), (np.inf, 1)]
)
def test_a_difference_above_the_limit_or_none_at_all_is_found(script, difference, status, capsys):
    here = {"decoder_float32.tflite/decode/image": np.zeros((2, 4, 4, 3), np.float32)}
    there = {key: value.copy() for key, value in here.items()}
    there["decoder_float32.tflite/decode/image"][1, 2, 2, 0] = difference
    assert script.compare(here, there) == status
    assert capsys.readouterr().out.startswith("BAD" if status else "ok ")


@pytest.mark.slow
@pytest.mark.skipif(
    platform.machine() != "x86_64"
    or shutil.which("apt-get") is None
    or not (SYSTEM.exists() and "ID=debian" in SYSTEM.read_text().split()),
    reason="needs Debian on x86-64, whose packages make the Arm machine",
)
def test_every_file_gives_the_same_on_an_emulated_arm_processor(tmp_path):
    from facevae.exporting.export import export_run
    from facevae.run.opened_run import OpenedRun

    run = write_run(tmp_path / "run")
    export_run(OpenedRun(run.path), checked_latents=8)
    process = subprocess.run(
        [sys.executable, str(SCRIPT), str(run.export)], capture_output=True, text=True, timeout=600
    )
    assert process.returncode == 0, process.stdout + process.stderr
    outputs = [line.split()[1] for line in process.stdout.splitlines() if line.startswith("ok ")]
    # Four decoders with five outputs each, the encoder with twice two.
    assert len(outputs) == 4 * 5 + 4
    assert {name.split("/")[0] for name in outputs} == {*DECODERS, "encoder.tflite"}
