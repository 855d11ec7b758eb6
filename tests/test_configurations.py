"""Configurations at the limits of their fields: each is refused by a field's name, or builds, trains and exports."""

import dataclasses
import pathlib

import hypothesis
import numpy as np
import pytest
from configurations import configurations
from hypothesis import strategies

import facevae
from facevae.configuration.choosing import from_preset
from facevae.configuration.config import Config
from facevae.errors import UserError
from facevae.run.run_folder import RunFolder
from facevae.training import describe_data, train
from facevae.training.runtime import Runtime

# What takes minutes at its limits rather than seconds is kept small; its limits are tested one by one below.
SMALL = {"steps_per_epoch": 1, "epochs": 1, "minutes": None, "tensorboard": False}
SMALL |= {"profile": False, "early_stopping": None, "checkpoint_steps": None, "resume": False, "xla": "off"}


def outcome(folder: pathlib.Path, dataset, config: Config, exported: bool) -> str | None:
    """Trains a step, loads the model and exports it; the reason where the configuration is refused."""
    from callbacks import standard_callbacks
    from facevae.exporting.export import export_run
    from facevae.run.opened_run import OpenedRun

    run = RunFolder(folder)
    run.save(config, describe_data(dataset))
    precision = "float32" if config.precision == "auto" else config.precision
    machine = Runtime("processor", precision, config.xla == "on")
    try:
        callbacks = standard_callbacks(run, config, dataset)
        train(config, run, dataset, machine, callbacks)
    except UserError as error:
        return str(error)
    model = facevae.load(run.path)
    faces = model.sample(2)
    assert faces.shape == (2, config.image_size, config.image_size, 3)
    assert np.isfinite(faces).all()
    if exported:
        export = export_run(OpenedRun(run.path), ("float32",), checked_latents=8)
        assert {result.file for result in export.failed} <= {"encoder.tflite"}
    return None


def assert_is_refused_by_name_or_works(folder, dataset, config, exported=True):
    reason = outcome(folder, dataset, config, exported)
    if reason is not None:
        names = {field.name for field in dataclasses.fields(Config)}
        said = reason.replace("--", "").replace("-", "_")
        assert any(name in said for name in names), reason


EXTREMES = [
    {"latent_dim": 1, "kl_weight": 1e4, "free_bits": 10.0, "batch_size": 1},
    {
        "network": "reference",
        "dropout": 0.9,
        "likelihood": "weighted_mse",
        "mse_weight": 1e9,
        "batch_size": 48,
    },
    {"width": 9, "latent_dim": 2, "precision": "mixed_float16", "density_components": 100},
    {"learning_rate": 1.0, "optimizer": "adam", "kl_warmup": 1.0, "seed": 2**31 - 1, "schedule": "constant"},
]


@pytest.mark.parametrize(
    "chosen", [EXTREMES[0], *(pytest.param(e, marks=pytest.mark.slow) for e in EXTREMES[1:])]
)
def test_extremes_train_a_step_and_show_it(tmp_path, blob_dataset, chosen):
    config = from_preset("demo", **{"image_size": 32, "width": 8, "batch_size": 16, **SMALL, **chosen})
    assert_is_refused_by_name_or_works(tmp_path, blob_dataset, config, exported=False)


@pytest.mark.slow
@hypothesis.settings(
    max_examples=12,
    deadline=None,
    derandomize=True,
    suppress_health_check=list(hypothesis.HealthCheck),
    phases=[hypothesis.Phase.explicit, hypothesis.Phase.generate],
)
@hypothesis.given(
    configurations({**SMALL, "image_size": 32}),
    strategies.sampled_from([8, 17, 64]),
    strategies.sampled_from([1, 2, 33]),
    strategies.sampled_from([1, 7, 48, 49, 65536]),
)
def test_configurations_train_a_step_and_export(tmp_path_factory, blob_images, chosen, width, latents, batch):
    dataset = _blobs(blob_images)
    try:
        config = Config(**{**chosen, "width": width, "latent_dim": latents, "batch_size": batch})
    except UserError:
        return  # test_config.py tells whether rightly
    assert_is_refused_by_name_or_works(tmp_path_factory.mktemp("run"), dataset, config)


def _blobs(blob_images):
    from facevae.data import FaceDataset, Records

    def split(count, seed):
        names = [str(number) for number in range(count)]
        attributes = np.random.default_rng(seed).integers(0, 2, (count, 2), np.uint8)
        return Records(blob_images(count, seed=seed), attributes, names, np.arange(count))

    splits = [split(48, 0), split(16, 1), split(16, 2)]
    return FaceDataset("blobs", 32, ("Smiling", "Young"), *splits, left_out={}, folder=pathlib.Path())
