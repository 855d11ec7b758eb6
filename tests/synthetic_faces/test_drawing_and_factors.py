import subprocess
import sys
from statistics import NormalDist

import numpy as np
import pytest

from facevae.synthetic_faces import (
    ATTRIBUTE_NAMES,
    CORRELATIONS,
    FACTOR_NAMES,
    builder_for,
    render,
    sample_faces,
)
from facevae.synthetic_faces.anatomy import Face, View, view_of
from facevae.synthetic_faces.attributes import PREVALENCES, thresholds
from facevae.synthetic_faces.drawing import draw_in_processes
from facevae.synthetic_faces.hair import lay_out_hair
from facevae.synthetic_faces.scenery import paint_background
from facevae.synthetic_faces.skin import relief, skin_colour

# Attributes that the logical rules never change.
FREE = (
    "Arched_Eyebrows",
    "Bags_Under_Eyes",
    "Big_Lips",
    "Big_Nose",
    "Bushy_Eyebrows",
    "Eyeglasses",
    "Heavy_Makeup",
    "Male",
    "Mouth_Slightly_Open",
    "Narrow_Eyes",
    "Pale_Skin",
    "Rosy_Cheeks",
    "Smiling",
    "Wearing_Earrings",
    "Wearing_Hat",
    "Wearing_Lipstick",
    "Young",
)


@pytest.fixture(scope="module")
def many():
    return sample_faces(20_000, seed=5)


@pytest.fixture(scope="module")
def frontal():
    faces = sample_faces(24, seed=2)
    for factor in ("turn", "tilt", "nod", "shift_x", "shift_y", "zoom"):
        faces = faces.with_factor(factor, 0)
    for attribute in ("Eyeglasses", "Wearing_Hat", "Bangs", "Wavy_Hair", "Straight_Hair"):
        faces = faces.with_attribute(attribute, False)
    return faces


def test_a_face_is_a_function_of_seed_and_index():
    together, alone = sample_faces(20, seed=3), sample_faces(1, seed=3, first=7)
    for field in ("attributes", "factors", "textures"):
        np.testing.assert_array_equal(getattr(together, field)[7:8], getattr(alone, field))
    assert not np.array_equal(together.factors, sample_faces(20, seed=4).factors)


@pytest.mark.parametrize("size", [32, 45, 64])
def test_bytes_do_not_depend_on_the_batch(size):
    faces = sample_faces(11, seed=1)
    together = render(faces, size)
    assert together.dtype == np.uint8
    assert together.shape == (11, size, size, 3)
    for start, end in ((0, 1), (1, 3), (3, 11)):
        np.testing.assert_array_equal(render(faces[start:end], size), together[start:end])


def test_too_small_a_size_is_refused():
    with pytest.raises(ValueError, match="image_size=8"):
        render(sample_faces(1), 8)


def test_every_size_shows_the_same_face():
    faces = sample_faces(6, seed=9)
    small = render(faces, 64).astype(np.float32)
    halved = render(faces, 128).astype(np.float32).reshape(6, 64, 2, 64, 2, 3).mean((2, 4))
    another = np.abs(small - np.roll(small, 1, axis=0)).mean()
    assert np.abs(small - halved).mean() < 0.1 * another


def test_attributes_are_known_celeba_names_and_enough(many):
    assert len(ATTRIBUTE_NAMES) >= 20
    assert len(set(FACTOR_NAMES)) == many.factors.shape[1]
    share = many.attributes.mean(0)
    assert (share > 0.02).all()
    assert (share < 0.98).all()


def test_factors_stay_in_their_range(many):
    for name in FACTOR_NAMES:
        values = many.factor(name)
        limit = {"turn": 30, "tilt": 13, "nod": 12}.get(name, 1)
        assert np.abs(values).max() <= limit
        assert abs(values.mean()) < 4 * values.std() / np.sqrt(len(many))


def test_free_attributes_have_the_stated_prevalences(many):
    for name in FREE:
        stated = PREVALENCES[name]
        error = 4.5 * np.sqrt(stated * (1 - stated) / len(many))
        assert abs(many.attribute(name).mean() - stated) < error, name


