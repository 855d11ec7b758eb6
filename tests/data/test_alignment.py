import numpy as np
import pytest
from face_photographs import photograph, straight_faces
from PIL import Image

from facevae.data import alignment
from facevae.errors import UserError
from facevae.synthetic_faces import render


def rms(a, b):
    return float(np.sqrt(np.mean((a.astype(float) - b.astype(float)) ** 2)))


@pytest.mark.parametrize("align", ["eyes", "box"])
def test_a_shifted_and_scaled_face_comes_back(align):
    faces = straight_faces(4)
    frame = alignment.training_frame("synthetic_faces", "square", 64)
    for large, wanted in zip(render(faces, 256), render(faces, 64), strict=True):
        picture, eyes, box = photograph(large, left=70, top=30, side=150)
        if align == "eyes":
            aligned = alignment.align_by_eyes(picture, eyes, frame, 64)
        else:
            aligned = alignment.align_by_box(picture, box, frame, 64)
        assert aligned.shape == (64, 64, 3)
        assert aligned.dtype == np.uint8
        unaligned = np.asarray(Image.fromarray(picture[:, 20:220]).resize((64, 64)))
        assert rms(aligned, wanted) < 6.0  # of 255: what is left is resampling
        assert rms(unaligned, wanted) > 30.0


def test_a_turned_face_is_set_upright_whichever_eye_is_named_first():
    face = render(straight_faces(1), 256)[0]
    picture = Image.fromarray(face).rotate(-20, Image.Resampling.BICUBIC)
    turn = np.exp(1j * np.radians(20))  # clockwise on the screen, where y points down
    eyes = [turn * (complex(x, y) * 256 - (128 + 128j)) + (128 + 128j) for x, y in alignment.SYNTHETIC.eyes]
    eyes = [(eye.real, eye.imag) for eye in eyes]
    frame = alignment.training_frame("synthetic_faces", "square", 64)
    aligned = alignment.align_by_eyes(np.asarray(picture), eyes, frame, 64)
    wanted = render(straight_faces(1), 64)[0]
    inner = slice(14, 50)  # the corners were cut off by the turn
    assert rms(aligned[inner, inner], wanted[inner, inner]) < 6.0
    swapped = alignment.align_by_eyes(np.asarray(picture), eyes[::-1], frame, 64)
    np.testing.assert_array_equal(swapped, aligned)


def test_the_synthetic_frame_is_where_the_renderer_draws_the_eyes():
    # The pupils are the darkest spots of the eyes; over many faces their mean is the frame's position.
    faces = straight_faces(64, seed=3)
    pictures = render(faces, 128).astype(float).mean(axis=(0, 3))
    for (x, y), columns in zip(alignment.SYNTHETIC.eyes, (slice(40, 62), slice(66, 88)), strict=True):
        patch = pictures[58:70, columns]
        darkness = np.maximum(np.quantile(patch, 0.2) - patch, 0.0)
        rows, cols = np.mgrid[58:70, columns.start : columns.stop] + 0.5
        assert (darkness * cols).sum() / darkness.sum() == pytest.approx(x * 128, abs=1.5)
        assert (darkness * rows).sum() / darkness.sum() == pytest.approx(y * 128, abs=2.5)


def test_celebas_frame_follows_its_crop_and_size():
    # The crop of 148 from 178x218 begins at (15, 35).
    frame = alignment.training_frame("celeb_a", "148", 64)
    assert frame.eyes[0] == pytest.approx(((69.5 - 15) * 64 / 148, (111 - 35) * 64 / 148))
    assert frame.eyes[1][0] == pytest.approx((107.5 - 15) * 64 / 148)
    # A copy of CelebA at half the size: its crop of 74 begins at (7, 17), half a pixel rounded off.
    half = alignment.training_frame("a/folder", "74", 64, picture_size=(89, 109))
    assert half.eyes[0] == pytest.approx(((69.5 / 2 - 7) * 64 / 74, (111 / 2 - 17) * 64 / 74))


def test_a_large_photograph_is_averaged_and_not_sampled():
    # A checkerboard of single pixels averages to grey; sampling it without averaging would show stripes.
    board = np.indices((900, 900)).sum(axis=0) % 2 * 255
    picture = np.repeat(board[..., None], 3, axis=2).astype(np.uint8)
    frame = alignment.training_frame("celeb_a", "square", 64)
    aligned = alignment.align_by_eyes(picture, [(330.0, 450.0), (570.0, 462.0)], frame, 64)
    assert np.abs(aligned.astype(float) - 127.5).max() < 12.0


def test_positions_outside_the_picture_are_refused():
    picture = np.zeros((50, 40, 3), np.uint8)
    frame = alignment.training_frame("celeb_a", "square", 64)
    with pytest.raises(
        UserError, match=r"--eyes: expected positions inside .* 40x50 pixels, received 10,20,60,20"
    ):
        alignment.align_by_eyes(picture, [(10, 20), (60, 20)], frame, 64)
    with pytest.raises(UserError, match=r"at least 2 pixels apart, received 10,20,11,20"):
        alignment.align_by_eyes(picture, [(10, 20), (11, 20)], frame, 64)
    with pytest.raises(UserError, match=r"--box: expected left,top,width,height .* received 0,0,0,10"):
        alignment.align_by_box(picture, (0, 0, 0, 10), frame, 64)
    with pytest.raises(UserError, match=r"--box: expected positions inside"):
        alignment.align_by_box(picture, (35, 10, 30, 30), frame, 64)
