"""What is shown beside the pictures: text, HParams, charts, latents, rate and distortion, density, profile."""

import dataclasses
import re
import types

import numpy as np
import pytest
from callback_helpers import images, read, steps, train, values
from tensorboard.plugins.custom_scalar import layout_pb2
from tensorboard.plugins.hparams import metadata, plugin_data_pb2

from callbacks import (
    CustomScalarsLayout,
    FitDensity,
    HyperParameters,
    LatentFigures,
    LatentStatistics,
    Profile,
    RunText,
    SamplePictures,
    SharedEncoding,
    standard_callbacks,
)
from facevae import VAE, latents
from facevae.configuration.config import Config
from facevae.errors import UserError
from facevae.figures import dimension_histograms, dimensions_figure, rate_distortion_figure, to_pixels
from facevae.run.run_folder import RunFolder


def _through_one_epoch(callback, logs=None, model=None):
    callback.set_model(model)
    callback.on_train_begin()
    callback.on_epoch_begin(0)
    callback.on_epoch_end(0, logs or {})
    callback.on_train_end()


def test_texts_are_written_under_their_titles(tmp_path):
    _through_one_epoch(RunText(tmp_path, {"1 a": "first", "2 b": "| x | y |"}))
    accumulator = read(tmp_path)
    assert values(accumulator, "1 a")[1].item() == b"first"
    assert values(accumulator, "2 b")[1].item() == b"| x | y |"


def test_the_configuration_and_the_newest_metrics_are_a_row(tmp_path):
    callback = HyperParameters(tmp_path, {"latent_dim": 4, "minutes": None, "flip": True}, "run-1")
    callback.on_train_begin()
    for epoch, loss in enumerate([3.0, 2.0, float("nan")]):
        callback.on_epoch_begin(epoch)
        callback.on_epoch_end(epoch, {"val_loss": loss})
    callback.on_train_end()
    accumulator = read(tmp_path)
    data = plugin_data_pb2.HParamsPluginData.FromString(
        accumulator.SummaryMetadata(metadata.SESSION_START_INFO_TAG).plugin_data.content
    )
    row = data.session_start_info
    assert row.group_name == "run-1"
    assert row.hparams["latent_dim"].number_value == 4.0
    assert row.hparams["minutes"].string_value == "None"
    assert row.hparams["flip"].bool_value is True
    assert values(accumulator, "metrics/val_loss") == {1: 3.0, 2: 2.0}
    assert metadata.SESSION_END_INFO_TAG in accumulator.PluginTagToContent("hparams")


def test_the_settings_that_runs_differ_in_are_the_first_columns(tmp_path):
    settings = Config().to_dict()
    _through_one_epoch(HyperParameters(tmp_path, settings, "run-1"))
    content = read(tmp_path).SummaryMetadata(metadata.EXPERIMENT_TAG).plugin_data.content
    experiment = plugin_data_pb2.HParamsPluginData.FromString(content).experiment
    # As TensorBoard sorts them; it opens with the first five.
    columns = sorted(experiment.hparam_infos, key=lambda column: (not column.differs, column.name))
    first = [column.name for column in columns[:5]]
    assert first == ["latent_dim", "learning_rate", "likelihood", "network", "preset"]
    assert {column.name for column in columns} == set(settings)
    assert experiment.metric_infos[0].name.tag == "metrics/val_loss"


def test_the_charts_name_the_curves_that_are_written(tmp_path):
    _through_one_epoch(CustomScalarsLayout(tmp_path))
    (content,) = values(read(tmp_path), "custom_scalars__config__").values()
    layout = layout_pb2.Layout.FromString(content.item())
    tags = [tag for category in layout.category for chart in category.chart for tag in chart.multiline.tag]
    assert {"loss$", "kl_loss$", "reconstruction_loss$", "active_units$", "sigma$", "learning_rate$"} <= set(
        tags
    )


