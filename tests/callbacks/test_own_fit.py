"""Callbacks in a user's own `fit`: with and without validation, again, and with models other than facevae's."""

import json
import re
import types

import keras
import numpy as np
import pytest
import tensorflow as tf
from callback_helpers import LinearVAE, faces_of, images, read, steps, train
from PIL import Image

from callbacks import (
    AttributeEditPictures,
    CustomScalarsLayout,
    EmbeddingProjector,
    FitDensity,
    HyperParameters,
    InterpolationPictures,
    LatentFigures,
    LatentStatistics,
    MachineUse,
    Profile,
    ProgressBar,
    RateDistortionFigure,
    ReconstructionPictures,
    RunText,
    SamplePictures,
    Scalars,
    SharedEncoding,
    StepCurves,
    TraversalPictures,
)
from facevae import VAE
from facevae.errors import UserError

OF_FACES = (
    *(ReconstructionPictures, SamplePictures, TraversalPictures, InterpolationPictures),
    *(AttributeEditPictures, LatentStatistics, LatentFigures, EmbeddingProjector),
)
RATE_DISTORTION = "7 rate and distortion/over the epochs"


def _all_callbacks(faces, folder):
    """Every callback but `FitDensity`, which needs a facevae.VAE."""
    callbacks = [ProgressBar(), Scalars(folder, 8), RunText(folder, {"title": "text"})]
    callbacks += [CustomScalarsLayout(folder), HyperParameters(folder, {"latent_dim": 4})]
    callbacks += [RateDistortionFigure(folder), Profile(folder, first_step=1, steps=1)]
    callbacks += [StepCurves(folder / "steps", 8, every=2), MachineUse(folder / "steps", every=2)]
    return callbacks + [kind(faces, folder) for kind in OF_FACES]


@pytest.fixture(autouse=True)
def profiler(monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: types.SimpleNamespace())


@pytest.fixture
def vae():
    model = VAE(image_size=32, latent_dim=4, width=8, density_components=2)
    model.compile("adam")
    return model


@pytest.mark.parametrize("steps_per_execution", [1, 2])
def test_all_of_them_work_with_a_users_model_in_one_fit_after_another(
    tmp_path, blob_images, steps_per_execution
):
    pictures = blob_images(16, 16)
    targets = pictures.astype(np.float32) / 255.0
    callbacks = _all_callbacks(faces_of(pictures), tmp_path)
    model = LinearVAE()
    model.compile("adam", "mse", steps_per_execution=steps_per_execution)
    validated = {"validation_data": (pictures, targets), "validation_freq": 2, "initial_epoch": 2}
    for epochs, more in ((2, {}), (4, validated)):
        with pytest.warns(UserWarning, match=r"reports kl_loss and reconstruction_loss, received .*loss"):
            model.fit(pictures, targets, 8, epochs, callbacks=callbacks, verbose=0, **more)
    assert steps(read(tmp_path), "1 reconstructions/of validation faces") == [1, 2, 3, 4]
    assert steps(read(tmp_path / "train"), "loss") == [1, 2, 3, 4]
    assert steps(read(tmp_path / "validation"), "loss") == [4]


def test_all_of_them_work_with_a_vae_without_validation(tmp_path, blob_images, vae):
    pictures = blob_images(16)
    faces = faces_of(pictures)
    callbacks = [*_all_callbacks(faces, tmp_path), FitDensity(faces, 2)]
    vae.fit(pictures, batch_size=8, epochs=1, callbacks=callbacks, verbose=0)
    assert steps(read(tmp_path), RATE_DISTORTION) == [1]
    assert vae.density is not None


def test_evaluate_and_a_fit_of_no_epochs_leave_them_alone(tmp_path, blob_images):
    pictures = blob_images(8, 16)
    callbacks = [c for c in _all_callbacks(faces_of(pictures), tmp_path) if not isinstance(c, Profile)]
    model = train(pictures, callbacks, epochs=0)
    model.evaluate(pictures, pictures / np.float32(255), callbacks=callbacks, verbose=0)
    assert list(tmp_path.iterdir()) == []


# ------------------------------------------------------------------------------
# The progress bar
# ------------------------------------------------------------------------------


