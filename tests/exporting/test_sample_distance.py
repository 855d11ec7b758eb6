"""New faces of a file judged as pictures."""

import numpy as np
import pytest
import scipy.ndimage

from facevae.exporting.checks import Result
from facevae.exporting.report import table
from facevae.exporting.sample_distance import (
    CELLS,
    NOTABLE_DISTANCE,
    SAMPLES,
    energy_distance,
    features,
    make_sample_sets,
    relative_distance,
)
from facevae.synthetic_faces import render, sample_faces

COUNT, SIZE = SAMPLES, 32


@pytest.fixture(scope="module")
def faces():
    drawn = render(sample_faces(2 * COUNT, seed=0), SIZE)
    return np.asarray(drawn, np.float32) / 255.0


@pytest.fixture(scope="module")
def sets(faces):
    return make_sample_sets(np.zeros((2 * COUNT, 3), np.float32), faces)


def test_the_energy_distance_of_two_pairs_of_numbers():
    # Spread of {0, 2} is 1, and one grey level: distances 2 and 0 within the sets, 3, 1, 5, 3 between them.
    unit = 1.0 + 1.0 / 255.0
    expected = (2.0 * (1.0 + 3.0 + 3.0 + 5.0) / 4.0 - 2.0 / 2.0 - 2.0 / 2.0) / unit
    distance = energy_distance(np.array([[3.0], [5.0]]), np.array([[0.0], [2.0]]))
    assert distance == pytest.approx(expected)
    assert energy_distance(np.array([[0.0], [2.0]]), np.array([[0.0], [2.0]])) == pytest.approx(0.0)


def test_features_are_the_mean_colour_and_the_steps_of_each_cell():
    image = np.zeros((1, SIZE, SIZE, 3), np.float32)
    image[0, :, SIZE // 2 :] = (0.25, 0.5, 0.75)  # one step of 0.5 in grey, at the border of two cells
    cells = features(image).reshape(CELLS, CELLS, 4)
    side = SIZE // CELLS
    assert cells[0, 0].tolist() == [0.0, 0.0, 0.0, 0.0]
    assert cells[3, CELLS // 2].tolist() == pytest.approx([0.25, 0.5, 0.75, 0.0])
    assert cells[3, CELLS // 2 - 1].tolist() == pytest.approx([0.0, 0.0, 0.0, 0.5 / side])


def test_the_model_itself_is_at_a_distance_of_one(faces, sets):
    assert relative_distance(faces[:COUNT], sets) == pytest.approx(1.0)


def test_rounding_is_no_notable_difference(faces, sets):
    rounded = np.round(faces[:COUNT] * 63.0) / 63.0
    assert relative_distance(rounded, sets) == pytest.approx(1.0, abs=0.1)


@pytest.mark.parametrize(
    "damage",
    [
        lambda images, random: 0.5 + 0.85 * (images - 0.5),
        lambda images, random: np.clip(images + 0.05, 0.0, 1.0),
        lambda images, random: scipy.ndimage.gaussian_filter(images, (0.0, 0.7, 0.7, 0.0)),
        lambda images, random: np.clip(images + random.normal(0.0, 0.03, images.shape), 0.0, 1.0),
        lambda images, random: images[:1].repeat(COUNT, axis=0),
        lambda images, random: images[:, ::-1],
    ],
    ids=["contrast", "brightness", "blur", "noise", "one face", "upside down"],
)
def test_damage_that_people_see_is_notable(faces, sets, damage):
    damaged = damage(faces[:COUNT], np.random.default_rng(0)).astype(np.float32)
    assert relative_distance(damaged, sets) > NOTABLE_DISTANCE


def test_nan_is_not_a_small_distance(faces, sets):
    broken = faces[:COUNT].copy()
    broken[0, 0, 0, 0] = np.nan
    assert not relative_distance(broken, sets) <= NOTABLE_DISTANCE


def test_a_model_of_one_face_has_no_distance():
    same = np.full((8, SIZE, SIZE, 3), 0.5, np.float32)
    assert relative_distance(same[:4], make_sample_sets(np.zeros((8, 3), np.float32), same)) is None


def test_the_table_shows_and_explains_it():
    checked = {"bytes": 1000, "largest_error": 0.1, "mean_error": 0.01, "psnr": 40.0, "milliseconds": 1.0}
    decoder = Result(
        "decoder.tflite", **checked, load_milliseconds=1.0, sample_distance=1.04, sample_error=2.1
    )
    encoder = Result("encoder.tflite", **checked, load_milliseconds=1.0)
    lines = table([decoder, encoder]).splitlines()
    assert "1.04×    2.10" in lines[1]
    assert "×" not in lines[2]
    assert any(line.startswith("new faces: ") for line in lines)
    assert "new faces: " not in table([encoder])
    assert max(map(len, lines)) <= 120
