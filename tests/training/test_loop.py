"""The training loop on arrays and on mocked CelebA: what is saved, resumed, refused."""

import dataclasses
import json
import math
import shutil

import keras
import numpy as np
import pytest
from tiny_training import CPU, Ask, KillAfter, Logs, begin, tiny

import facevae
from facevae.command_line.interruption import Interrupted, Interruption
from facevae.configuration.choosing import resumed
from facevae.data import Records
from facevae.errors import UserError
from facevae.run.run_folder import RunFolder
from facevae.training import begin_run, build_model, check_unchanged, train
from facevae.training.runtime import Runtime


def test_a_run_leaves_models_checkpoint_and_encodings_and_loads_in_one_line(tmp_path, blob_dataset):
    config = tiny()
    run = begin(tmp_path, config, blob_dataset)
    finished = train(config, run, blob_dataset, CPU)
    for which in ("best", "last"):
        model = facevae.load(tmp_path, which)
        assert (model.latent_dim, model.image_size) == (4, 32)
    loaded = facevae.load(tmp_path)
    assert int(loaded.global_step) == 3 * 3  # the last one
    np.testing.assert_allclose(finished.sample(2, seed=1), loaded.sample(2, seed=1), atol=1e-6)
    assert finished.density is not None
    with np.load(run.encodings / "train.npz") as encodings:
        assert encodings["mean"].shape == (48, 4)
        np.testing.assert_array_equal(encodings["attributes"], blob_dataset.train.attributes(np.arange(48)))


@pytest.mark.slow
def test_resuming_with_random_dropout_after_a_kill_equals_the_uninterrupted_run(tmp_path, blob_dataset):
    config = tiny(network="reference", dropout=0.25, early_stopping=50)
    whole = begin(tmp_path / "whole", config, blob_dataset)
    train(config, whole, blob_dataset, CPU)

    killed = begin(tmp_path / "killed", config, blob_dataset)
    with pytest.raises(KeyboardInterrupt):
        train(config, killed, blob_dataset, CPU, [KillAfter(5)])  # in the middle of epoch 2 of 3
    train(config, killed, blob_dataset, CPU)

    assert_equal_runs(killed, whole)


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A function that trains 3 epochs of 6 steps without an interruption, once: its run folder and its logs."""
    made = []

    def train_whole(blob_dataset):
        if not made:
            run, logs = begin(tmp_path_factory.mktemp("whole"), tiny(batch_size=8), blob_dataset), Logs()
            train(tiny(batch_size=8), run, blob_dataset, CPU, [logs])
            made.append((run, logs.epochs))
        return made[0]

    return train_whole


@pytest.fixture
def one_epoch(tmp_path, tmp_path_factory, blob_dataset, trained_once):
    """A copy of a run of one epoch, and its configuration."""
    config = tiny(epochs=1)
    if not trained_once:
        run = begin(tmp_path_factory.mktemp("one_epoch"), config, blob_dataset)
        train(config, run, blob_dataset, CPU)
        trained_once.append(run.path)
    shutil.copytree(trained_once[0], tmp_path / "run")
    return RunFolder(tmp_path / "run"), config


@pytest.fixture(scope="module")
def trained_once():
    return []


def steps_saved(run):
    """The number of steps in a run's checkpoint, at 6 steps per epoch."""
    with np.load(run.checkpoint) as stored:
        progress = json.loads(str(stored["progress"]))
    return 6 * progress["epochs"] + progress["epoch_steps"]


def assert_equal_runs(ours, theirs):
    """Compares weights of both models, optimizer state, metrics' totals and progress, bit for bit, but not the time."""
    for which in ("best", "last"):
        pairs = zip(
            facevae.load(ours.path, which).get_weights(),
            facevae.load(theirs.path, which).get_weights(),
            strict=True,
        )
        assert all(np.array_equal(a, b) for a, b in pairs)
    with np.load(ours.checkpoint) as a, np.load(theirs.checkpoint) as b:
        assert a.files == b.files
        assert all(np.array_equal(a[name], b[name]) for name in a.files if name != "progress")
        progress = [json.loads(str(stored["progress"])) | {"seconds": 0.0} for stored in (a, b)]
    assert progress[0] == progress[1]


def test_one_face_is_too_few_for_a_density_and_refused_before_training(tmp_path, blob_dataset, blob_images):
    one = dataclasses.replace(blob_dataset, train=Records(blob_images(1), None, ["a"], np.arange(1)))
    config = tiny(batch_size=1)
    with pytest.raises(UserError, match=r"data: expected at least 2 training faces .*, received 1"):
        train(config, begin(tmp_path, config, one), one, CPU)


def test_a_batch_larger_than_the_training_split_becomes_smaller_with_a_line(tmp_path, blob_dataset, capsys):
    faces = len(blob_dataset.train)
    run = RunFolder(tmp_path)
    used = begin_run(tiny(batch_size=faces + 1), run, blob_dataset, CPU)
    assert used == tiny(batch_size=faces, precision="float32", align="off")
    assert run.load_config() == used
    line = f"Batches of {faces} images instead of {faces + 1}: there are {faces} training faces.\n"
    assert line in capsys.readouterr().out
    assert begin_run(used, RunFolder(tmp_path / "again"), blob_dataset, CPU) == used
    assert "instead of" not in capsys.readouterr().out


