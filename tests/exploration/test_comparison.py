"""`explore.py RUN compare OTHER`: what is measured, drawn and said of two runs."""

import dataclasses
import pathlib
import re

import numpy as np
import pytest
from finished_run import write_run
from PIL import Image

import explore
from facevae.data import preparation
from facevae.errors import UserError
from facevae.exploration import comparison
from facevae.run.opened_run import OpenedRun


@pytest.fixture
def runs(tmp_path, blob_dataset, monkeypatch):
    dataset = dataclasses.replace(blob_dataset, attribute_names=("Smiling", "Young", "Eyeglasses"))
    monkeypatch.setattr(preparation, "prepare_for", lambda *arguments, **options: dataset)
    monkeypatch.setattr(OpenedRun, "viewing_temperature", 0.7)
    return [write_run(tmp_path / name).path for name in ("first", "second")]


def test_two_equal_runs_have_equal_rows_and_the_error_of_their_reconstructions(
    runs, blob_dataset, monkeypatch, capsys
):
    drawn = {}
    labelled_grid = comparison.labelled_grid

    def remember(images, columns, title, labels, **options):
        drawn.update(images=images.reshape(len(labels), columns, 32, 32, 3), labels=labels)
        return labelled_grid(images, columns, title, labels, **options)

    monkeypatch.setattr(comparison, "labelled_grid", remember)
    explore.main([str(runs[0]), "compare", str(runs[1]), "--count", "3"])
    faces, first, second, *new = drawn["images"]
    assert [label.split("\n")[0] for label in drawn["labels"]] == [
        *("test faces", "first", "second", "first", "first", "second", "second"),
    ]
    assert faces.shape == (3, 32, 32, 3)
    np.testing.assert_allclose(first, second, atol=1e-6)
    np.testing.assert_allclose(new[0], new[2], atol=1e-6)
    assert np.abs(new[0] - new[1]).max() > 0.01
    test = blob_dataset.test.images(slice(None))
    reconstructed = np.asarray(OpenedRun(runs[0]).model(test), np.float64)
    error = np.mean((reconstructed - test / 255.0) ** 2)
    said = capsys.readouterr().out
    shown = [
        float(number) for number in re.findall(r"^\| (?:first|second) \| ([\d.]+) \|", said, re.MULTILINE)
    ]
    assert shown == [pytest.approx(error, abs=1e-5)] * 2
    path = pathlib.Path(runs[0]) / "figures" / "compare_second-count-3.png"
    assert str(path) in said
    with Image.open(path) as picture:
        assert picture.height > 7 * 112
    assert not (pathlib.Path(runs[1]) / "figures").exists()


def test_runs_that_may_have_seen_the_faces_are_said_to(runs, capsys):
    explore.main([str(runs[0]), "compare", str(runs[1]), "--count", "1"])
    assert "the second may have seen these" in capsys.readouterr().out


def test_what_cannot_be_compared_is_refused(runs, tmp_path):
    with pytest.raises(UserError, match="does not exist"):
        explore.main([str(runs[0]), "compare", str(tmp_path / "nowhere")])
    large = write_run(tmp_path / "large", image_size=64).path
    with pytest.raises(UserError, match="one image size, received 32 and 64"):
        explore.main([str(runs[0]), "compare", str(large)])
    with pytest.raises(
        UserError,
        match=r"--count: expected 1 to 16, because .* faces in the test split; received 17",
    ):
        explore.main([str(runs[0]), "compare", str(runs[1]), "--count", "17"])