def test_latent_statistics_are_those_of_the_latents(tmp_path, blob_images):
    pictures = blob_images(30, 16)
    model = train(pictures, [LatentStatistics(SharedEncoding(pictures), tmp_path)], epochs=1)
    mean, log_variance = (part.numpy() for part in model.encode(pictures))
    accumulator = read(tmp_path)
    kl = latents.kl_per_dimension(mean, log_variance)
    assert values(accumulator, "active_units")[1] == latents.active_units(mean) == 4
    np.testing.assert_allclose(values(accumulator, "latent_kl")[1], kl.sum(), rtol=1e-5)
    buckets = values(accumulator, "latents/KL of each dimension")[1]
    np.testing.assert_allclose([buckets[0, 0], buckets[-1, 1]], [kl.min(), kl.max()], rtol=1e-5)
    assert buckets[:, 2].sum() == 4
    assert "sigma" not in accumulator.Tags()["tensors"]  # this model has none


def test_a_vae_shows_its_sigma_and_kl_weight(tmp_path, blob_images):
    model = VAE(image_size=32, latent_dim=4, width=8, kl_weight=2.0, kl_warmup=0.5)
    model.variance.assign(0.04)
    model.total_steps.assign(100.0)
    model.global_step.assign(25)
    _through_one_epoch(LatentStatistics(SharedEncoding(blob_images(4)), tmp_path), model=model)
    accumulator = read(tmp_path)
    np.testing.assert_allclose(values(accumulator, "sigma")[1], 0.2, rtol=1e-6)
    np.testing.assert_allclose(values(accumulator, "kl_weight")[1], 1.0, rtol=1e-6)


@pytest.mark.parametrize("latent_dim", [1, 2, 512])
def test_the_latents_figures_are_drawn_for_every_dimension(tmp_path, blob_images, latent_dim):
    pictures = blob_images(10, 16)
    train(pictures, [LatentFigures(SharedEncoding(pictures), tmp_path)], latent_dim, epochs=2)
    accumulator = read(tmp_path)
    tags = accumulator.Tags()["tensors"]
    assert len(tags) == 2
    for tag in tags:
        assert steps(accumulator, tag) == [1, 2]
        assert images(accumulator, tag)[1].std() > 5.0


def test_a_dimension_that_matches_the_prior_fills_the_curve_of_n01():
    random = np.random.default_rng(0)
    zeros = np.zeros((20_000, 1), np.float32)
    matching = to_pixels(dimension_histograms(random.standard_normal((20_000, 1)), zeros, zeros))
    narrow = to_pixels(dimension_histograms(0.3 * random.standard_normal((20_000, 1)), zeros, zeros))
    # Filled with sky blue: the area of a density is one, unless it is cut off at the top.
    filled = [(np.abs(f.astype(int) - [0x56, 0xB4, 0xE9]).max(-1) < 30).sum() for f in (matching, narrow)]
    assert filled[0] > 1.2 * filled[1] > 0


def test_an_unused_dimension_correlates_with_none():
    mean = np.zeros((10, 3), np.float32)
    mean[:, 0] = np.arange(10)
    (correlations,) = dimensions_figure(mean, np.zeros_like(mean)).axes[1].images
    np.testing.assert_array_equal(correlations.get_array(), np.diag([1.0, 0.0, 0.0]))


def test_rate_and_distortion_are_drawn_from_the_first_epoch_on():
    for epochs in (1, 2, 30):
        points = {"training": [[e, 10.0 + e, 100.0 - e] for e in range(epochs)]}
        assert to_pixels(rate_distortion_figure(points)).shape == (360, 350, 3)


def test_the_density_follows_the_latents_and_is_sampled_from(tmp_path, blob_images):
    pictures = blob_images(40)
    model = VAE(image_size=32, latent_dim=2, width=8, density_components=2)
    model.compile("adam")
    faces = SharedEncoding(pictures)
    callbacks = [FitDensity(faces, 2), SamplePictures(faces, tmp_path, count=4)]
    model.fit(pictures, batch_size=20, epochs=2, callbacks=callbacks, verbose=0)
    encoded = faces.encodings(1).sample()
    np.testing.assert_allclose(model.density.weights @ model.density.means, encoded.mean(axis=0), atol=1e-3)
    assert steps(read(tmp_path), "2 samples/from the fitted density") == [1, 2]