def test_a_run_records_the_precision_that_was_chosen_and_keeps_it(tmp_path, blob_dataset):
    chosen = Runtime("processor", "mixed_bfloat16", False)
    run = RunFolder(tmp_path)
    assert begin_run(tiny(), run, blob_dataset, chosen).precision == "mixed_bfloat16"
    saved = run.load_config()
    assert saved.precision == "mixed_bfloat16"
    assert resumed(saved, {"precision": "auto"}) == saved
    with pytest.raises(UserError, match="--precision float32 \\(the run has mixed_bfloat16\\)"):
        resumed(saved, {"precision": "float32"})


@pytest.mark.parametrize(
    ("hook", "call", "saved_steps"),
    [
        ("on_train_batch_end", 8, 8),  # inside the second epoch
        # Its last step: all but that one are saved already.
        pytest.param("on_train_batch_end", 12, 11, marks=pytest.mark.slow),
        pytest.param("on_test_batch_end", 2, 5, marks=pytest.mark.slow),  # inside the first validation
        pytest.param("on_epoch_end", 2, 12, marks=pytest.mark.slow),
    ],
)
def test_a_request_to_end_saves_and_resuming_equals_the_uninterrupted_run(
    tmp_path, blob_dataset, whole, hook, call, saved_steps
):
    expected, expected_logs = whole(blob_dataset)
    config = tiny(batch_size=8)
    run, interruption, logs = begin(tmp_path, config, blob_dataset), Interruption(), Logs()
    with pytest.raises(Interrupted):
        train(config, run, blob_dataset, CPU, [Ask(interruption, hook, call), logs], interruption)
    assert steps_saved(run) == saved_steps
    train(config, run, blob_dataset, CPU, [logs])
    assert logs.epochs == expected_logs
    assert_equal_runs(run, expected)


@pytest.mark.parametrize("every", [pytest.param(1, marks=pytest.mark.slow), 2])
def test_a_kill_costs_at_most_the_steps_between_checkpoints(tmp_path, blob_dataset, whole, every):
    expected, expected_logs = whole(blob_dataset)
    config = tiny(batch_size=8, checkpoint_steps=every)
    run, logs = begin(tmp_path, config, blob_dataset), Logs()
    with pytest.raises(KeyboardInterrupt):
        train(config, run, blob_dataset, CPU, [KillAfter(10), logs])
    assert 10 - every <= steps_saved(run) <= 10
    train(config, run, blob_dataset, CPU, [logs])
    assert logs.epochs == expected_logs
    assert_equal_runs(run, expected)


@pytest.mark.slow
def test_a_run_interrupted_after_its_minutes_is_validated_when_it_goes_on(tmp_path, blob_dataset):
    config = tiny(epochs=None, minutes=0.02, steps_per_epoch=10**6)
    run, interruption = begin(tmp_path, config, blob_dataset), Interruption()
    with pytest.raises(Interrupted):
        train(config, run, blob_dataset, CPU, [Ask(interruption, "on_test_batch_end", 1)], interruption)
    assert not run.network("last").exists()
    train(config, run, blob_dataset, CPU)
    assert run.network("last").exists()


def test_a_finished_run_goes_on_when_more_epochs_are_asked_for(one_epoch, blob_dataset):
    run, config = one_epoch
    train(config, run, blob_dataset, CPU)
    assert int(facevae.load(run.path, "last").global_step) == 3
    train(dataclasses.replace(config, epochs=2), run, blob_dataset, CPU)
    assert int(facevae.load(run.path, "last").global_step) == 6


def test_a_run_goes_on_only_with_the_faces_that_it_was_begun_on(tmp_path, blob_dataset):
    run = begin(tmp_path, tiny(), blob_dataset)
    check_unchanged(run, blob_dataset)
    fewer = dataclasses.replace(blob_dataset, test=blob_dataset.validation, train=blob_dataset.validation)
    with pytest.raises(UserError, match=r"the run was begun on.*faces then .*'train': 48.*now .*'train': 16"):
        check_unchanged(run, fewer)
    renamed = dataclasses.replace(blob_dataset, attribute_names=("Young", "Smiling"))
    with pytest.raises(UserError, match=r"attribute names then \['Smiling', 'Young'\], now \['Young'"):
        check_unchanged(run, renamed)


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
    finished = facevae.load(tmp_path)
    assert int(finished.global_step) == 1 * 3
    assert finished.density is not None
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


def test_damaged_and_foreign_checkpoints_are_refused(one_epoch, blob_dataset):
    run, config = one_epoch
    with pytest.raises(UserError, match="not those of this model"):
        train(dataclasses.replace(config, latent_dim=5, epochs=2), run, blob_dataset, CPU)
    run.checkpoint.write_bytes(run.checkpoint.read_bytes()[:2000])
    with pytest.raises(UserError, match="the checkpoint is damaged"):
        train(config, run, blob_dataset, CPU)


@pytest.mark.slow
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
