"""The training loop on arrays and on mocked CelebA: what is saved, resumed, refused."""

import dataclasses
import math

import keras
import numpy as np
import pytest

import facevae
from facevae.config import from_preset
from facevae.errors import UserError
from facevae.run_folder import RunFolder
from facevae.runtime import Runtime
from facevae.training import build_model, describe_data, train

CPU = Runtime("processor", "float32", False)


def tiny(**chosen):
    defaults = {
        "image_size": 32,
        "latent_dim": 4,
        "width": 8,
        "batch_size": 16,
        "epochs": 3,
        "density_components": 2,
    }
    return from_preset("demo", **{**defaults, **chosen})


def begin(path, config, blob_dataset):
    run = RunFolder(path)
    run.save(config, describe_data(blob_dataset))
    return run


class KillAfter(keras.callbacks.Callback):
    """Ends the process' part in the training in the middle of an epoch, as a kill would."""

    def __init__(self, step):
        super().__init__()
        self.step = step

    def on_train_batch_end(self, batch, logs=None):
        if int(self.model.global_step) == self.step:
            raise KeyboardInterrupt


def test_a_run_leaves_models_checkpoint_and_encodings_and_loads_in_one_line(tmp_path, blob_dataset):
    config = tiny()
    run = begin(tmp_path, config, blob_dataset)
    best = train(config, run, blob_dataset, CPU)
    for which in ("best", "last"):
        model = facevae.load(tmp_path, which)
        assert (model.latent_dim, model.image_size) == (4, 32)
    np.testing.assert_allclose(best.sample(2, seed=1), facevae.load(tmp_path).sample(2, seed=1), atol=1e-6)
    assert best.density is not None
    with np.load(run.encodings / "train.npz") as encodings:
        assert encodings["mean"].shape == (48, 4)
        np.testing.assert_array_equal(encodings["attributes"], blob_dataset.train.attributes(np.arange(48)))


@pytest.mark.parametrize(("network", "dropout"), [("residual", 0.0), ("reference", 0.25)])
def test_resuming_after_a_kill_equals_the_uninterrupted_run(tmp_path, blob_dataset, network, dropout):
    config = tiny(network=network, dropout=dropout, early_stopping=50)
    whole = begin(tmp_path / "whole", config, blob_dataset)
    train(config, whole, blob_dataset, CPU)

    killed = begin(tmp_path / "killed", config, blob_dataset)
    with pytest.raises(KeyboardInterrupt):
        train(config, killed, blob_dataset, CPU, [KillAfter(5)])  # in the middle of epoch 2 of 3
    train(config, killed, blob_dataset, CPU)

    for which in ("best", "last"):
        expected, resumed = facevae.load(whole.path, which), facevae.load(killed.path, which)
        assert int(resumed.global_step) == int(expected.global_step)
        for ours, theirs in zip(resumed.get_weights(), expected.get_weights(), strict=True):
            np.testing.assert_array_equal(ours, theirs)
    # The optimizer's state and the progress, bit for bit; the clock apart.
    with np.load(whole.checkpoint) as a, np.load(killed.checkpoint) as b:
        assert a.files == b.files
        for name in a.files:
            if name != "progress":
                np.testing.assert_array_equal(a[name], b[name])


def test_a_finished_run_goes_on_when_more_epochs_are_asked_for(tmp_path, blob_dataset):
    config = tiny(epochs=1)
    run = begin(tmp_path, config, blob_dataset)
    train(config, run, blob_dataset, CPU)
    train(config, run, blob_dataset, CPU)
    assert int(facevae.load(tmp_path, "last").global_step) == 3
    train(dataclasses.replace(config, epochs=2), run, blob_dataset, CPU)
    assert int(facevae.load(tmp_path, "last").global_step) == 6


def test_minutes_end_the_training_and_add_up_over_resumes(tmp_path, blob_dataset):
    config = tiny(epochs=None, minutes=0.02)
    run = begin(tmp_path, config, blob_dataset)
    rates = []

    class Watch(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            rates.append(float(self.model.optimizer.learning_rate))

    train(config, run, blob_dataset, CPU, [Watch()])
    steps = int(facevae.load(tmp_path, "last").global_step)
    assert steps == len(rates) > 0
    assert rates[-1] < 0.2 * max(rates)
    train(config, run, blob_dataset, CPU, [Watch()])  # the time is used up
    assert int(facevae.load(tmp_path, "last").global_step) == steps


def test_early_stopping_ends_after_its_patience_also_when_resumed(tmp_path, blob_dataset):
    config = tiny(epochs=20, early_stopping=2, learning_rate=1e-8, schedule="constant")
    run = begin(tmp_path, config, blob_dataset)

    class NeverBetter(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            logs["val_loss"] = 1000.0 + epoch

    train(config, run, blob_dataset, CPU, [NeverBetter()])
    assert int(facevae.load(tmp_path, "last").global_step) == 3 * 3
    assert int(facevae.load(tmp_path, "best").global_step) == 1 * 3
    train(config, run, blob_dataset, CPU, [NeverBetter()])
    assert int(facevae.load(tmp_path, "last").global_step) == 3 * 3


def test_not_finite_ends_the_run_naming_step_and_checkpoint_which_stays_good(tmp_path, blob_dataset):
    config = tiny(epochs=3)
    run = begin(tmp_path, config, blob_dataset)

    class Poison(keras.callbacks.Callback):
        def on_train_batch_begin(self, batch, logs=None):
            if int(self.model.global_step) == 4:
                kernel = self.model.decoder.layers[1].kernel
                kernel.assign(kernel * math.nan)

    with pytest.raises(
        UserError, match=r"no longer finite at step 4\. The last good checkpoint is .*last\.npz"
    ):
        train(config, run, blob_dataset, CPU, [Poison()])
    assert all(np.isfinite(weight).all() for weight in facevae.load(tmp_path, "last").get_weights())
    train(config, run, blob_dataset, CPU)
    assert int(facevae.load(tmp_path, "last").global_step) == 9


def test_damaged_and_foreign_checkpoints_are_refused(tmp_path, blob_dataset):
    config = tiny(epochs=1)
    run = begin(tmp_path, config, blob_dataset)
    train(config, run, blob_dataset, CPU)
    with pytest.raises(UserError, match="not those of this model"):
        train(dataclasses.replace(config, latent_dim=5, epochs=2), run, blob_dataset, CPU)
    run.checkpoint.write_bytes(run.checkpoint.read_bytes()[:2000])
    with pytest.raises(UserError, match="the checkpoint is damaged"):
        train(config, run, blob_dataset, CPU)


def test_mixed_precision_run_resumes_and_loads_in_float32(tmp_path, blob_dataset):
    machine = Runtime("processor", "mixed_float16", True)
    config = tiny(epochs=1, network="reference", dropout=0.0)
    run = begin(tmp_path, config, blob_dataset)
    train(config, run, blob_dataset, machine)
    train(dataclasses.replace(config, epochs=2), run, blob_dataset, machine)
    model = facevae.load(tmp_path, "last")
    assert model.encoder.layers[1].dtype_policy.name == "float32"
    assert int(model.global_step) == 6


def test_weights_are_a_function_of_the_seed():
    first, again, other = (build_model(tiny(seed=seed), CPU).get_weights() for seed in (1, 1, 2))
    assert all(np.array_equal(a, b) for a, b in zip(first, again, strict=True))
    assert not all(np.array_equal(a, b) for a, b in zip(first, other, strict=True))
