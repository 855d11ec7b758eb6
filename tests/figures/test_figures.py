import subprocess
import sys

import numpy as np
import pytest

from facevae import figures
from facevae.figures import latent_dimensions


@pytest.fixture
def random():
    return np.random.default_rng(0)


@pytest.fixture
def words(monkeypatch):
    """The texts that a figure of latent dimensions writes outside its axes."""
    written = []
    write = latent_dimensions.write

    def remember(figure, x, y, text, **options):
        written.append(text)
        write(figure, x, y, text, **options)

    monkeypatch.setattr(latent_dimensions, "write", remember)
    return written


def assert_nothing_touches_the_border(picture):
    """Fails if text is cut off at an edge of the picture."""
    assert picture.dtype == np.uint8
    for edge in (picture[:3], picture[-3:], picture[:, :3], picture[:, -3:]):
        assert (edge == 255).all()


# ---------------------------------------------------------------------------------------------------------
# Grids
# ---------------------------------------------------------------------------------------------------------


def test_a_grid_places_images_row_by_row_and_leaves_the_rest_white():
    images = np.stack([np.full((2, 2, 3), value, np.uint8) for value in (10, 20, 30)])
    grid = figures.image_grid(images, columns=2, gap=1)
    assert grid.shape == (5, 5, 3)
    assert (grid[:2, :2] == 10).all()
    assert (grid[:2, 3:] == 20).all()
    assert (grid[3:, :2] == 30).all()
    assert (grid[2] == 255).all()
    assert (grid[3:, 2:] == 255).all()


def test_float_images_are_rounded_and_clipped():
    images = np.array([[[[-0.5, 0.5, 1.5]]]], np.float32)
    assert figures.image_grid(images, 1).tolist() == [[[0, 128, 255]]]


def test_grids_need_no_matplotlib():
    code = "import sys, facevae.figures as f; f.image_grid; sys.exit('matplotlib' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_labelled_grid_contains_the_unchanged_faces_and_cuts_off_no_text(random):
    faces = random.integers(0, 200, (6, 16, 16, 3), dtype=np.uint8)
    picture = figures.labelled_grid(
        faces,
        3,
        "A title that is a good deal longer than the three small faces are wide",
        row_labels=["first\nrow", "a much longer label"],
        column_labels=["a", "b", "c"],
        note="A note that has to be broken into several lines, for it is far longer than one. " * 3,
        side=16,
    )
    assert_nothing_touches_the_border(picture)
    grid = figures.image_grid(faces, 3, 4)
    rows, columns = (picture.shape[0] - grid.shape[0], picture.shape[1] - grid.shape[1])
    found = [
        (y, x)
        for y in range(rows)
        for x in range(columns)
        if (picture[y, x : x + 16] == grid[0, :16]).all()
        and (picture[y : y + grid.shape[0], x : x + grid.shape[1]] == grid).all()
    ]
    assert len(found) == 1


def test_a_labelled_grid_without_labels_is_the_plain_grid_and_labels_are_outside_of_it(random):
    faces = random.integers(0, 200, (6, 32, 32, 3), dtype=np.uint8)
    plain = figures.image_grid(faces, 3)
    np.testing.assert_array_equal(figures.labelled_grid(faces, 3, side=None, gap=2), plain)
    labelled = figures.labelled_grid(
        faces, 3, row_labels=["first\nrow", "second row"], column_labels=["a", "b", ""], side=None, gap=2
    )
    assert (labelled[-plain.shape[0] :, -plain.shape[1] :] == plain).all()
    assert (labelled[: -plain.shape[0]] < 128).any()  # ink above
    assert (labelled[:, : -plain.shape[1]] < 128).any()  # ink on the left


def test_an_attribute_sheet_cuts_off_no_text(random):
    faces = random.random((41, 8, 8, 3))
    names = [f"Wearing_Something_{number}" for number in range(40)]
    sheet = figures.attribute_sheet(faces[0], faces[1:], faces[1:], names, "Title", "A note. " * 60)
    assert_nothing_touches_the_border(sheet)


# ---------------------------------------------------------------------------------------------------------
# Latents
# ---------------------------------------------------------------------------------------------------------


