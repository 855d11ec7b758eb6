import numpy as np
import pytest

from facevae.face_finding import files
from facevae.face_finding.blazeface import anchors, averaged, decoded, overlap


def box(x, y, width, height=None):
    face = np.zeros((8, 2), np.float32)
    face[0], face[1] = (x, y), (width, height or width)
    face[2:] = x, y
    return face


def test_anchors_are_the_centres_of_the_cells_row_by_row():
    short, full = anchors(files.SHORT_RANGE), anchors(files.FULL_RANGE)
    assert short.shape == (2 * 16 * 16 + 6 * 8 * 8, 2)
    assert full.shape == (48 * 48, 2)
    np.testing.assert_allclose(short[:3], [[1 / 32, 1 / 32], [1 / 32, 1 / 32], [3 / 32, 1 / 32]])
    np.testing.assert_allclose(short[-1], [15 / 16, 15 / 16])
    np.testing.assert_allclose(full[48], [1 / 96, 3 / 96])


def test_numbers_are_offsets_from_the_anchor_but_for_the_size_of_the_box():
    raw = np.arange(16, dtype=np.float32)[None]
    (face,) = decoded(raw, np.array([[0.5, 0.25]], np.float32), side=128)
    np.testing.assert_allclose(face[0], [64, 33])
    np.testing.assert_allclose(face[1], [2, 3])
    np.testing.assert_allclose(face[2:], [[64 + x, 33 + x] for x in range(4, 16, 2)])


def test_overlap_is_intersection_over_union():
    others = np.stack([box(10, 10, 4), box(12, 10, 4), box(20, 20, 4), box(10, 10, 2)])
    np.testing.assert_allclose(overlap(box(10, 10, 4), others), [1, 8 / 24, 0, 4 / 16])


def test_overlapping_boxes_become_their_mean_weighted_by_scores():
    found = np.stack([box(40, 10, 8), box(10, 10, 4), box(11, 10, 4)])
    faces, scores = averaged(found, np.array([0.6, 0.9, 0.3], np.float32))
    np.testing.assert_allclose(faces[:, 0, 0], [(0.9 * 10 + 0.3 * 11) / 1.2, 40], rtol=1e-6)
    np.testing.assert_allclose(scores, [0.9, 0.6])
    none, no_scores = averaged(found[:0], scores[:0])
    assert none.shape == (0, 8, 2)
    assert no_scores.shape == (0,)


@pytest.mark.parametrize("detector", [files.SHORT_RANGE, files.FULL_RANGE])
def test_nothing_is_seen_in_black(detector):
    from facevae.face_finding.blazeface import BlazeFace

    seen, scores = BlazeFace(detector).look(np.zeros((detector.side, detector.side, 3), np.uint8), 0.2)
    assert len(seen) == len(scores) == 0