def test_epochs_are_lines_of_a_table_that_fits_a_terminal(blob_images, vae, capsys):
    pictures = blob_images(8)
    vae.fit(pictures, batch_size=8, epochs=2, callbacks=[ProgressBar()], verbose=0)
    first, second, titles, *lines = capsys.readouterr().out.splitlines()
    assert (first, second) == (
        "Losses in nats per image; training is the sum of reconstruction and KL.",
        "Lower is better. Below 0 is usual: the density of a pixel's value can exceed 1.",
    )
    assert titles.split() == ["epoch", "training", "reconstruction", "KL", "mse", "time"]
    assert [line.split()[0] for line in lines] == ["1", "2"]
    loss, reconstruction, kl = (float(cell) for cell in lines[0].split()[1:4])
    assert loss == pytest.approx(reconstruction + kl, abs=0.11)  # three rounded numbers

    vae.fit(pictures, batch_size=8, validation_data=(pictures,), callbacks=[ProgressBar()], verbose=0)
    *explained, titles, line = capsys.readouterr().out.splitlines()
    assert "validation is the sum" in explained[0]
    assert titles.split() == ["epoch", "training", "validation", "reconstruction", "KL", "mse", "time"]
    assert len(line.split()) == len(titles.split()) + 1  # the unit of the time
    for title, cell in zip(titles.split()[1:-1], line.split()[1:-2], strict=True):
        assert titles.index(title) + len(title) == line.index(cell) + len(
            cell
        )  # to the right under its title
    assert max(map(len, [*explained, titles, line])) <= 80


def test_an_epochs_line_has_other_models_metrics_by_name(blob_images, capsys):
    train(blob_images(8, 16), [ProgressBar()], epochs=1)
    assert re.fullmatch(r"    1  loss 0\.\d+  +\d+ s\n", capsys.readouterr().out)


@pytest.mark.parametrize("known", [True, False])
def test_the_bar_fills_from_any_first_epoch(known, monkeypatch):
    clock = iter(range(100))
    shown = []
    bar = types.SimpleNamespace(close=lambda: None, write=lambda line: None)
    bar.set_postfix_str = lambda text: shown.append((round(bar.n, 3), text))
    monkeypatch.setattr("callbacks.progress_bar.tqdm", lambda **arguments: bar)
    monkeypatch.setattr(
        "callbacks.progress_bar.time", types.SimpleNamespace(monotonic=lambda: float(next(clock)))
    )
    callback = ProgressBar(batch_size=32)
    callback.set_model(LinearVAE())
    callback.set_params({"epochs": 5, "steps": 2 if known else None})
    callback.on_train_begin()
    for epoch in (3, 4):
        callback.on_epoch_begin(epoch)
        for batch in (0, 1):
            callback.on_train_batch_end(batch, {"loss": 0.5})
        callback.on_epoch_end(epoch, {"loss": 0.5})
    callback.on_train_end()
    assert [done for done, _ in shown] == ([0.25, 0.5, 0.75, 1.0] if known else [0.0, 0.0, 0.5, 0.5])
    assert shown[0][1] == "epoch 4, step 1, 32 images/s, loss 0.5"


# ------------------------------------------------------------------------------
# Rate and distortion, scalars, profile
# ------------------------------------------------------------------------------


def _through(callback, epochs, logs):
    callback.on_train_begin()
    for epoch in epochs:
        callback.on_epoch_begin(epoch)
        callback.on_epoch_end(epoch, logs)
    callback.on_train_end()


def test_a_second_fit_without_validation_draws_training_alone(tmp_path):
    logs = {"kl_loss": 1.0, "reconstruction_loss": 2.0}
    callback = RateDistortionFigure(tmp_path)
    _through(callback, range(2), {**logs, **{f"val_{name}": value for name, value in logs.items()}})
    _through(callback, range(2), logs)
    assert json.loads((tmp_path / "rate_distortion.json").read_text()) == {
        "training": [[1, 1.0, 2.0], [2, 1.0, 2.0]]
    }
    assert steps(read(tmp_path), RATE_DISTORTION) == [1, 2]