def test_the_density_integrates_to_one_and_peaks_at_the_mean_of_the_points(random):
    positions = random.standard_normal((8000, 2)) * [2.0, 0.5] + [10.0, -3.0]
    x, y, density = figures.map_density(positions)
    cell = (x[1] - x[0]) * (y[1] - y[0])
    assert density.sum() * cell == pytest.approx(1.0, abs=1e-3)
    row, column = np.unravel_index(density.argmax(), density.shape)
    assert x[column] == pytest.approx(10.0, abs=1.0)
    assert y[row] == pytest.approx(-3.0, abs=0.25)
    # A Gaussian of standard deviations 2 and 0.5, widened by Scott's bandwidth n^(-1/6) for 5,000 points.
    expected = 1.0 / (2.0 * np.pi * 2.0 * 0.5 * (1.0 + 5000 ** (-1.0 / 3.0)))
    assert density.max() == pytest.approx(expected, rel=0.1)


def test_the_maps_cut_off_no_text(random):
    positions = (random.standard_normal((300, 2)) * [40, 25]).astype(np.float32)
    attributes = random.integers(0, 2, (300, 4))
    names = ["Wearing_Lipstick", "Mouth_Slightly_Open", "5_o_Clock_Shadow", "Young"]
    assert_nothing_touches_the_border(
        figures.to_pixels(figures.map_with_density(positions, "Latents of 300 faces"))
    )
    panels = figures.map_by_attributes(positions, attributes, names, np.linspace(0, 1, 4), "By attribute")
    assert_nothing_touches_the_border(figures.to_pixels(panels))
    one = figures.map_by_attributes(positions, attributes[:, :1], names[:1], np.ones(1), "By attribute")
    assert_nothing_touches_the_border(figures.to_pixels(one))


def test_each_square_of_the_map_gets_the_face_nearest_to_its_centre():
    positions = np.array([[0.0, 0.0], [10.0, 10.0], [0.0, 10.0], [5.2, 5.2], [5.0, 5.0]], np.float32)
    places = figures.places_in_map(positions, cells=3)
    assert places[2, 0] == 0  # the map's y axis points up, an image's rows count down
    assert places[0, 2] == 1
    assert places[0, 0] == 2
    assert places[1, 1] == 4  # nearer to the square's centre than face 3
    assert (places == -1).sum() == 5


def test_the_map_of_faces_shows_each_face_in_its_square():
    places = np.array([[-1, 1], [0, -1]])
    red, green = np.array([200, 0, 0], np.uint8), np.array([0, 200, 0], np.uint8)
    picture = figures.map_with_faces(
        places, np.broadcast_to([[[red]], [[green]]], (2, 4, 4, 3)), "Map", side=30
    )
    assert_nothing_touches_the_border(picture)
    first, second = (np.argwhere((picture == colour).all(axis=2)) for colour in (red, green))
    assert len(first) == len(second) == 30 * 30
    assert first[:, 0].max() < second[:, 0].min()  # the first of the faces is the upper one
    assert first[:, 1].min() > second[:, 1].max()  # and the right one


def test_the_histograms_of_the_prior_have_its_mean_deviation_and_kl(random, words):
    zeros = np.zeros((20_000, 32), np.float32)
    samples = random.standard_normal((20_000, 32)).astype(np.float32)
    samples = (samples - samples.mean(axis=0)) / samples.std(axis=0)
    figure = figures.dimension_histograms(samples, zeros, zeros, "The first 30 of 32 latent dimensions")
    assert_nothing_touches_the_border(figures.to_pixels(figure))
    numbers = [text.replace("-", "+") for text in words if text.startswith("mean")]
    assert numbers == ["mean +0.00  sd 1.00  KL 0.00"] * 30
    assert any("rejected for 0 of 32 dimensions" in text.replace("\n", " ") for text in words)


def test_the_histograms_of_another_gaussian_have_its_mean_deviation_and_kl(random, words):
    mean = np.full((20_000, 2), [1.5, 0.0], np.float32)
    log_variance = np.full((20_000, 2), np.log([1.0, 0.25]), np.float32)
    samples = mean + np.exp(0.5 * log_variance) * random.standard_normal(mean.shape)
    figures.dimension_histograms(samples, mean, log_variance, "Two dimensions")
    (first, second) = (text for text in words if text.startswith("mean"))
    assert first.endswith("KL 1.12")  # 1.5² / 2
    assert second.endswith("KL 0.32")  # (0.25 − 1 + ln 4) / 2
    assert "mean +1.5" in first
    assert "sd 0.50" in second
    assert any("rejected for 2 of 2 dimensions" in text.replace("\n", " ") for text in words)
