"""The test that kills: its checks fail where something is lost, and a short one loses nothing."""

import subprocess
import sys
import zipfile

import numpy as np
import pytest
from places import RELIABILITY

from facevae.files import whole_file, whole_folder

SCRIPT = RELIABILITY / "kill_at_random.py"


@pytest.fixture
def whole_files(monkeypatch):
    monkeypatch.syspath_prepend(str(RELIABILITY))
    import whole_files

    return whole_files


@pytest.fixture
def killed_commands(monkeypatch):
    monkeypatch.syspath_prepend(str(RELIABILITY))
    import killed_commands

    return killed_commands


def test_one_bit_of_difference_is_noticed(whole_files):
    ours, theirs = ({"weight": np.array([1.0, 2.0], np.float32)} for _ in range(2))
    whole_files.expect_equal(ours, theirs, "checkpoint")
    ours["weight"].view(np.uint32)[1] ^= 1
    with pytest.raises(whole_files.LostError, match="checkpoint: weight differs"):
        whole_files.expect_equal(ours, theirs, "checkpoint")
    with pytest.raises(whole_files.LostError, match="other arrays"):
        whole_files.expect_equal({}, theirs, "checkpoint")


def test_files_that_are_not_whole_are_noticed(whole_files, tmp_path):
    folder = tmp_path / "checkpoints"
    folder.mkdir()
    np.savez(folder / "last.npz", progress=np.array('{"epochs": 2, "epoch_steps": 5}'), weight=np.zeros(1000))
    assert whole_files.expect_whole_run(tmp_path, 12) == 2 * 12 + 5
    content = (folder / "last.npz").read_bytes()
    (folder / "last.npz").write_bytes(content[: len(content) // 2])
    with pytest.raises(zipfile.BadZipFile):
        whole_files.expect_whole_run(tmp_path, 12)


def test_what_is_left_half_written_is_noticed(whole_files, killed_commands, tmp_path):
    whole_files.expect_no_leftovers(tmp_path)
    with whole_file(tmp_path / "encodings" / "train.npz") as aside:
        aside.write_text("half")
        assert len(killed_commands.begun_files(tmp_path)) == 1
        with pytest.raises(whole_files.LostError, match=r"left.*train\.npz"):
            whole_files.expect_no_leftovers(tmp_path)
    with whole_folder(tmp_path / "export") as aside:
        (aside / "decoder").write_text("")
        assert len(killed_commands.begun_files(tmp_path)) == 2
    assert killed_commands.begun_files(tmp_path) == []
    whole_files.expect_no_leftovers(tmp_path)


def test_a_projector_that_names_what_is_not_there_is_noticed(whole_files, tmp_path):
    (tmp_path / "a.bytes").write_bytes(bytes(4 * 6))
    (tmp_path / "a.tsv").write_text("")
    (tmp_path / "a.jpg").write_text("")
    config = (
        'embeddings { tensor_name: "a" tensor_path: "a.bytes" tensor_shape: 2 tensor_shape: 3 '
        'metadata_path: "a.tsv" sprite { image_path: "a.jpg" } }'
    )
    (tmp_path / "projector_config.pbtxt").write_text(config)
    whole_files.expect_whole_projector(tmp_path)
    (tmp_path / "a.jpg").unlink()
    with pytest.raises(whole_files.LostError, match=r"a\.jpg, which is not there"):
        whole_files.expect_whole_projector(tmp_path)
    (tmp_path / "a.bytes").write_bytes(bytes(4 * 5))
    with pytest.raises(whole_files.LostError, match=r"a\.bytes is not whole"):
        whole_files.expect_whole_projector(tmp_path)


def test_a_step_that_stands_twice_in_a_chart_is_noticed(whole_files, tmp_path):
    from facevae.tensorboard.events import EventWriter

    writer = EventWriter(tmp_path)
    for step in (0, 1, 1):
        writer.scalar("loss", 1.0, step)
    writer.close()
    with pytest.raises(whole_files.LostError, match=r"loss stands at the steps \[0, 1, 1\]"):
        whole_files.expect_steps(tmp_path, ["loss"], [0, 1])


@pytest.mark.parametrize(
    ("stack", "what"),
    [
        (
            'File "facevae/training/checkpoints.py", line 60 in save_checkpoint',
            "writing a checkpoint or model",
        ),
        ('File "/a/callbacks/latent_figures.py", line 9 in write', "pictures and figures"),
        (
            'File "/a/callbacks/progress_bar.py", line 9 in f\n  File "/k/trainer.py", line 3 in fit',
            "training steps",
        ),
        ('File "<frozen importlib._bootstrap>", line 241 in _call', "starting up"),
    ],
)
def test_a_stack_says_what_a_process_was_doing(killed_commands, stack, what):
    other = 'Thread 0x1 (most recent call first):\n  File "threading.py", line 1 in wait'
    own = f'Thread 0x2 (most recent call first):\n  {stack}\n  File "train.py", line 98 in <module>'
    assert killed_commands.doing(f"{other}\n\n{own}\n") == what


@pytest.mark.slow
def test_trainings_that_are_killed_end_as_if_they_had_not_been(tmp_path):
    command = [sys.executable, SCRIPT, "--kills", "2", "--only", "training", "--work", tmp_path / "work"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "2 kills" in done.stdout
    assert "nothing lost" in done.stdout
