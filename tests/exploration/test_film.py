"""`explore.py RUN film`: what the callbacks kept of each epoch, as an animation and a strip."""

import numpy as np
import pytest
from callback_helpers import faces_of
from finished_run import write_run
from PIL import Image

import explore
from callbacks import ReconstructionPictures, SamplePictures
from facevae.errors import UserError
from facevae.exploration import film
from facevae.run.opened_run import OpenedRun
from facevae.tensorboard.events import EventWriter


@pytest.fixture
def train(tmp_path, blob_images):
    """A function that shows epochs of a run by the callbacks of `train.py`, a little changed after each."""
    run = write_run(tmp_path / "run")
    model = OpenedRun(run.path).model
    faces = faces_of(blob_images(16))

    def epochs(first, last):
        callbacks = [kind(faces, run.face_logs) for kind in (ReconstructionPictures, SamplePictures)]
        for callback in callbacks:
            callback.set_model(model)
            callback.on_train_begin()
        for epoch in range(first - 1, last):
            for callback in callbacks:
                callback.on_epoch_begin(epoch)
                callback.on_epoch_end(epoch)
            model.trainable_variables[-1].assign_add(0.2 + 0.0 * model.trainable_variables[-1])
        for callback in callbacks:
            callback.on_train_end()
        return run

    epochs.model, epochs.faces = model, faces
    return epochs


def frames(path):
    with Image.open(path) as animation:
        return animation.n_frames


def test_a_film_and_a_strip_show_the_epochs_that_a_resumed_training_kept(train, monkeypatch, capsys):
    train(1, 3)
    run = train(3, 5)
    drawn = []
    labelled_grid = film.figures.labelled_grid

    def remember(images, columns, title, rows, *others, **options):
        drawn.append((images.reshape(-1, columns, 32, 32, 3), title, others))
        return labelled_grid(images, columns, title, rows, *others, **options)

    monkeypatch.setattr(film.figures, "labelled_grid", remember)
    explore.main([str(run.path), "film"])
    (strip, _, (columns, *_)), *shown = drawn
    assert columns == ["original", *(f"epoch {epoch}" for epoch in range(1, 6))]
    assert [title for _, title, _ in shown] == [f"Epoch {epoch} of 5" for epoch in range(1, 6)]
    faces, last = train.faces.originals(np.arange(4)), shown[-1][0]
    np.testing.assert_array_equal(strip[:4, 0], np.round(255.0 * faces))
    np.testing.assert_array_equal(strip[:4, -1], last[1, :4])
    np.testing.assert_array_equal(strip[4:, -1].reshape(-1, 32, 32, 3), last[2, :4])
    assert np.abs(strip[:4, 1].astype(int) - strip[:4, -1]).max() > 10  # the faces change
    assert frames(run.figures / "film-epochs-1-5.webp") == 5
    with Image.open(run.figures / "film-epochs-1-5.png") as picture:
        assert picture.height > 8 * film.SIDE
    assert str(run.figures / "film-epochs-1-5.webp") in capsys.readouterr().out


def test_the_faces_of_the_film_are_the_models_own(train, monkeypatch):
    run = train(1, 2)
    moments = []
    monkeypatch.setattr(
        film, "_frame", lambda moment, *rest: moments.append(moment) or np.zeros((8, 8, 3), np.uint8)
    )
    model = OpenedRun(run.path).model  # as before the first epoch
    explore.main([str(run.path), "film"])
    encoded = model.encode_all(train.faces.originals(np.arange(15)))[0]
    np.testing.assert_allclose(moments[0].reconstructions / 255.0, model.decode_all(encoded), atol=2 / 255)
    drawn = model.decode_all(model.density.sample(30, 0, 0.8))
    np.testing.assert_allclose(moments[0].samples / 255.0, drawn, atol=2 / 255)


def test_a_later_film_stands_beside_an_earlier_one_and_an_output_folder_gets_both_files(train, tmp_path):
    explore.main([str(train(1, 2).path), "film"])
    run = train(3, 3)
    explore.main([str(run.path), "film"])
    explore.main([str(run.path), "film", "--output-dir", str(tmp_path / "mine")])
    names = {f"film-epochs-1-{last}.{suffix}" for last in (2, 3) for suffix in ("png", "webp")}
    assert {path.name for path in run.figures.iterdir()} == names
    assert {path.name for path in (tmp_path / "mine").iterdir()} == {
        "film-epochs-1-3.png",
        "film-epochs-1-3.webp",
    }


def test_a_run_that_has_kept_too_little_says_so(train, tmp_path):
    bare = write_run(tmp_path / "bare")
    with pytest.raises(UserError, match=r"expected pictures of two epochs or more in '.*train', found 0\."):
        explore.main([str(bare.path), "film"])
    with pytest.raises(UserError, match=r"found 1\. Training writes them after each epoch"):
        explore.main([str(train(1, 1).path), "film"])
    assert not (bare.path / "figures").exists()


def test_pictures_of_another_size_are_refused(tmp_path):
    run = write_run(tmp_path / "run")
    writer = EventWriter(run.face_logs, 1)
    for step in (1, 2):
        for tag in (film.RECONSTRUCTIONS, film.FROM_PRIOR):
            writer.image(tag, np.zeros((50, 70, 3), np.uint8), step)
    writer.close()
    with pytest.raises(UserError, match=r"epoch 1 .* are not those of this run: 70 by 50 pixels"):
        explore.main([str(run.path), "film"])


@pytest.mark.parametrize("count", [1, 8, 9, 10, 61, 190, 5000])
def test_frames_are_spread_over_the_epochs_dense_at_first(count):
    epochs = list(range(1, count + 1))
    chosen = film.spread(epochs, 8)
    assert (chosen[0], chosen[-1], len(chosen)) == (1, count, min(count, 8))
    gaps = np.diff(chosen)
    assert (gaps > 0).all()
    assert (np.diff(gaps) >= -1).all()