@pytest.mark.parametrize(
    "stored",
    [
        {"training": [["0", "a", 1]]},
        {"training": [[0, 1]]},
        {"training": [[0, None, 1]]},
        {"training": [[0, float("nan"), 1]]},
        {"training": 5},
        [1],
    ],
    ids=str,
)
def test_damaged_points_do_not_end_a_training(tmp_path, stored):
    (tmp_path / "rate_distortion.json").write_text(json.dumps(stored))
    _through(RateDistortionFigure(tmp_path), [1], {"kl_loss": 1.0, "reconstruction_loss": 2.0})
    assert json.loads((tmp_path / "rate_distortion.json").read_text()) == {"training": [[2, 1.0, 2.0]]}


def test_scalars_need_no_optimizer_and_leave_out_what_is_no_number(tmp_path):
    callback = Scalars(tmp_path, 8)
    callback.set_model(types.SimpleNamespace(optimizer=None, steps_per_execution=1))
    logs = {"loss": np.float32(1.5), "per_class": np.array([1.0, 2.0]), "val_loss": np.array([2.5])}
    _through(callback, [0], logs)
    assert read(tmp_path / "train").Tags()["tensors"] == ["loss"]
    assert read(tmp_path / "validation").Tags()["tensors"] == ["loss"]


def test_a_training_too_short_to_profile_is_told_so(tmp_path, blob_images):
    with pytest.warns(
        UserWarning, match=r"more than 20 steps \(first_step\), received 1\. Nothing was profiled"
    ):
        train(blob_images(8, 16), [Profile(tmp_path)], epochs=1)


def test_two_profilers_at_once_are_refused(tmp_path, blob_images):
    tf.profiler.experimental.start(str(tmp_path / "other"))
    try:
        with pytest.raises(UserError, match="profile: expected no other profiler in this process"):
            train(blob_images(8, 16), [Profile(tmp_path, first_step=0)], epochs=1)
    finally:
        tf.profiler.experimental.stop()


# ------------------------------------------------------------------------------
# Models and images that do not fit
# ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (np.zeros((4, 16, 16, 3), np.uint8), r"the shape \[batch, 32, 32, 3\], received \(128, 16, 16, 3\)"),
        (np.zeros((4, 32, 20, 3), np.uint8), r"the shape \[batch, 32, 32, 3\], received \(128, 32, 20, 3\)"),
    ],
)
def test_faces_that_a_vae_does_not_take_are_refused_before_the_first_step(
    given, message, tmp_path, blob_images, vae
):
    callback = ReconstructionPictures(SharedEncoding(given), tmp_path)
    with pytest.raises(UserError, match=rf"^model\.encode: expected a method that takes uint8.*{message}"):
        vae.fit(blob_images(8), batch_size=8, callbacks=[callback], verbose=0)
    assert int(vae.global_step) == 0


class _Whatever(LinearVAE):
    """A model whose `encode` and `decode` are changed by functions of what they return."""

    def __init__(self, encoded=lambda pair: pair, decoded=lambda images: images):
        super().__init__()
        self.encoded, self.decoded = encoded, decoded

    def encode(self, images):
        return self.encoded(super().encode(images))

    def decode(self, latents):
        return self.decoded(super().decode(latents))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"encoded": lambda pair: (*pair, 1.0)},
            r"encode: expected mean and log_variance.* received .*, \[\] for 128 rows",
        ),
        (
            {"encoded": lambda pair: {"mean": pair[0]}},
            "encode: expected mean and log_variance.* received dict",
        ),
        ({"encoded": lambda pair: pair[0].numpy()}, r"encode: expected .* an error \(.*'numpy'"),
        ({"encoded": lambda pair: (pair[0], pair[1][:, :2])}, r"received \[8, 4\], \[8, 2\]\. Return both"),
        ({"decoded": lambda images: images[..., 0]}, r"decode: .*\['n', 16, 16, 3\], received \[8, 16, 16\]"),
        ({"decoded": lambda images: images[:, ::2, ::2]}, r"decode: .*received \[8, 8, 8, 3\]"),
        (
            {"decoded": lambda images: (images, images)},
            r"decode: .*received \[8, 16, 16, 3\], \[8, 16, 16, 3\]",
        ),
        ({"decoded": tf.reduce_mean}, r"decode: expected images, received \[\] for 32 rows"),
    ],
)
def test_what_a_model_returns_instead_is_named(change, message, blob_images):
    faces = SharedEncoding(blob_images(8, 16))
    faces.attach(_Whatever(**change))
    with pytest.raises(UserError, match=message):
        faces.decode(faces.encodings(0).mean)


