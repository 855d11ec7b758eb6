"""The history of the latents in the projector: what is kept, and how a killed training continues it."""

import dataclasses

import numpy as np
import pytest
from callback_helpers import faces_of, train

from callbacks import EmbeddingProjector, SharedEncoding
from callbacks.embedding_projector import kept_epochs
from facevae.errors import UserError
from facevae.tensorboard import projector


def _points(folder, cloud):
    return np.fromfile(folder / cloud.points, "<f4").reshape(cloud.shape)


def _rows(folder, cloud):
    return [line.split("\t") for line in (folder / cloud.columns).read_text(encoding="utf-8").splitlines()]


def _epochs(folder):
    """The entries of the epochs, without that with samples from the prior."""
    return [cloud for cloud in projector.read_config(folder) if "N(0, 1)" not in cloud.name]


def test_faces_landmarks_and_centroids_are_in_the_rows_of_their_labels(tmp_path, blob_images):
    pictures = blob_images(30, 16)
    faces = faces_of(pictures, attributes=3)
    model = train(pictures, [EmbeddingProjector(faces, tmp_path, prior_samples=5)], epochs=1)
    (cloud,) = _epochs(tmp_path)
    points, (header, *rows) = _points(tmp_path, cloud), _rows(tmp_path, cloud)
    mean = model.encode(pictures)[0].numpy()
    assert header == ["name", "kind", "Attribute_0", "Attribute_1", "Attribute_2"]
    assert len(rows) == len(points) == 2 + 3 + 30
    has = faces.attributes[:, 1] > 0
    expected = np.concatenate([np.zeros((1, 4)), mean.mean(axis=0)[None], mean[has].mean(axis=0)[None], mean])
    # Up to the lowest bits of the very first number, which keep the file from being taken for text.
    np.testing.assert_allclose(points[[0, 1, 3, *range(5, 35)]], expected, rtol=1e-3, atol=1e-5)
    assert [row[3] for row in rows[5:]] == ["yes" if value else "no" for value in has]
    assert rows[0][1:] == ["origin", "–", "–", "–"]
    assert rows[1] == ["mean of the faces", "mean", "all", "all", "all"]
    assert rows[3] == ["centroid of Attribute_1", "attribute centroid", "–", "yes", "–"]
    assert rows[5][:2] == ["face 0", "face"]


def test_samples_from_the_prior_have_an_entry_of_their_own_that_does_not_open_first(tmp_path, blob_images):
    pictures = blob_images(300, 16)
    train(pictures, [EmbeddingProjector(faces_of(pictures, 3), tmp_path, prior_samples=500)], epochs=2)
    clouds = projector.read_config(tmp_path)
    assert sorted(cloud.name for cloud in clouds) == [
        "0 newest: epoch 2",
        "epoch 1",
        "with N(0, 1): epoch 2",
    ]
    newest, with_prior = (next(c for c in clouds if start in c.name) for start in ("0 newest", "N(0, 1)"))
    # The page sorts by the number of points, then by name.
    assert newest.shape == with_prior.shape == (2 + 3 + 300, 4)
    points = _points(tmp_path, with_prior)
    assert (points[:155] == _points(tmp_path, newest)[:155]).all()
    np.testing.assert_allclose(points[155:].mean(axis=0), 0.0, atol=0.3)
    np.testing.assert_allclose(points[155:].std(axis=0), 1.0, atol=0.25)
    rows = _rows(tmp_path, with_prior)[1:]
    assert rows[:155] == _rows(tmp_path, newest)[1:156]
    assert rows[155:] == [["prior sample", "prior sample", "–", "–", "–"]] * 150
    assert {path.name for path in (tmp_path / "projector").glob("prior-*")} == {"prior-00002.bytes"}


def test_every_attribute_meets_its_values_in_one_order_so_that_it_has_the_same_colours(tmp_path, blob_images):
    pictures = blob_images(30, 16)
    train(pictures, [EmbeddingProjector(faces_of(pictures, 4), tmp_path)], epochs=1)
    rows = _rows(tmp_path, _epochs(tmp_path)[0])[1:]
    orders = [list(dict.fromkeys(column)) for column in list(zip(*rows, strict=True))[2:]]
    assert orders == [["–", "all", "yes", "no"]] * 4


