"""Full disks, read-only folders, permission lost half-way: one message, and what was saved is intact."""

import dataclasses
import os
import pathlib
import subprocess
import sys

import keras
import numpy as np
import pytest
from failing_disks import files_no_longer_than, read_only, small_disk
from PIL import Image
from places import ROOT

import facevae
from facevae.command_line.ending import exit_on_user_error
from facevae.configuration.choosing import from_preset
from facevae.errors import UserError
from facevae.files import WRITING
from facevae.run.run_folder import RunFolder
from facevae.tensorboard.events import EventWriter
from facevae.training import build_model, describe_data, train
from facevae.training.checkpoints import Progress, load_checkpoint, save_checkpoint, save_network
from facevae.training.runtime import Runtime

CPU = Runtime("processor", "float32", False)
TINY = {"image_size": 32, "latent_dim": 4, "width": 8, "batch_size": 16, "epochs": 3, "density_components": 1}


@pytest.fixture(scope="module")
def model():
    return build_model(from_preset("demo", **TINY), CPU)


def test_a_full_disk_leaves_checkpoint_and_models_as_they_were(tmp_path, model):
    run, copy = RunFolder(tmp_path), model.float32_copy()
    save_checkpoint(run.checkpoint, model, Progress(epochs=3))
    save_network(run, "best", copy)
    with files_no_longer_than(50_000):
        with pytest.raises(
            UserError, match=r"last\.npz: the checkpoint could not be written \(File too large\)"
        ):
            save_checkpoint(run.checkpoint, model, Progress(epochs=4))
        with pytest.raises(
            UserError, match=r"best\.keras: the model could not be written \(File too large\)"
        ):
            save_network(run, "best", copy)
    assert load_checkpoint(run.checkpoint, model).epochs == 3
    assert len(keras.saving.load_model(run.network("best")).get_weights()) == len(model.get_weights())
    assert not list(tmp_path.rglob(f"{WRITING}*"))


def test_a_full_log_folder_is_one_message(tmp_path):
    def write_pictures(writer):
        for step in range(100):
            writer.image("noise", np.random.default_rng(step).integers(0, 256, (32, 32, 3), np.uint8), step)
            writer.flush()

    writer = EventWriter(tmp_path)
    with (
        files_no_longer_than(10_000),
        pytest.raises(UserError, match=r"cannot be written \(File too large\)"),
    ):
        write_pictures(writer)
    assert writer.closed  # what is left in its buffer would fail again when Python ends
    writer.close()


def test_a_folder_that_may_not_be_written_is_refused_before_anything_is_trained(tmp_path):
    with read_only(tmp_path), pytest.raises(UserError, match=r"cannot be written \(Permission denied\)"):
        RunFolder(tmp_path / "run").save(from_preset("demo"))
    with read_only(tmp_path), pytest.raises(UserError, match=r"cannot be written \(Permission denied\)"):
        EventWriter(tmp_path / "logs")


@pytest.mark.slow
def test_permission_lost_half_way_ends_the_training_which_goes_on_when_it_is_back(tmp_path, blob_dataset):
    config = from_preset("demo", **TINY)
    run = RunFolder(tmp_path)
    run.save(config, describe_data(blob_dataset))
    train(dataclasses.replace(config, epochs=1), run, blob_dataset, CPU)
    with (
        read_only(run.checkpoint.parent),
        pytest.raises(
            UserError, match=r"the checkpoint could not be written \(Permission denied\).*is intact"
        ),
    ):
        train(config, run, blob_dataset, CPU)
    train(config, run, blob_dataset, CPU)
    assert int(facevae.load(tmp_path, "last").global_step) == 9


@pytest.mark.parametrize("number", [28, 30, 13, 5])
def test_whatever_else_cannot_be_written_is_one_message(capsys, number):
    with pytest.raises(SystemExit, match="2"), exit_on_user_error():
        raise OSError(number, os.strerror(number), "figures/a.png")
    error = capsys.readouterr().err
    assert error.startswith(f"error: figures/a.png: {os.strerror(number)}. ")


def test_mistakes_in_the_program_keep_their_traceback():
    with pytest.raises(FileNotFoundError), exit_on_user_error():
        pathlib.Path("missing").read_text()


@pytest.mark.slow
def test_a_disk_that_fills_up_ends_train_py_with_one_message_and_the_run_goes_on(tmp_path, blob_images):
    pictures = tmp_path / "pictures"
    pictures.mkdir()
    for number, image in enumerate(blob_images(60, size=32)):
        Image.fromarray(image).save(pictures / f"{number}.png")
    flags = ["--image-size", "32", "--width", "8", "--latent-dim", "4", "--density-components", "1"]
    flags += [
        "--batch-size",
        "8",
        "--data",
        pictures,
        "--cache-dir",
        tmp_path / "cache",
        "--run-dir",
        tmp_path / "disk" / "run",
    ]

    def run_train(*more):
        command = [sys.executable, ROOT / "train.py", *flags, *more]
        return subprocess.run(command, cwd=ROOT, capture_output=True, text=True)

    with small_disk(tmp_path / "disk", 6) as enlarge:
        full = run_train("--epochs", "50")
        assert full.returncode == 2, full.stderr
        assert "No space left on device" in full.stderr
        assert "Traceback" not in full.stderr
        checkpoint = tmp_path / "disk" / "run" / "checkpoints" / "last.npz"
        with np.load(checkpoint) as stored:
            assert all(np.isfinite(stored[name]).all() for name in stored.files if name != "progress")
        enlarge(100)
        epochs = 1 + full.stdout.count("reconstruction")
        resumed = run_train("--resume", "--epochs", str(epochs + 1))
        assert resumed.returncode == 0, resumed.stderr
        assert facevae.load(tmp_path / "disk" / "run").sample(1).shape == (1, 32, 32, 3)