def test_bytes_of_a_decoder_are_taken_for_what_they_are(blob_images):
    faces = SharedEncoding(blob_images(8, 16))
    faces.attach(_Whatever(decoded=lambda images: tf.cast(images * 255.0, tf.uint8)))
    decoded = faces.decode(faces.encodings(0).mean)
    assert decoded.dtype == np.float32
    assert decoded.max() <= 1.0


def test_a_decoder_that_leaves_its_range_is_warned_of_once(blob_images):
    faces = SharedEncoding(blob_images(8, 16))
    faces.attach(_Whatever(decoded=lambda images: images * 255.0))
    mean = faces.encodings(0).mean
    with pytest.warns(UserWarning, match=r"decode: expected images in \[0, 1\], received values from 0 to "):
        faces.decode(mean)
    faces.decode(mean)


@pytest.mark.parametrize("size", [1, 7])
def test_images_smaller_than_a_thumbnail_are_shown(size, tmp_path, blob_images):
    pictures = blob_images(8, 16)[:, :size, :size]
    faces = faces_of(pictures)
    train(pictures, [kind(faces, tmp_path) for kind in OF_FACES], epochs=1)
    assert steps(read(tmp_path), "1 reconstructions/of validation faces") == [1]
    assert (tmp_path / "projector" / "points.jpg").exists()


def test_images_that_are_not_square_are_shown_as_they_are(tmp_path, blob_images):
    class Wide(keras.Model):
        def __init__(self):
            super().__init__()
            self.mean, self.pixels = keras.layers.Dense(4), keras.layers.Dense(16 * 24 * 3, "sigmoid")

        def encode(self, images):
            mean = self.mean(tf.reshape(tf.cast(images, tf.float32) / 255.0, [-1, 16 * 24 * 3]))
            return mean, 0.0 * mean

        def decode(self, latents):
            return tf.reshape(self.pixels(latents), [-1, 16, 24, 3])

        def call(self, images):
            return self.decode(self.encode(images)[0])

    pictures = np.concatenate([blob_images(8, 16), blob_images(8, 16)[:, :, :8]], axis=2)
    faces = faces_of(pictures)
    model = Wide()
    model.compile("adam", "mse")
    train(pictures, [kind(faces, tmp_path) for kind in OF_FACES], epochs=1, model=model)
    shown = images(read(tmp_path), "1 reconstructions/of validation faces")[1]
    expected = Image.fromarray(pictures[0]).resize((64, 43), Image.Resampling.LANCZOS)  # 64 * 16 / 24 = 43
    assert (shown[18 : 18 + 43, 3 : 3 + 64] == np.asarray(expected)).all()


def test_attributes_whose_names_the_projector_has_taken_have_their_own_columns(tmp_path, blob_images):
    pictures = blob_images(8, 16)
    names = ["name", "kind", "attribute name", "a\tb", "a b"]
    values = np.random.default_rng(0).integers(0, 2, (8, 5), np.uint8)
    faces = SharedEncoding(pictures, values, names)
    callbacks = [EmbeddingProjector(faces, tmp_path), AttributeEditPictures(faces, tmp_path)]
    train(pictures, callbacks, epochs=1)
    rows = (tmp_path / "projector" / "points.tsv").read_text(encoding="utf-8").splitlines()
    header = rows[0].split("\t")
    assert header == [
        *("name", "kind", "attribute name", "attribute kind", "attribute attribute name"),
        *("a\\tb", "a b"),
    ]
    columns = np.array([row.split("\t") for row in rows[-8:]]).T
    assert columns[0][0] == "face 0"
    for position in range(5):
        assert (columns[2 + position] == np.where(values[:, position], "yes", "no")).all()