def _as_version_0_1_wrote(folder, faces, clouds):
    """Gives clouds the columns of 0.1: faces first, then samples from the prior, then centroids; no hash of pixels."""
    header, *rows = _rows(folder, clouds[0])
    old = [header, *rows[-len(faces.images) :], *[["prior sample"] * 2 + ["–"] * 2] * 200, *rows[2:4]]
    (folder / "projector" / "faces.tsv").write_text("".join("\t".join(row) + "\n" for row in old))
    (folder / "projector" / "faces.jpg").write_bytes((folder / clouds[0].thumbnails).read_bytes())
    (folder / "projector" / "faces.sha256").unlink()
    for number, cloud in enumerate(clouds):
        points = _points(folder, cloud)
        points = np.concatenate([points[4:], np.full((200, 4), 9.0, np.float32), points[2:4]])
        shape = projector.write_points(folder / cloud.points, points)
        files = {"columns": "projector/faces.tsv", "thumbnails": "projector/faces.jpg"}
        clouds[number] = dataclasses.replace(cloud, shape=shape, **files)
    projector.write_config(folder, clouds)


@pytest.mark.parametrize("are_same", [True, False])
def test_the_history_of_version_0_1_goes_on_in_todays_order_of_points(tmp_path, blob_images, are_same):
    pictures = blob_images(8, 16)
    faces = faces_of(pictures)
    model = train(pictures, [EmbeddingProjector(faces, tmp_path)], epochs=2)
    before = {cloud.name[-7:]: _points(tmp_path, cloud) for cloud in _epochs(tmp_path)}
    _as_version_0_1_wrote(tmp_path, faces, _epochs(tmp_path))
    if not are_same:
        faces = SharedEncoding(pictures, 1 - faces.attributes, faces.attribute_names)
    train(pictures, [EmbeddingProjector(faces, tmp_path)], epochs=3, initial_epoch=2, model=model)
    after = {cloud.name: cloud for cloud in _epochs(tmp_path)}
    assert list(after) == ["epoch 1", "epoch 2", "0 newest: epoch 3"][0 if are_same else 2 :]
    for name in before if are_same else ():
        np.testing.assert_allclose(_points(tmp_path, after[name]), before[name], rtol=1e-3, atol=1e-5)
    assert {cloud.columns for cloud in after.values()} == {"projector/points.tsv"}
    assert len(list((tmp_path / "projector").glob("epoch-*.bytes"))) == len(after)


@pytest.mark.parametrize("attributes", [0, 1])
def test_faces_with_few_attributes_have_their_columns(tmp_path, blob_images, attributes):
    pictures = blob_images(10, 16)
    train(pictures, [EmbeddingProjector(faces_of(pictures, attributes), tmp_path)], epochs=1)
    (cloud,) = _epochs(tmp_path)
    header, *rows = _rows(tmp_path, cloud)
    assert header == ["name", "kind"] + ["Attribute_0"] * attributes
    assert len(rows) == cloud.shape[0] == 2 + attributes + 10


@pytest.mark.parametrize("latent_dim", [1, 2, 512])
def test_points_have_at_least_three_coordinates(tmp_path, blob_images, latent_dim):
    pictures = blob_images(10, 16)
    train(pictures, [EmbeddingProjector(faces_of(pictures), tmp_path)], latent_dim, epochs=1)
    (cloud,) = _epochs(tmp_path)
    assert cloud.shape == (2 + 2 + 10, max(3, latent_dim))


def test_the_newest_epoch_sorts_first(tmp_path, blob_images):
    pictures = blob_images(8, 16)
    train(pictures, [EmbeddingProjector(faces_of(pictures), tmp_path)], epochs=11)
    names = [cloud.name for cloud in projector.read_config(tmp_path)]
    assert sorted(names)[0] == "0 newest: epoch 11"
    assert sorted(names)[1:-1] == [f"epoch {epoch:02d}" for epoch in range(1, 11)]