def test_a_model_without_room_for_a_density_is_refused(blob_images):
    pictures = blob_images(8, 16)
    with pytest.raises(
        UserError, match="room for a density of 3 components, received a LinearVAE with room for 0"
    ):
        train(pictures, [FitDensity(SharedEncoding(pictures), 3)])


def test_one_finite_face_leaves_the_density_as_it_was_and_says_so_once(blob_images, capsys):
    model = VAE(image_size=32, latent_dim=2, width=8, density_components=2)
    callback = FitDensity(SharedEncoding(blob_images(1)), 2)
    callback.set_model(model)
    callback.on_train_begin()
    for epoch in range(2):
        callback.on_epoch_end(epoch)
    assert model.density is None
    assert capsys.readouterr().out == (
        "TensorBoard shows no new density: fitting one takes at least 2 validation faces with finite latents, "
        "received 1.\n"
    )


def test_profiling_without_its_plugin_says_how_to_install_it(tmp_path, monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(UserError, match=r'pip install -e "\.\[profile\]"'):
        Profile(tmp_path).on_train_begin()


def test_profiling_covers_the_steps_asked_for(tmp_path, monkeypatch, blob_images):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: types.SimpleNamespace())
    pictures = blob_images(32, 16)
    train(pictures, [Profile(tmp_path, first_step=2, steps=1)], epochs=1)
    assert list(tmp_path.glob("plugins/profile/*/*.xplane.pb"))


def test_profiling_covers_steps_that_are_taken_at_once_and_only_once(tmp_path, monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: types.SimpleNamespace())
    calls = []
    monkeypatch.setattr("tensorflow.profiler.experimental.start", lambda folder: calls.append(batch))
    monkeypatch.setattr("tensorflow.profiler.experimental.stop", lambda: calls.append(batch))
    callback = Profile(tmp_path, first_step=8, steps=5)
    callback.set_model(types.SimpleNamespace(steps_per_execution=3))
    callback.on_train_begin()
    for batch in range(0, 30, 3):
        callback.on_train_batch_begin(batch)
        callback.on_train_batch_end(batch + 2)
    callback.on_train_end()
    assert calls == [9, 12]


@pytest.mark.parametrize("attributes", [True, False])
def test_the_standard_callbacks_fit_the_data_set(tmp_path, blob_dataset, attributes):
    dataset = blob_dataset
    if not attributes:
        dataset = dataclasses.replace(dataset, attribute_names=())
    config = Config(image_size=32, width=8, latent_dim=4, density_components=2, note="Half the *rate*")
    run = RunFolder(tmp_path)
    model = VAE(image_size=32, latent_dim=4, width=8, density_components=2)
    model.compile("adam")
    callbacks = standard_callbacks(run, config, dataset)
    batches = dataset.train.images(slice(None))
    model.fit(
        batches,
        batch_size=16,
        epochs=1,
        validation_data=dataset.validation.images(slice(None)),
        callbacks=callbacks,
        verbose=0,
    )
    assert {path.name for path in run.logs.iterdir()} == {"train", "validation", "steps"}
    tags = read(run.logs / "train").Tags()["tensors"]
    assert ("5 attribute edits/of a validation face" in tags) == attributes
    assert {"1 how to read the tabs", "2 configuration", "3 data set", "4 command and versions"} <= set(tags)
    assert values(read(run.logs / "train"), "0 note")[1].item() == b"Half the *rate*"
    assert {"by step/loss", "by step/gradient_norm"} <= set(read(run.logs / "steps").Tags()["tensors"])
    configuration = values(read(run.logs / "train"), "2 configuration")[1].item().decode()
    assert "| latent_dim | 4 |" in configuration
    versions = values(read(run.logs / "train"), "4 command and versions")[1].item().decode()
    commit = re.search(r"\| git commit \| (\S+) \|", versions)
    assert commit is not None
    assert commit[1] == "unknown" or re.fullmatch(r"\S*[0-9a-f]{7,}(-dirty)?", commit[1])
