"""`python train.py` as two workers on the loopback: the run resumes whichever of them was killed."""

import os
import shlex
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
from PIL import Image
from places import ROOT
from worker_helpers import ENDING_SECONDS, tf_configs

import facevae
from facevae.errors import UserError
from facevae.run.run_folder import RunFolder

FLAGS = shlex.split(
    "--image-size 32 --width 8 --latent-dim 4 --density-components 1 --batch-size 8 --epochs 2 "
    "--steps-per-epoch 200 --checkpoint-steps 10 --resume"
)


@pytest.fixture
def start(tmp_path, folder):
    """A function that starts both workers of a run; whatever happens they end with the test."""
    started = []

    def start(run, folders=(folder, folder), only=None):
        pair = []
        for index, config in enumerate(tf_configs(2)):
            if only not in (None, index):
                continue
            environment = {
                **os.environ,
                "TF_CONFIG": config,
                "FACEVAE_CACHE": str(tmp_path / f"cache{index}"),
            }
            command = [
                sys.executable,
                str(ROOT / "train.py"),
                *FLAGS,
                "--data",
                folders[index],
                "--run-dir",
                run,
            ]
            pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
            pair.append(subprocess.Popen(command, env=environment, cwd=tmp_path, text=True, **pipes))
        started.extend(pair)
        return pair

    yield start
    for process in started:
        process.kill()  # its worker ends with it
        process.communicate()


def wait_for(path, process):
    deadline = time.monotonic() + ENDING_SECONDS
    while not path.exists():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline, f"no {path.name} in time"
        time.sleep(0.05)


def wait_for_line(log, words, process):
    deadline = time.monotonic() + ENDING_SECONDS
    while not (log.exists() and words in log.read_text()):
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline, f"no {words!r} in time"
        time.sleep(0.1)


def last_line(text):
    """The last line that is to be seen; a progress bar clears its own with spaces."""
    return [line for line in text.splitlines() if line.strip()][-1]


def finish(pair):
    return [(process.communicate(timeout=ENDING_SECONDS), process.returncode) for process in pair]


@pytest.mark.slow
def test_a_run_that_lost_a_worker_and_then_was_asked_to_end_equals_one_that_did_not(tmp_path, start):
    whole = finish(start(tmp_path / "whole"))
    assert [status for _, status in whole] == [0, 0], whole
    assert all("2 devices together" in out for (out, _), _ in whole)

    run, checkpoint = tmp_path / "run", tmp_path / "run" / "checkpoints" / "last.npz"
    chief, other = start(run)
    wait_for(checkpoint, chief)
    other.kill()
    killed = time.monotonic()
    (_, err), status = finish([chief])[0]
    assert time.monotonic() - killed < 60
    assert status not in (0, 2)
    assert last_line(err).startswith("error: worker 0 of 2 (127.0.0.1:")
    assert "--resume" in last_line(err)

    before = checkpoint.stat().st_mtime_ns
    chief, other = start(run)
    while checkpoint.stat().st_mtime_ns == before and chief.poll() is None:
        time.sleep(0.05)
    other.send_signal(signal.SIGTERM)
    assert [status for _, status in finish([chief, other])] == [75, 75]

    for (_, err), status in finish(start(run)):
        assert status == 0, err
    for which in ("best", "last"):
        expected, resumed = facevae.load(tmp_path / "whole", which), facevae.load(run, which)
        for ours, theirs in zip(resumed.get_weights(), expected.get_weights(), strict=True):
            np.testing.assert_array_equal(ours, theirs)
    assert int(resumed.global_step) == 2 * 200


@pytest.mark.slow
def test_workers_with_other_faces_all_refuse_to_train(tmp_path, start, folder, blob_images):
    others = tmp_path / "others"
    others.mkdir()
    for number, image in enumerate(blob_images(39, size=40)):
        Image.fromarray(image).save(others / f"{number}.png")
    pair = start(tmp_path / "run", (folder, others))
    for (_, err), status in finish(pair):
        assert status == 2
        assert "expected the same faces in all workers" in last_line(err)
        assert "Traceback" not in err


@pytest.mark.slow
def test_a_chief_that_waits_for_another_worker_ends_when_it_is_asked_to_and_with_its_parent(tmp_path, start):
    run = tmp_path / "run"
    for number, status in ((signal.SIGTERM, 75), (signal.SIGINT, 130)):
        chief = start(run, only=0)[0]
        wait_for_line(run / "train.log", "Waiting for the others.", chief)
        time.sleep(3)
        chief.send_signal(number)
        began = time.monotonic()
        (_, err), ended = finish([chief])[0]
        assert ended == status
        assert time.monotonic() - began < 30
        assert err.splitlines() == [last_line(err)]
        assert last_line(err).startswith(f"{number.name}: stopped. worker 0 of 2")
        assert last_line(err) in run.joinpath("train.log").read_text()
        run.joinpath("train.log").unlink()
    chief = start(run, only=0)[0]
    wait_for_line(run / "train.log", "Waiting for the others.", chief)
    time.sleep(3)
    chief.kill()
    chief.communicate()
    deadline = time.monotonic() + 5
    while True:
        try:
            with RunFolder(run).locked():
                return
        except UserError:
            assert time.monotonic() < deadline, "the worker outlived its parent and holds the lock"
            time.sleep(0.1)