@pytest.mark.parametrize("due", [range(500), [*range(100), *range(100, 1000, 10), *range(1000, 5000, 100)]])
def test_epochs_are_thinned_to_the_first_the_newest_and_thirty_between(due):
    kept: list[int] = []
    for count, epoch in enumerate(due, 1):
        kept = kept_epochs([*kept, epoch])
        assert kept[0] == 0
        assert kept[-1] == epoch
        assert len(kept) == min(count, 32)
    # Evenly spread over the whole training, though each was chosen before its end was known.
    assert np.diff(kept).max() <= epoch / 31 * 2.5
    assert kept_epochs([]) == []


def test_files_of_epochs_that_are_no_longer_shown_are_removed(tmp_path, blob_images, monkeypatch):
    monkeypatch.setattr("callbacks.embedding_projector.EPOCHS_BETWEEN", 2)
    pictures = blob_images(8, 16)
    train(pictures, [EmbeddingProjector(SharedEncoding(pictures), tmp_path, prior_samples=1)], epochs=7)
    clouds = projector.read_config(tmp_path)
    assert len(clouds) == 4 + 1
    assert {path.name for path in (tmp_path / "projector").glob("*.bytes")} == {
        cloud.points.split("/")[1] for cloud in clouds
    }


def test_a_resumed_training_goes_on_with_the_history_on_disk(tmp_path, blob_images):
    pictures = blob_images(8, 16)
    model = train(pictures, [EmbeddingProjector(faces_of(pictures), tmp_path)], epochs=3)
    before = {cloud.points: _points(tmp_path, cloud) for cloud in projector.read_config(tmp_path)}
    # Killed after epoch 3 was written and before its checkpoint: epoch 3 comes again.
    (tmp_path / "projector" / "epoch-00007.bytes").write_bytes(b"left by the kill")
    train(pictures, [EmbeddingProjector(faces_of(pictures), tmp_path)], 4, 5, initial_epoch=2, model=model)
    clouds = _epochs(tmp_path)
    assert sorted(cloud.name for cloud in clouds) == [
        "0 newest: epoch 5",
        *(f"epoch {e}" for e in range(1, 5)),
    ]
    after = {cloud.points: _points(tmp_path, cloud) for cloud in clouds}
    for epoch in (1, 2):
        name = f"projector/epoch-{epoch:05d}.bytes"
        assert (after[name] == before[name]).all()
    assert not (tmp_path / "projector" / "epoch-00007.bytes").exists()


def test_a_history_of_other_faces_is_not_mixed_with_these(tmp_path, blob_images):
    pictures = blob_images(12, 16)
    train(pictures, [EmbeddingProjector(faces_of(pictures[:8]), tmp_path)], epochs=2)
    train(pictures, [EmbeddingProjector(faces_of(pictures), tmp_path)], epochs=3, initial_epoch=2)
    (cloud,) = _epochs(tmp_path)
    assert cloud.name == "0 newest: epoch 3"
    assert cloud.shape[0] == 2 + 2 + 12


@pytest.mark.parametrize("first_epoch", [0, 2])
def test_thumbnails_are_those_of_the_faces_also_where_the_labels_are_equal(
    tmp_path, blob_images, first_epoch
):
    pictures = blob_images(8, 16)
    train(pictures, [EmbeddingProjector(SharedEncoding(pictures), tmp_path)], epochs=2)
    before = (tmp_path / "projector" / "points.jpg").read_bytes()
    again = [EmbeddingProjector(SharedEncoding(255 - pictures), tmp_path)]
    train(pictures, again, epochs=3, initial_epoch=first_epoch)
    assert (tmp_path / "projector" / "points.jpg").read_bytes() != before
    assert {cloud.name for cloud in _epochs(tmp_path)} == (
        {"0 newest: epoch 3"} | {f"epoch {epoch}" for epoch in range(first_epoch + 1, 3)}
    )


def test_a_disk_that_fills_up_is_reported_in_one_message(tmp_path, blob_images, monkeypatch):
    def full(path, points):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(projector, "write_points", full)
    pictures = blob_images(8, 16)
    with pytest.raises(UserError, match=r"cannot be written \(No space left on device\)"):
        train(pictures, [EmbeddingProjector(faces_of(pictures), tmp_path)], epochs=1)
