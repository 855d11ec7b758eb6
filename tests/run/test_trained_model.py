"""A run whose models were lost is mended from its checkpoint, and says what it cannot mend."""

import os
import shutil

import numpy as np
import pytest
from failing_disks import read_only

import facevae
from facevae.configuration.choosing import from_preset
from facevae.errors import UserError
from facevae.run.opened_run import OpenedRun
from facevae.run.run_folder import RunFolder
from facevae.training import build_model, describe_data, train
from facevae.training.checkpoints import Progress, load_checkpoint, save_checkpoint
from facevae.training.runtime import Runtime

CPU = Runtime("processor", "float32", False)
TINY = {"image_size": 32, "latent_dim": 4, "width": 8, "batch_size": 16, "epochs": 2, "density_components": 2}


@pytest.fixture(scope="module")
def trained_once(tmp_path_factory):
    return RunFolder(tmp_path_factory.mktemp("runs") / "run")


@pytest.fixture
def run(trained_once, tmp_path, blob_dataset):
    """A finished run of two epochs on 48 blobs."""
    if not trained_once.exists:
        config = from_preset("demo", **TINY)
        trained_once.save(config, describe_data(blob_dataset))
        train(config, trained_once, blob_dataset, CPU)
    shutil.copytree(trained_once.path, tmp_path / "run")
    return RunFolder(tmp_path / "run")


def missing(path):
    path.unlink()


def truncated(path):
    path.write_bytes(path.read_bytes()[:1000])


def empty(path):
    path.write_bytes(b"")


def without_weights(path):
    path.write_text("not a model")


@pytest.mark.parametrize("harm", [missing, truncated, empty, without_weights])
def test_the_last_model_is_made_again_with_its_density_and_written(run, capsys, harm):
    before = facevae.load(run.path)
    harm(run.network("last"))
    again = facevae.load(run.path)
    line = capsys.readouterr().out
    for ours, theirs in zip(again.encoder.get_weights(), before.encoder.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    for ours, theirs in zip(again.decoder.get_weights(), before.decoder.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    assert again.density is not None
    assert again.sample(2, seed=0).shape == (2, 32, 32, 3)
    assert "last.keras is" in line
    assert "made again from last.npz, its density fitted again to 48 encoded faces, written." in line
    np.testing.assert_array_equal(facevae.load(run.path).density.means, again.density.means)
    assert not capsys.readouterr().out
    assert run.network("last").with_name("last.keras.damaged").exists() == (harm is not missing)


def test_without_encodings_it_says_that_the_density_is_not_the_fitted_one(run, capsys):
    run.network("last").unlink()
    shutil.rmtree(run.encodings)
    facevae.load(run.path)
    assert "(to fit it again: train.py --run-dir" in capsys.readouterr().out


def test_training_resumed_fits_the_density_that_the_run_had_bit_for_bit(run, blob_dataset):
    before = facevae.load(run.path)
    run.network("last").unlink()
    with run.locked():
        train(run.load_config(), run, blob_dataset, CPU)
    after = facevae.load(run.path)
    for ours, theirs in zip(after.get_weights(), before.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_a_folder_that_may_not_be_written_still_gives_the_model(run, capsys):
    run.network("last").unlink()
    with read_only(run.path), read_only(run.path / "networks"):
        assert facevae.load(run.path).density is not None
    assert "not written." in capsys.readouterr().out
    assert not run.network("last").exists()


def test_a_run_that_another_process_writes_is_left_to_it(run, capsys):
    run.network("last").unlink()
    with run.locked():
        facevae.load(run.path)
    assert "not written." in capsys.readouterr().out
    assert not run.network("last").exists()


def test_the_best_model_is_made_again_only_where_the_checkpoint_holds_it(run, capsys):
    model = build_model(run.load_config(), CPU)
    progress = load_checkpoint(run.checkpoint, model)
    run.network("best").unlink()
    for best_epoch, is_held in ((progress.epochs - 1, False), (progress.epochs, True)):
        progress.best_epoch = best_epoch
        save_checkpoint(run.checkpoint, model, progress)
        if is_held:
            assert facevae.load(run.path, "best").latent_dim == 4
            assert "best.keras is missing: made again from last.npz, written." in capsys.readouterr().out
            continue
        with pytest.raises(
            UserError, match=r"best\.keras is missing.*newest model.*copy .*last\.keras to its place"
        ):
            facevae.load(run.path, "best")


def test_a_damaged_best_model_names_what_can_be_used(run):
    model = build_model(run.load_config(), CPU)
    save_checkpoint(run.checkpoint, model, Progress(epochs=2, best_epoch=1))
    truncated(run.network("best"))
    with pytest.raises(UserError, match=r"best\.keras: expected a model.*copy .*last\.keras to its place"):
        facevae.load(run.path, "best")


@pytest.mark.parametrize("harm", [missing, truncated, empty])
def test_without_a_whole_checkpoint_nothing_is_made_up(run, harm):
    harm(run.checkpoint)
    run.network("last").unlink()
    run.network("best").unlink()
    with pytest.raises(UserError, match="no trained model yet"):
        facevae.load(run.path)


@pytest.mark.parametrize("change", ["an untrained one", "another shape", "nan", "text"])
def test_a_checkpoint_that_is_none_of_this_run_is_not_taken(run, change):
    with np.load(run.checkpoint) as stored:
        arrays = dict(stored)
    if change == "an untrained one":
        arrays["progress"] = np.array(
            '{"epochs": 0, "seconds": 1.0, "best_loss": 1.0, "best_epoch": 0, "epoch_steps": 2}'
        )
    elif change == "another shape":
        arrays["variable_0000"] = np.zeros((3, 3), np.float32)
    else:
        shape = arrays["variable_0000"].shape
        arrays["variable_0000"] = np.full(shape, np.nan) if change == "nan" else np.full(shape, "text")
    np.savez(run.checkpoint, **arrays)
    truncated(run.network("last"))
    with pytest.raises(UserError, match=r"last\.keras: expected a model saved by facevae"):
        facevae.load(run.path)
    assert os.listdir(run.path / "networks").count("last.keras.damaged") == 0


def test_damaged_encodings_are_made_again_and_a_full_disk_does_not_keep_them_from_use(
    run, blob_dataset, monkeypatch, capsys
):
    from facevae.data import preparation

    monkeypatch.setattr(preparation, "prepare_for", lambda config: blob_dataset)
    kept = OpenedRun(run.path).training_encodings
    truncated(run.encodings / "train.npz")
    with read_only(run.encodings):
        np.testing.assert_array_equal(OpenedRun(run.path).training_encodings.mean, kept.mean)
    assert "train.npz: not kept (Permission denied)" in capsys.readouterr().out
    np.testing.assert_array_equal(OpenedRun(run.path).training_encodings.mean, kept.mean)


def test_a_missing_best_model_is_said_and_replaced_when_training_goes_on(run, blob_dataset, capsys):
    config = from_preset("demo", **{**TINY, "epochs": 3})
    model = build_model(config, CPU)
    progress = load_checkpoint(run.checkpoint, model)
    progress.best_loss = -1e9  # never lower again
    save_checkpoint(run.checkpoint, model, progress)
    run.network("best").unlink()
    train(config, run, blob_dataset, CPU)
    assert "best.keras is missing: the model of the next epoch takes its place" in capsys.readouterr().out
    assert run.network("best").exists()
