"""The second phase of a training: what it leaves, and that it resumes to the bit."""

import math

import numpy as np
import pytest
from tiny_training import CPU, Ask, KillAfter, Logs, begin, tiny

import facevae
from callbacks import FitDensity, SharedEncoding
from facevae.command_line.interruption import Interrupted, Interruption
from facevae.training import sharpening, train

SHARPENED = {"epochs": 4, "sharpen": 0.5, "network": "detailed"}


@pytest.fixture(scope="module")
def sharpened(tmp_path_factory):
    """A function that trains two epochs of each phase, once: the run folder and the logs by epoch."""
    made = []

    def trained(blob_dataset):
        if not made:
            run, logs = begin(tmp_path_factory.mktemp("whole"), tiny(**SHARPENED), blob_dataset), Logs()
            fits = FitDensity(SharedEncoding.of_records(blob_dataset.validation), 2)
            train(tiny(**SHARPENED), run, blob_dataset, CPU, [logs, fits])
            made.append((run, logs.epochs))
        return made[0]

    return trained


def test_a_sharpened_run_draws_by_another_decoder_and_keeps_the_model_of_the_likelihood(
    sharpened, blob_dataset
):
    run, _ = sharpened(blob_dataset)
    drawing, last = facevae.load(run.path), facevae.load(run.path, "last")
    faces = blob_dataset.test.images(np.arange(4))
    np.testing.assert_array_equal(drawing.encode(faces)[0], last.encode(faces)[0])
    np.testing.assert_array_equal(drawing.sample_latents(3, seed=1), last.sample_latents(3, seed=1))
    assert np.abs(drawing.sample(3, seed=1) - last.sample(3, seed=1)).max() > 1e-4
    assert (int(last.global_step), int(drawing.global_step)) == (2 * 3, 4 * 3)


def test_epochs_go_on_counting_and_report_what_critic_and_decoder_minimise(sharpened, blob_dataset):
    _, epochs = sharpened(blob_dataset)
    assert sorted(epochs) == [0, 1, 2, 3]
    assert "critic_loss" not in epochs[1]
    for name in ("critic_loss", "adversarial_loss", "consistency_loss", "sharpening_loss", "mse", "kl_loss"):
        assert math.isfinite(epochs[2][name]), name
    # A new critic takes all pictures for equal, and gets better from there.
    assert 0.5 * math.log(2.0) < epochs[2]["critic_loss"] < 1.05 * math.log(2.0)
    assert epochs[3]["loss"] == pytest.approx(
        epochs[3]["reconstruction_loss"] + epochs[3]["kl_loss"], rel=1e-4
    )


@pytest.mark.parametrize("step", [4, 8, 11])
def test_a_killed_sharpening_resumes_to_the_same_bits(step, tmp_path, sharpened, blob_dataset):
    whole, _ = sharpened(blob_dataset)
    killed = begin(tmp_path, tiny(**SHARPENED), blob_dataset)
    with pytest.raises(KeyboardInterrupt):
        train(tiny(**SHARPENED), killed, blob_dataset, CPU, [KillAfter(step)])
    train(tiny(**SHARPENED), killed, blob_dataset, CPU)
    assert_equal_models(killed, whole)


def test_a_sharpening_asked_to_end_saves_its_step_and_resumes_to_the_same_bits(
    tmp_path, sharpened, blob_dataset
):
    whole, _ = sharpened(blob_dataset)
    run, interruption = begin(tmp_path, tiny(**SHARPENED), blob_dataset), Interruption()
    ask = Ask(interruption, "on_train_batch_end", 8)
    with pytest.raises(Interrupted):
        train(tiny(**SHARPENED), run, blob_dataset, CPU, [ask], interruption)
    assert run.sharpening_checkpoint.exists()
    train(tiny(**SHARPENED), run, blob_dataset, CPU)
    assert_equal_models(run, whole)


def test_a_longer_first_phase_begins_the_sharpening_anew(tmp_path, sharpened, blob_dataset):
    longer = tiny(**{**SHARPENED, "epochs": 8})
    run = begin(tmp_path / "resumed", tiny(**SHARPENED), blob_dataset)
    train(tiny(**SHARPENED), run, blob_dataset, CPU)
    train(longer, run, blob_dataset, CPU)
    assert int(facevae.load(run.path).global_step) == 8 * 3
    assert int(facevae.load(run.path, "last").global_step) == 4 * 3


def test_minutes_are_shared_between_the_phases(tmp_path, blob_dataset):
    config = tiny(**{**SHARPENED, "epochs": None, "minutes": 0.15, "sharpen": 0.4})
    assert config.first_phase.minutes == pytest.approx(0.09)
    run, logs = begin(tmp_path, config, blob_dataset), Logs()
    train(config, run, blob_dataset, CPU, [logs])
    sharpening = [epoch for epoch, values in logs.epochs.items() if "critic_loss" in values]
    assert sharpening
    assert min(sharpening) > 0
    assert max(sharpening) == len(logs.epochs) - 1


def test_a_sharpening_ends_where_the_critic_wins_and_is_not_taken_up_again(
    tmp_path, blob_dataset, capsys, monkeypatch
):
    monkeypatch.setattr(sharpening, "LOWEST_CRITIC_LOSS", 1.0)  # above ln 2, where a new critic begins
    run, logs = begin(tmp_path, tiny(**SHARPENED), blob_dataset), Logs()
    train(tiny(**SHARPENED), run, blob_dataset, CPU, [logs])
    assert sorted(logs.epochs) == [0, 1, 2]
    assert "The sharpening ends after epoch 3: the critic recognises every drawing" in capsys.readouterr().out
    again = Logs()
    train(tiny(**SHARPENED), run, blob_dataset, CPU, [again])
    assert not again.epochs


def assert_equal_models(run, other):
    for which in ("last", "sharpened"):
        one, two = facevae.load(run.path, which), facevae.load(other.path, which)
        for a, b in zip(one.get_weights(), two.get_weights(), strict=True):
            np.testing.assert_array_equal(a, b)