def test_free_attributes_have_the_stated_correlations(many):
    """Against the orthant probability of the bivariate normal, integrated over the first variable."""
    index = [ATTRIBUTE_NAMES.index(name) for name in FREE]
    limits = thresholds()
    normal = NormalDist()
    for position, first in enumerate(index):
        grid = np.linspace(limits[first], 8, 400)
        density = np.array([normal.pdf(value) for value in grid])
        for second in index[position + 1 :]:
            correlation = CORRELATIONS[first, second]
            scaled = (correlation * grid - limits[second]) / np.sqrt(1 - correlation**2)
            expected = np.trapezoid(density * np.array([normal.cdf(value) for value in scaled]), grid)
            observed = (many.attributes[:, first] & many.attributes[:, second]).mean()
            error = 4.5 * np.sqrt(expected * (1 - expected) / len(many)) + 1e-4
            assert abs(observed - expected) < error, (ATTRIBUTE_NAMES[first], ATTRIBUTE_NAMES[second])


def test_correlations_are_a_correlation_matrix():
    np.testing.assert_allclose(CORRELATIONS, CORRELATIONS.T, atol=1e-12)
    np.testing.assert_array_equal(np.diag(CORRELATIONS), 1)
    assert np.linalg.eigvalsh(CORRELATIONS).min() > 0.02


def assert_consistent(faces):
    get = faces.attribute
    colours = sum(get(name).astype(int) for name in ("Black_Hair", "Blond_Hair", "Brown_Hair", "Gray_Hair"))
    np.testing.assert_array_equal(colours, 1 - get("Bald"))
    for kind in ("Goatee", "Mustache", "5_o_Clock_Shadow"):
        assert not (get(kind) & get("No_Beard")).any()
    assert (get("No_Beard") | get("Male")).all()
    for hair in ("Bangs", "Receding_Hairline", "Wavy_Hair", "Straight_Hair"):
        assert not (get(hair) & get("Bald")).any()
    assert not (get("Wavy_Hair") & get("Straight_Hair")).any()
    assert not (get("Wearing_Hat") & (get("Bald") | get("Bangs") | get("Receding_Hairline"))).any()


def test_drawn_attributes_are_consistent(many):
    assert_consistent(many)


# Hair without another colour is brown, so that setting `Brown_Hair` to False has no effect on it.
@pytest.mark.parametrize(
    ("name", "value"),
    [
        (name, value)
        for name in ATTRIBUTE_NAMES
        for value in (True, False)
        if (name, value) != ("Brown_Hair", False)
    ],
)
def test_setting_an_attribute_keeps_the_rules_and_the_factors(many, name, value):
    faces = many[:500]
    changed = faces.with_attribute(name, value)
    assert (changed.attribute(name) == value).all()
    assert_consistent(changed)
    np.testing.assert_array_equal(changed.factors, faces.factors)
    np.testing.assert_array_equal(changed.textures, faces.textures)


# Rows and columns, in sixty-fourths of the image, that contain most of the change of an attribute.
REGIONS = {
    "Eyeglasses": (22, 44, 8, 56),
    "Narrow_Eyes": (24, 42, 14, 50),
    "Bags_Under_Eyes": (26, 44, 14, 50),
    "Bushy_Eyebrows": (20, 36, 12, 52),
    "Arched_Eyebrows": (20, 36, 12, 52),
    "Smiling": (28, 62, 10, 54),
    "Mouth_Slightly_Open": (40, 58, 18, 46),
    "Wearing_Lipstick": (40, 58, 18, 46),
    "Big_Lips": (40, 58, 18, 46),
    "Big_Nose": (24, 48, 18, 46),
    "Rosy_Cheeks": (26, 52, 8, 56),
    "Bangs": (0, 34, 8, 56),
    "Wearing_Hat": (0, 40, 0, 64),
    "Receding_Hairline": (4, 32, 8, 56),
}


@pytest.mark.parametrize("name", REGIONS)
def test_an_attribute_changes_its_part_of_the_face(frontal, name):
    on, off = (render(frontal.with_attribute(name, value), 64).astype(np.float32) for value in (True, False))
    change = np.abs(on - off).sum(3)
    top, bottom, left, right = REGIONS[name]
    inside = change[:, top:bottom, left:right].sum((1, 2))
    assert (inside > 300).all()
    assert (inside > 0.9 * change.sum((1, 2))).all()


