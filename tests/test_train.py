"""`python train.py` as a user runs it."""

import json
import os
import re
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
from places import ROOT

import facevae
from facevae.run.run_folder import RunFolder

SMALL = ["--image-size", "32", "--width", "8", "--latent-dim", "4", "--density-components", "1"]
SMALL += ["--batch-size", "8", "--epochs", "1"]


def train_faces(run):
    """How many training faces the run folder remembers: splits depend on the pixels."""
    return json.loads((run / "run.json").read_text(encoding="utf-8"))["data"]["faces"]["train"]


@pytest.fixture
def start(tmp_path):
    """A function that starts train.py in an empty folder of its own, with a cache of its own."""
    environment = {
        **os.environ,
        "FACEVAE_CACHE": str(tmp_path / "cache"),
        "TFDS_DATA_DIR": str(tmp_path / "tfds"),
    }

    def start(*flags):
        command = [sys.executable, str(ROOT / "train.py"), *map(str, flags)]
        return subprocess.Popen(
            command, cwd=tmp_path, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )

    return start


def finish(process, timeout=300):
    out, err = process.communicate(timeout=timeout)
    return process.returncode, out, err


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--image-size", "48"], "--image-size: expected one of 32, 64, 128, 256, received 48"),
        (["--latent-dim", "0"], "--latent-dim: expected at least 1 and at most 1024, received 0."),
        (["--preset", "celeba"], "preset: expected one of demo, reference"),
        (["--resume"], "resume: expected --run-dir"),
    ],
)
def test_a_mistake_in_a_flag_is_one_message_without_a_traceback(start, tmp_path, flags, message):
    code, _, err = finish(start(*flags))
    assert code == 2
    assert message in err
    assert "Traceback" not in err
    assert not list(tmp_path.iterdir())


def test_data_that_is_not_there_is_one_message(start):
    code, _, err = finish(start(*SMALL, "--data", "./missing", "--run-dir", "run"))
    assert code == 2
    assert "error: data: expected an existing folder of pictures, received './missing'" in err
    assert "Traceback" not in err


def test_a_run_folder_that_cannot_be_made_is_one_message(start, tmp_path, folder):
    (tmp_path / "file").touch()
    code, _, err = finish(start(*SMALL, "--data", folder, "--run-dir", tmp_path / "file" / "run"))
    assert code == 2
    assert "cannot be written (Not a directory)" in err
    assert "Traceback" not in err


def test_a_folder_trains_is_not_overwritten_and_goes_on(start, tmp_path, folder):
    run = tmp_path / "run"
    code, out, err = finish(start(*SMALL, "--data", folder, "--run-dir", run))
    assert code == 0, err
    assert "Training on the processor" in out
    assert "in float32, XLA off." in out
    assert f"Done. The run is in {run}" in out
    assert "absl::InitializeLog" not in err
    assert "Warning" not in err
    for next_step in ("-m tensorboard.main --logdir", "explore.py", "export.py"):
        assert next_step in out
    assert re.search(r"^epoch +training +validation +reconstruction +KL +mse +time$", out, re.MULTILINE)
    assert re.search(r"^    1( +-?\d+\.\d){4}  0\.\d{5} +\d+ s$", out, re.MULTILINE)
    assert facevae.load(run).sample(2).shape == (2, 32, 32, 3)

    code, _, err = finish(start(*SMALL, "--data", folder, "--run-dir", run))
    assert code == 2
    assert "holds a run already" in err

    code, _, err = finish(start("--run-dir", run, "--resume", "--latent-dim", 9))
    assert code == 2
    assert "--latent-dim 9 (the run has 4)" in err

    code, out, err = finish(start("--run-dir", run, "--resume", "--epochs", 2))
    assert code == 0, err
    assert int(facevae.load(run, "last").global_step) == 2 * (train_faces(run) // 8) > 0


@pytest.mark.slow
@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 75)])
def test_a_signal_leaves_a_run_that_resumes(start, tmp_path, folder, number, status):
    flags = [*SMALL, "--data", folder, "--run-dir", tmp_path / "run", "--epochs", 100_000]
    process = start(*flags)
    checkpoint = tmp_path / "run" / "checkpoints" / "last.npz"
    deadline = time.monotonic() + 240
    while not checkpoint.exists():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline, "no checkpoint within four minutes"
        time.sleep(0.2)
    process.send_signal(number)
    code, _, err = finish(process)
    assert code == status
    assert f"{number.name}: stopped. The run is saved; go on with" in err
    assert "--resume" in err
    assert "Traceback" not in err
    with np.load(checkpoint) as stored:
        epochs = int(re.search(r'"epochs": (\d+)', str(stored["progress"])).group(1))
    code, _, err = finish(start("--run-dir", tmp_path / "run", "--resume", "--epochs", epochs + 1))
    assert code == 0, err
    assert int(facevae.load(tmp_path / "run", "last").global_step) == (epochs + 1) * (
        train_faces(tmp_path / "run") // 8
    )


def test_mocked_celeb_a_trains_an_epoch_with_the_reference_network(tmp_path, monkeypatch):
    import tensorflow_datasets as tfds

    import train
    from facevae.data import tfds_source

    # Mocked data needs no network.
    monkeypatch.setattr(tfds_source, "downloads_refused", lambda builder: None)
    monkeypatch.chdir(tmp_path)
    flags = "--preset reference --data celeb_a --image-size 32 --epochs 1 --batch-size 2 --run-dir run"
    places = f"--data-dir {tmp_path / 'tfds'} --cache-dir {tmp_path / 'cache'}"
    monkeypatch.setattr(sys, "argv", ["train.py", *flags.split(), *places.split()])
    with tfds.testing.mock_data(num_examples=8):
        train.main()
    model = facevae.load("run")
    # 93,248 of convolutions, 896 of BatchNorm, two heads of 256 × 200 + 200.
    assert model.encoder.count_params() == 93_248 + 896 + 2 * 51_400
    description = RunFolder.open("run").load_data_description()
    assert description["name"] == "celeb_a"
    assert len(description["attribute_names"]) == 40
