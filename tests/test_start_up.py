"""What every entry script says without the seconds that TensorFlow takes to import."""

import os
import subprocess
import sys

import pytest
from places import ROOT

resource = pytest.importorskip("resource", reason="needs an operating system that counts processor time")


@pytest.fixture
def answer(tmp_path):
    """A function that runs an entry script where importing TensorFlow or Keras fails."""
    for package in ("tensorflow", "keras"):
        (tmp_path / f"{package}.py").write_text("raise AssertionError('imported')")

    def run(script, *flags):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        done = subprocess.run(
            [sys.executable, str(ROOT / script), *flags],
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": str(tmp_path)},
            text=True,
            capture_output=True,
        )
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        seconds = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        # Of processor time: the clock also counts what else the machine does.
        assert seconds < 1.5, f"{script} {flags} took {seconds:.1f} s of processor time"
        assert "Traceback" not in done.stderr
        return done

    return run


@pytest.mark.parametrize("script", ["train.py", "evaluate.py", "explore.py", "export.py"])
def test_help_answers_at_once(answer, script):
    done = answer(script, "--help")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(f"usage: {script}")


@pytest.mark.parametrize(
    ("script", "flags", "message"),
    [
        ("train.py", ["--learning-rate", "fast"], "--learning-rate: expected a number, received 'fast'"),
        ("train.py", ["--steps-per-execution", "2"], "--steps-per-execution: there is no such flag"),
        ("train.py", ["--kl-weight", "-1"], "--kl-weight: expected at least 0.0"),
        ("train.py", ["--data", "no/such/folder"], "received 'no/such/folder', which does not exist"),
        ("train.py", ["--data", "celeba"], "Nearest tensorflow-datasets names: celeb_a"),
        ("train.py", ["--data", "tensorflow.py"], "expected a folder, received the file 'tensorflow.py'"),
        ("evaluate.py", ["nowhere"], "'nowhere', which does not exist"),
        ("explore.py", ["nowhere", "generate"], "'nowhere', which does not exist"),
        ("export.py", ["nowhere"], "'nowhere', which does not exist"),
    ],
)
def test_a_mistake_is_answered_at_once(answer, script, flags, message):
    done = answer(script, *flags)
    assert done.returncode == 2
    assert message in done.stderr
    assert not done.stdout


def test_a_mistake_in_the_data_leaves_no_run_folder(answer, tmp_path):
    answer("train.py", "--data", "no/such/folder", "--run-dir", "run")
    assert not (tmp_path / "run").exists()