def test_turning_moves_the_nose(frontal):
    left, right = (render(frontal.with_factor("turn", turn), 64).astype(np.float32) for turn in (-20, 20))
    assert (np.abs(left - right).mean((1, 2, 3)) > 5).all()


def test_no_two_of_500_faces_are_close():
    pixels = render(sample_faces(500, seed=0), 32).reshape(500, -1).astype(np.float64)
    squares = (pixels**2).sum(1)
    distances = np.sqrt(np.maximum(squares[:, None] + squares - 2 * pixels @ pixels.T, 0) / pixels.shape[1])
    np.fill_diagonal(distances, np.inf)
    assert distances.min() > 12


def test_processes_draw_what_render_draws(tmp_path):
    """Called from a script without a main guard, as notebooks and small scripts are."""
    script = tmp_path / "script.py"
    script.write_text(
        "from facevae.synthetic_faces.drawing import draw_in_processes\n"
        "print(sum(len(picture) for picture in draw_in_processes(5, 21, 0, 32)))\n"
    )
    result = subprocess.run([sys.executable, script], capture_output=True, text=True, check=True)
    assert int(result.stdout) == sum(len(picture) for picture in draw_in_processes(5, 21, 0, 32))
    assert not result.stderr


def test_a_drawing_process_that_fails_raises():
    with pytest.raises(RuntimeError, match="ended early"):
        list(draw_in_processes(0, 3, 0, image_size=8))


def test_drawing_needs_no_tensorflow():
    code = (
        "import sys; from facevae.synthetic_faces import render, sample_faces; render(sample_faces(1), 32);"
        "assert not {'tensorflow', 'keras', 'tensorflow_datasets'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_the_builder_prepares_and_reads_back(tmp_path):
    sizes = {"train": 9, "validation": 3, "test": 2}
    builder = builder_for(32, tmp_path, split_sizes=sizes)
    builder.download_and_prepare()
    faces = sample_faces(14)
    images = render(faces, 32)
    first = 0
    for split, count in sizes.items():
        examples = list(builder.as_dataset(split=split).as_numpy_iterator())
        assert len(examples) == count
        for row, example in enumerate(examples, start=first):
            np.testing.assert_array_equal(example["image"], images[row])
            assert list(example["attributes"]) == sorted(ATTRIBUTE_NAMES)
            for name in ATTRIBUTE_NAMES:
                assert example["attributes"][name] == faces.attribute(name)[row]
            for name in FACTOR_NAMES:
                assert example["factors"][name] == faces.factor(name)[row]
        first += count


def test_the_builder_takes_any_size_and_keeps_three_splits(tmp_path):
    builder = builder_for(48, tmp_path)
    assert builder.info.features["image"].shape == (48, 48, 3)
    assert builder.builder_config.split_sizes == {"train": 8000, "validation": 1000, "test": 1000}


def test_no_feature_is_cut_off_where_it_is_painted(monkeypatch):
    """Features are painted inside boxes of the image; painting them on all of it gives the same faces."""
    faces = sample_faces(120, seed=3)
    faces = faces.with_factor("turn", np.copysign(28, faces.factor("turn")))
    boxed = render(faces, 64).astype(int)

    def everything(view, *_):
        return (slice(None), slice(None), slice(0, view.x.shape[2]), slice(0, view.x.shape[3]))

    monkeypatch.setattr(View, "box", everything)
    assert np.abs(render(faces, 64) - boxed).max() <= 3


def test_everything_is_drawn_in_float32():
    """A float64 array among them would double the time."""
    face = Face(sample_faces(3))
    view = view_of(face, 32)
    hair = lay_out_hair(face, view)
    measures = [value for value in vars(face).values() if isinstance(value, np.ndarray)]
    planes = [
        value for part in (view, hair) for value in vars(part).values() if isinstance(value, np.ndarray)
    ]
    planes += [*view.normal, relief(face, view), skin_colour(face, view), paint_background(face, view)]
    assert {array.dtype for array in measures + planes} == {np.dtype(np.float32)}
