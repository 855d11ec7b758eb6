"""How the four commands end when they are asked to while they begin."""

import os
import signal
import subprocess
import sys
import time

import pytest
from places import ROOT

from facevae.configuration.config import Config
from facevae.run.run_folder import RunFolder

COMMANDS = {
    "train.py": ["--data", "faces", "--run-dir", "begun"],
    "evaluate.py": ["run"],
    "explore.py": ["run", "generate"],
    "export.py": ["run"],
}


@pytest.fixture
def start(tmp_path, folder):
    """A function that starts a command, which then imports TensorFlow for a minute."""
    site = tmp_path / "site"
    site.mkdir()
    code = "import pathlib, time\npathlib.Path('imports').touch()\ntime.sleep(60)\n"
    for package in ("tensorflow", "keras"):
        (site / f"{package}.py").write_text(code)
    RunFolder(tmp_path / "run").save(
        Config(data=str(folder)),
        {"name": "faces", "attribute_names": [], "faces": {"train": 30, "validation": 5, "test": 5}},
    )
    for which in ("last", "best"):
        network = RunFolder(tmp_path / "run").network(which)
        network.parent.mkdir(exist_ok=True)
        network.touch()

    def start(script):
        process = subprocess.Popen(
            [sys.executable, str(ROOT / script), *COMMANDS[script]],
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": str(site)},
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        deadline = time.monotonic() + 60
        while not (tmp_path / "imports").exists():
            assert process.poll() is None, process.communicate()
            assert time.monotonic() < deadline
            time.sleep(0.02)
        return process

    return start


@pytest.mark.parametrize("script", COMMANDS)
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_during_imports_is_one_line_and_a_status(start, tmp_path, script, number):
    process = start(script)
    process.send_signal(number)
    _, err = process.communicate(timeout=60)
    assert len(err.splitlines()) == 1, err
    assert err.startswith(f"{number.name}: stopped. ")
    expected = 75 if script == "train.py" and number != signal.SIGINT else 128 + number
    assert process.returncode == expected
    if script == "train.py":
        assert err.strip().endswith("Log: begun/train.log")
        assert (
            err.strip().removesuffix(" Log: begun/train.log")
            in (tmp_path / "begun" / "train.log").read_text()
        )


def test_a_training_that_was_stopped_while_it_began_frees_its_run_folder(start, tmp_path):
    process = start("train.py")
    with pytest.raises(Exception, match="another process"), RunFolder(tmp_path / "begun").locked():
        pass
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=60)
    with RunFolder(tmp_path / "begun").locked():
        pass
