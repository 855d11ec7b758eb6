"""A killed training is resumed: curves without gaps or duplicates, in both of TensorBoard's loaders."""

import json
import urllib.parse
import urllib.request

import keras
import numpy as np
import pytest
from callback_helpers import faces_of, read, steps, train, values

from callbacks import (
    EmbeddingProjector,
    HyperParameters,
    LatentStatistics,
    RateDistortionFigure,
    ReconstructionPictures,
    RunText,
    Scalars,
)
from facevae.tensorboard.events import EventWriter
from facevae.tensorboard.server import serve


class _ReportsItsLosses(keras.callbacks.Callback):
    """Adds the two losses that the rate-distortion figure needs, which a LinearVAE does not report."""

    def on_epoch_end(self, epoch, logs=None):
        logs.update(kl_loss=1.0 + epoch, reconstruction_loss=2.0 * epoch)


def _callbacks(pictures, logs):
    faces = faces_of(pictures)
    return [
        _ReportsItsLosses(),
        Scalars(logs, 8),
        RunText(logs / "faces", {"title": "text"}),
        HyperParameters(logs / "faces", {"latent_dim": 4}),
        RateDistortionFigure(logs / "faces"),
        ReconstructionPictures(faces, logs / "faces"),
        LatentStatistics(faces, logs / "faces"),
        EmbeddingProjector(faces, logs / "faces"),
    ]


def _get(address, path, **query):
    url = f"{address}data/plugin/{path}?{urllib.parse.urlencode(query)}"
    return json.loads(urllib.request.urlopen(url, timeout=30).read())


@pytest.fixture
def resumed(tmp_path, blob_images):
    """Three epochs, a kill that tears the last event, then epochs 2 to 4: epoch 2 is written a second time."""
    pictures = blob_images(16, 16)
    model = train(pictures, _callbacks(pictures, tmp_path), epochs=3)
    for file in tmp_path.glob("*/events*"):
        with open(file, "ab") as events:
            events.write(file.read_bytes()[-60:-20])  # a torn record
    train(pictures, _callbacks(pictures, tmp_path), epochs=5, initial_epoch=2, model=model)
    return tmp_path


def test_the_python_loader_sees_each_step_once(resumed):
    train_run, faces = read(resumed / "train"), read(resumed / "faces")
    assert steps(train_run, "loss") == [1, 2, 3, 4, 5]
    tags = ["latents/KL of each dimension", "active_units", "1 reconstructions/of validation faces"]
    for tag in [*tags, "7 rate and distortion/over the epochs"]:
        assert steps(faces, tag) == [1, 2, 3, 4, 5]


@pytest.mark.slow
def test_the_server_sees_each_step_once(resumed):
    with serve(resumed) as address:
        scalars = _get(address, "scalars/scalars", run="train", tag="loss")
        assert [step for _, step, _ in scalars] == [1, 2, 3, 4, 5]
        expected = values(read(resumed / "train"), "loss")
        np.testing.assert_allclose([value for _, _, value in scalars], [*expected.values()], rtol=1e-6)
        shown = _get(
            address, "images/images", run="faces", tag="1 reconstructions/of validation faces", sample=0
        )
        assert [picture["step"] for picture in shown] == [1, 2, 3, 4, 5]
        clouds = _get(address, "projector/info", run="faces")["embeddings"]
        assert [cloud["tensorName"] for cloud in clouds] == [
            *(f"epoch {epoch}" for epoch in range(1, 5)),
            "0 newest: epoch 5",
            "with N(0, 1): epoch 5",
        ]


def test_a_writer_in_the_same_second_comes_after_the_one_before(tmp_path):
    for start, value in ((0, 1.0), (1, 2.0), (1, 3.0)):
        writer = EventWriter(tmp_path, first_step=start)
        for step in range(start, start + 2):
            writer.scalar("a", value, step)
        writer.close()
    assert {step: float(v) for step, v in values(read(tmp_path), "a").items()} == {0: 1.0, 1: 3.0, 2: 3.0}


def test_a_training_that_broke_off_starts_a_file_of_its_own(tmp_path, blob_images):
    pictures = blob_images(16, 16)
    callbacks = _callbacks(pictures, tmp_path)

    class Breaks(Scalars):
        def on_epoch_end(self, epoch, logs=None):
            if epoch == 1:
                raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(pictures, [*callbacks, Breaks(tmp_path / "other", 8)], epochs=3)
    train(pictures, callbacks, epochs=3, initial_epoch=1)
    assert steps(read(tmp_path / "faces"), "active_units") == [1, 2, 3]


def test_the_rate_distortion_curve_goes_on(tmp_path):
    for first, last in ((0, 3), (2, 5)):
        callback = RateDistortionFigure(tmp_path)
        callback.on_train_begin()
        for epoch in range(first, last):
            callback.on_epoch_begin(epoch)
            logs = {"kl_loss": 10.0 + epoch, "reconstruction_loss": -float(epoch)}
            callback.on_epoch_end(epoch, {**logs, **{f"val_{name}": value for name, value in logs.items()}})
        callback.on_train_end()
    points = json.loads((tmp_path / "rate_distortion.json").read_text())
    assert points["validation"] == [[epoch + 1, 10.0 + epoch, -float(epoch)] for epoch in range(5)]
    assert steps(read(tmp_path), "7 rate and distortion/over the epochs") == [1, 2, 3, 4, 5]
