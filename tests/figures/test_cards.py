"""Faces and letters of the pictures in TensorBoard's cards, which are 350 pixels wide."""

import numpy as np
import pytest
from callback_helpers import cells_of_card

from facevae import figures
from facevae.figures import cards

STRENGTHS = np.array([-2.0, -1.0, 0.0, 1.0, 2.0])


def faces(count, size, seed=0):
    return np.random.default_rng(seed).integers(0, 255, (count, size, size, 3), dtype=np.uint8)


def all_cards(size):
    """A card of each kind."""
    images, kl = faces(10, size), np.arange(200.0)
    return {
        "reconstruction": figures.reconstruction_card(images, images),
        "sample": figures.sample_card(images),
        "interpolation": figures.interpolation_card(images),
        "traversal": figures.traversal_card(images, [3, 123], kl, 1.5 * STRENGTHS),
        "attribute_edit": figures.attribute_edit_card(images, ["Mouth_Slightly_Open", "Young"], STRENGTHS),
    }


@pytest.mark.parametrize("size", [16, 32, 64, 128, 256])
def test_a_card_is_as_wide_as_tensorboard_shows_it_or_a_multiple(size):
    for card in all_cards(size).values():
        assert card.shape[1] == 350 * max(1, size // 64)
        assert card.dtype == np.uint8


@pytest.mark.parametrize("size", [32, 64, 128])
def test_letters_are_whole_and_nine_pixels_tall_where_tensorboard_shows_350(size):
    for kind, card in all_cards(size).items():
        if kind == "sample":
            continue
        shown = card[:: max(1, size // 64), :: max(1, size // 64)]  # the pixels that it leaves
        line = shown[: cards.LINE]
        ink = np.flatnonzero((line < 128).any(axis=(1, 2)))
        assert 9 <= np.ptp(ink) + 1 <= 15
        assert (line[:, [0, -1]] == 255).all()  # no label is cut off
        for times in (2, 4):  # the same letters in the same places
            if size == 64:
                larger = all_cards(64 * times)[kind]
                assert (larger[: cards.LINE * times : times, ::times] == line).all()


@pytest.mark.parametrize("size", [16, 64, 128])
@pytest.mark.parametrize("count", [1, 4, 5, 12])
def test_faces_are_cut_out_of_a_card_as_they_were_drawn(count, size):
    originals, others = faces(count, size), faces(count, size, seed=1)
    np.testing.assert_array_equal(cards.samples_of(figures.sample_card(originals), size), originals)
    cut = cards.reconstructions_of(figures.reconstruction_card(originals, others), size)
    np.testing.assert_array_equal(cut, (originals, others))


def test_rows_follow_each_other_from_left_to_right():
    images = faces(10, 64)
    for kind in ("interpolation", "traversal", "attribute_edit"):
        np.testing.assert_array_equal(cells_of_card(all_cards(64)[kind], 64).reshape(images.shape), images)


def test_faces_that_are_not_square_keep_their_shape():
    images = np.full((5, 80, 100, 3), 7, np.uint8)
    dark = (figures.sample_card(images) == 7).all(axis=2)
    assert (dark.any(axis=1).sum(), dark.any(axis=0).sum()) == (102, 5 * 128)  # twice 51 and 64: 80 to 100


def test_a_picture_that_is_no_card_is_refused():
    with pytest.raises(ValueError, match="70 by 50 pixels are no card with faces of 32 by 32"):
        cards.samples_of(np.zeros((50, 70, 3), np.uint8), 32)
    with pytest.raises(ValueError, match="no card with faces of 128 by 128"):
        cards.reconstructions_of(np.zeros((148, 350, 3), np.uint8), 128)


@pytest.mark.parametrize("latent_dim", [1, 4, 200])
def test_figures_of_the_latents_are_as_wide_as_a_card(latent_dim):
    mean = np.random.default_rng(0).standard_normal((50, latent_dim)).astype(np.float32)
    for figure in (
        figures.to_pixels(figures.dimension_histograms(mean, mean, 0.0 * mean)),
        figures.to_pixels(figures.dimensions_figure(mean, 0.0 * mean)),
    ):
        assert figure.shape[1] == 350
        assert (figure[:, [0, -1]] == 255).all()


def test_the_plane_of_rate_and_distortion_cuts_off_no_text_and_names_its_lines(monkeypatch):
    from matplotlib.axes import Axes

    written = []
    annotate = Axes.annotate
    monkeypatch.setattr(
        Axes,
        "annotate",
        lambda axes, text, xy, **rest: written.append((text, xy)) or annotate(axes, text, xy, **rest),
    )
    curve = [[epoch, 400.0 + 10 * epoch, -10_000.0 - 300 * epoch] for epoch in range(1, 9)]
    figure = figures.to_pixels(figures.rate_distortion_figure({"training": curve, "validation": curve}))
    assert figure.shape == (360, 350, 3)
    assert (figure[[0, -1]] == 255).all()
    assert (figure[:, [0, -1]] == 255).all()
    assert len(written) >= 3
    for text, (rate, distortion) in written:
        assert float(text.replace(",", "").replace("−", "-")) == pytest.approx(rate + distortion)
