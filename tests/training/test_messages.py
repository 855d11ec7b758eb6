"""The last lines of train.py."""

import signal

import pytest

from facevae.command_line.interruption import Interrupted
from facevae.run.run_folder import RunFolder
from facevae.training.messages import how_to_resume, warning_of_name, what_next


def test_a_stopped_run_says_what_was_saved_and_how_to_go_on(tmp_path):
    run = RunFolder(tmp_path)
    stop = Interrupted(signal.SIGTERM)
    advice = f"go on with the same command, --run-dir {tmp_path} and --resume."
    assert how_to_resume(stop, run, True) == f"SIGTERM: stopped. Nothing was trained yet; {advice}"
    run.checkpoint.parent.mkdir()
    run.checkpoint.touch()
    assert how_to_resume(stop, run, True) == f"SIGTERM: stopped. The run is saved; {advice}"
    assert how_to_resume(Interrupted(signal.SIGINT), run, False) == (
        "SIGINT: stopped. The other workers stop, too; start all of them again with --resume."
    )


def test_a_folder_that_tensorboard_cannot_show_gets_a_warning(tmp_path):
    assert warning_of_name(RunFolder(tmp_path / "a [1] σ\n")) is None
    assert "is not UTF-8" in warning_of_name(RunFolder(tmp_path / "caf\udce9"))


@pytest.mark.parametrize("name", ["kl+shift", "me & you", "run #3", "50%"])
def test_a_name_that_the_projector_cannot_ask_for_gets_a_warning(tmp_path, name):
    warning = warning_of_name(RunFolder(tmp_path / name))
    assert warning.startswith(
        "warning: TensorBoard's projector loads no run whose name has one of # % & + in it"
    )
    assert name in warning
    assert "\n" not in warning
    assert warning_of_name(RunFolder(tmp_path / name / "first")) is None


def test_a_finished_run_names_the_commands_that_go_on_from_it(tmp_path):
    lines = what_next(RunFolder(tmp_path), "images=1000").splitlines()
    assert lines[:2] == ["", f"Done. The run is in {tmp_path}"]
    assert lines[2].endswith(
        f"-m tensorboard.main --logdir {tmp_path / 'logs'} --samples_per_plugin images=1000"
    )
    for line, script in zip(lines[3:6], ("evaluate.py", "explore.py", "export.py"), strict=True):
        assert f"{script} {tmp_path}" in line
    assert lines[6].endswith(f'facevae.load("{tmp_path}")')
