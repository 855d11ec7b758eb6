"""The positions of faces and labels in the grids of faces."""

import numpy as np
import pytest

from facevae import figures
from facevae.figures import face_grids

SIZE, PITCH = 16, 18  # pixels of a face, and from one to the next
RED, GREEN, BLUE, GREY = [200, 0, 0], [0, 200, 0], [0, 0, 200], [90, 90, 90]
YELLOW = [200, 200, 0]


def faces(*colours):
    """A face of each colour, `uint8[colours, 16, 16, 3]`."""
    return np.broadcast_to(np.array(colours, np.uint8)[:, None, None], (len(colours), SIZE, SIZE, 3))


def cells(picture, rows, columns):
    """The faces of a grid without title and note; its labels are above it and to its left."""
    height, width = PITCH * rows - 2, PITCH * columns - 2
    grid = picture[picture.shape[0] - height :, picture.shape[1] - width :]
    return [
        [grid[PITCH * row :, PITCH * column :][:SIZE, :SIZE] for column in range(columns)]
        for row in range(rows)
    ]


def colours(picture, rows, columns):
    """The colour of each face; fails if a face has more than one."""
    found = cells(picture, rows, columns)
    assert all((face == face[0, 0]).all() for row in found for face in row)
    return [[face[0, 0].tolist() for face in row] for row in found]


def test_reconstructions_are_below_their_originals_eight_in_a_row():
    white = [255, 255, 255]
    picture = figures.reconstruction_grid(faces(*[RED] * 8, GREEN), faces(*[BLUE] * 8, GREY))
    assert colours(picture, 4, 8) == [[RED] * 8, [BLUE] * 8, [GREEN] + [white] * 7, [GREY] + [white] * 7]
    assert picture.shape[0] == 4 * PITCH - 2  # labels on the left only
    assert (picture[:, : -8 * PITCH] < 128).any()


def test_samples_fill_rows_of_eight():
    picture = figures.sample_grid(faces(*[RED] * 8, BLUE) / 255.0)
    assert picture.shape == (2 * PITCH - 2, 8 * PITCH - 2, 3)
    assert colours(picture, 2, 8)[0] == [RED] * 8
    assert colours(picture, 2, 8)[1][0] == BLUE
    assert figures.sample_grid(faces(RED, BLUE)).shape == (SIZE, 2 * PITCH - 2, 3)


def test_interpolations_run_from_left_to_right_between_the_originals():
    between = faces(RED, GREY, GREEN, BLUE, GREY, RED) / 255.0
    picture = figures.interpolation_grid(faces(RED, BLUE), between, faces(GREEN, RED))
    assert colours(picture, 2, 5) == [[RED, RED, GREY, GREEN, GREEN], [BLUE, BLUE, GREY, RED, RED]]
    assert picture.shape[1] == 5 * PITCH - 2  # labels above only
    labelled = figures.interpolation_grid(faces(RED), faces(GREY, GREY), faces(GREEN), ["linear"])
    assert (labelled[:, : -4 * PITCH] < 128).any()
    assert colours(labelled, 1, 4) == [[RED, GREY, GREY, GREEN]]


def test_traversals_have_a_row_for_each_dimension():
    picture = figures.traversal_grid(
        faces(RED, GREY, GREEN, BLUE, GREY, RED), [3, 0], np.arange(4.0), np.array([-3.0, 0.0, 3.0])
    )
    assert colours(picture, 2, 3) == [[RED, GREY, GREEN], [BLUE, GREY, RED]]


def test_edits_have_a_row_for_each_attribute_and_the_original_once():
    white = [255, 255, 255]
    picture = figures.attribute_edit_grid(
        faces(GREEN)[0], faces(RED, GREY, BLUE, GREY) / 255.0, ["Smiling", "Wearing_Hat"], np.array([-1, 1])
    )
    assert colours(picture, 2, 3) == [[GREEN, RED, GREY], [white, BLUE, GREY]]


def test_neighbours_follow_the_generated_face_nearest_first():
    picture = figures.neighbour_grid(
        faces(RED, BLUE) / 255.0, faces(GREEN, GREY, GREY, GREEN), np.array([0.1, 0.2])
    )
    assert colours(picture, 2, 3) == [[RED, GREEN, GREY], [BLUE, GREY, GREEN]]


def test_stacked_pictures_are_padded_with_white():
    stacked = figures.stacked([faces(RED)[0], faces(BLUE)[0][:4, :10]])
    assert stacked.shape == (20, 16, 3)
    assert (stacked[:16] == RED).all()
    assert (stacked[16:, :10] == BLUE).all()
    assert (stacked[16:, 10:] == 255).all()


@pytest.mark.parametrize("side", [None, 64])
def test_title_and_note_do_not_change_the_grid(side):
    arguments = (faces(RED, GREEN), faces(BLUE, YELLOW))
    large = SIZE if side is None else side
    plain = figures.reconstruction_grid(*arguments, side=side)
    titled = figures.reconstruction_grid(*arguments, "Reconstructions", "A note.", side)
    for picture in (plain, titled):
        rows, columns = np.nonzero((picture == RED).all(axis=2))
        corner = rows.min(), columns.min()
        assert rows.max() - rows.min() == columns.max() - columns.min() == large - 1
        for colour, place in ((GREEN, (0, 1)), (BLUE, (1, 0)), (YELLOW, (1, 1))):
            expected = np.add(corner, np.multiply(place, large + 2))
            assert np.argwhere((picture == colour).all(axis=2))[0].tolist() == expected.tolist()
    assert titled.shape[0] > plain.shape[0]


@pytest.mark.parametrize("count", [1, 3, 8, 11, 16])
@pytest.mark.parametrize("size", [16, 64])
def test_faces_are_cut_out_of_a_grid_as_they_were_drawn(count, size):
    random = np.random.default_rng(count)
    faces, others = random.integers(0, 255, (2, count, size, size, 3), dtype=np.uint8)
    np.testing.assert_array_equal(face_grids.samples_of(figures.sample_grid(faces), size), faces)
    cut = face_grids.reconstructions_of(figures.reconstruction_grid(faces, others), size)
    np.testing.assert_array_equal(cut, (faces, others))


def test_a_picture_that_is_no_grid_is_refused():
    with pytest.raises(ValueError, match="40 by 50 pixels are no grid of 32 by 32"):
        face_grids.samples_of(np.zeros((50, 40, 3), np.uint8), 32)
    with pytest.raises(ValueError, match="pairs of rows"):
        face_grids.reconstructions_of(np.zeros((32, 200, 3), np.uint8), 32)
