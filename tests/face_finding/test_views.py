import numpy as np
import pytest
from PIL import Image

from facevae.face_finding.views import View


def test_the_whole_photograph_lies_in_the_middle_on_black():
    view = View.whole(200, 100, 50)
    pixels = view.cut(Image.new("RGB", (200, 100), "white"))
    np.testing.assert_array_equal(pixels[:12], 0)
    np.testing.assert_array_equal(pixels[13:37], 255)
    np.testing.assert_array_equal(pixels[38:], 0)
    assert view.to_photograph(np.array([25 + 25j]))[0] == pytest.approx(100 + 50j)


def test_a_turned_view_shows_the_photograph_upright():
    gradient = np.zeros((100, 100, 3), np.uint8)
    gradient[..., 0] = np.arange(100)[None] * 2
    gradient[..., 1] = np.arange(100)[:, None] * 2
    view = View.around(50 + 50j, 40j, 20)  # across goes down in the photograph: turned by a quarter
    pixels = view.cut(Image.fromarray(gradient)).astype(float)
    points = view.to_photograph(np.arange(20)[None] + 0.5 + 1j * (np.arange(20)[:, None] + 0.5))
    np.testing.assert_allclose(pixels[..., 0], 2 * (points.real - 0.5), atol=1.5)
    np.testing.assert_allclose(pixels[..., 1], 2 * (points.imag - 0.5), atol=1.5)


def test_overlapping_squares_cover_the_photograph():
    wide = View.overlapping(1200, 900, 0.75, 192)
    assert [view.to_photograph(np.array([0, 192 + 192j])).tolist() for view in wide] == [
        [0, 900 + 900j],
        [300, 1200 + 900j],
    ]
    assert [view.origin for view in View.overlapping(100, 80, 0.75, 50)] == [0, 25, 5j, 25 + 5j]
    (only,) = View.overlapping(50, 50, 1.0, 50)
    assert (only.origin, only.turn) == (0, 1)


def test_a_view_beyond_the_photograph_is_black():
    view = View.around(-500 - 500j, 100, 32)
    assert view.cut(Image.new("RGB", (60, 40), "white")).max() == 0
