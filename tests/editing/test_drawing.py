"""Faces asked for by attribute, of a model whose pictures are known functions of its latents."""

import dataclasses

import numpy as np
import pytest

from facevae.editing import drawing, readings
from facevae.editing.face_attributes import FaceAttributes
from facevae.errors import UserError


class Reader:
    """Reads each attribute from its latent, ten times as large."""

    def logits(self, latents):
        return 10.0 * latents[:, :3]


ATTRIBUTES = FaceAttributes(
    names=("Smiling", "Eyeglasses", "Bald"),
    directions=np.eye(3, 5, dtype=np.float32),
    minimum=np.full(3, -2.0, np.float32),
    maximum=np.full(3, 2.0, np.float32),
    flipped=np.ones(3, np.float32),
    others=np.zeros(3, np.float32),
    offered=np.array([True, True, False]),
    weights=10.0 * np.eye(5, 3, dtype=np.float32),
    bias=np.zeros(3, np.float32),
    reader=Reader(),
)


def prior(count, seed):
    return np.random.default_rng(seed).standard_normal((count, 5), dtype=np.float32)


def never(count, seed):
    """Faces that never have the first attribute."""
    latents = prior(count, seed)
    latents[:, 0] = -0.5 - np.abs(latents[:, 0])
    return latents


def test_faces_are_the_drawn_ones_that_have_what_is_wanted():
    wanted = {"Smiling": True, "eyeglasses": False}
    faces = drawing.draw_latents(ATTRIBUTES, wanted, 60, 3, prior)
    assert faces.shape == (60, 5)
    assert (faces[:, 0] >= drawing.SURE / 10.0).all()
    assert (faces[:, 1] <= -drawing.SURE / 10.0).all()
    # Of what is not asked for they have all the variety: N(0, 1), and a half of it.
    assert readings.covariance(faces)[3, 3] == pytest.approx(1.0, abs=0.5)
    assert faces[:, 0].mean() == pytest.approx(0.9, abs=0.25)
    np.testing.assert_array_equal(faces, drawing.draw_latents(ATTRIBUTES, wanted, 60, 3, prior))
    assert not np.array_equal(faces, drawing.draw_latents(ATTRIBUTES, wanted, 60, 4, prior))


def test_faces_that_are_never_drawn_are_made_by_edits():
    faces = drawing.draw_latents(ATTRIBUTES, {"Smiling": True}, 20, 0, never)
    assert (faces[:, 0] >= drawing.SURE / 10.0).all()
    assert len(np.unique(faces[:, 3])) == 20


def test_more_faces_than_are_decoded_at_once_come_from_several_draws():
    faces = drawing.draw_latents(ATTRIBUTES, {"Smiling": True}, 500, 0, prior)
    assert len(np.unique(faces, axis=0)) == 500


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        ({"Smilling": True}, "Did you mean Smiling"),
        ({"Bald": True}, "cannot change Bald.*Smiling, Eyeglasses"),
        ({"Smiling": "yes"}, "expected True or False for 'Smiling', received 'yes'"),
        ({"Smiling": True, "smiling": False}, "each attribute once"),
    ],
)
def test_what_cannot_be_asked_for_is_refused(wanted, message):
    with pytest.raises(UserError, match=message):
        drawing.draw_latents(ATTRIBUTES, wanted, 2, 0, prior)


def test_a_run_of_too_few_faces_to_read_attributes_says_so():
    with pytest.raises(UserError, match="too few faces"):
        drawing.draw_latents(dataclasses.replace(ATTRIBUTES, reader=None), {"Smiling": True}, 2, 0, prior)
