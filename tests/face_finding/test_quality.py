import dataclasses

import numpy as np
import pytest
from face_photographs import straight_faces
from PIL import Image, ImageFilter

from facevae.face_finding import FaceFinder
from facevae.face_finding.quality import detail, reason_against
from facevae.synthetic_faces import render


@pytest.fixture(scope="module")
def face():
    (found,) = FaceFinder().find(render(straight_faces(1), 256)[0])
    return found


@pytest.fixture
def noisy():
    return np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)


def test_a_face_with_enough_pixels_is_taken(face, noisy):
    assert reason_against(face, noisy, 14.0) is None


def test_a_face_that_would_be_enlarged_more_than_twice_is_tiny(face, noisy):
    distance = abs(face.points[1] - face.points[0])
    assert reason_against(face, noisy, 1.99 * distance) is None
    assert reason_against(face, noisy, 2.01 * distance) == "tiny"


def test_a_nose_beyond_an_eye_is_sideways(face, noisy):
    left, right = face.points[:2]
    for share, reason in ((0.05, None), (-0.05, "sideways"), (1.05, "sideways")):
        points = face.points.copy()
        points[2] = left + share * (right - left) + 20j
        assert reason_against(dataclasses.replace(face, points=points), noisy, 14.0) == reason


def test_what_the_detector_is_not_sure_of_is_uncertain(face, noisy):
    for score, reason in ((0.66, None), (0.64, "uncertain")):
        assert reason_against(dataclasses.replace(face, score=score), noisy, 14.0) == reason


def test_a_blurred_face_has_no_detail(face):
    sharp = Image.fromarray(render(straight_faces(1), 64)[0])
    blurred = np.asarray(sharp.filter(ImageFilter.GaussianBlur(3)))
    assert reason_against(face, np.asarray(sharp), 14.0) is None
    assert reason_against(face, blurred, 14.0) == "blurred"
    assert detail(np.zeros((64, 64, 3), np.uint8)) == 0.0
