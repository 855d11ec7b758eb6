"""Faces of photographs for training, on the project's own faces."""

import json
import pathlib
import shutil

import drawings
import matplotlib.cbook
import numpy as np
import pytest
import sklearn
from face_photographs import straight_faces
from PIL import Image
from places import BENCHMARKS

from facevae.configuration.config import Config
from facevae.data import aligning, alignment, decoding, prepare
from facevae.data.aligning import are_aligned, read_faces
from facevae.data.images import BadPictureError
from facevae.errors import UserError
from facevae.synthetic_faces import render


@pytest.fixture(scope="module")
def faces():
    return render(straight_faces(12), 192)


@pytest.fixture
def composites(monkeypatch):
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    import face_composites

    return face_composites


@pytest.fixture
def snapshots(composites, faces, tmp_path):
    """A folder of 10 photographs with one face, one with two, and two without."""
    folder, random = tmp_path / "snapshots", np.random.default_rng(0)
    folder.mkdir()
    for number, face in enumerate(faces[:10]):
        made = composites.composite(face, random, random.uniform(0.7, 1.4), (480, 360))
        Image.fromarray(made.pixels).save(folder / f"{number}.png")
    Image.fromarray(composites.several(faces[10:], random, 1.0, (480, 360))).save(folder / "pair.png")
    for name in ("sea", "wall"):
        Image.fromarray(composites.texture(random, (480, 360))).save(folder / f"{name}.png")
    return folder


def every_name(dataset):
    return sorted(name for split in dataset.splits.values() for name in split.names(slice(None)))


def test_unaligned_faces_are_found_and_put_where_celeba_has_them(snapshots, tmp_path, capsys):
    dataset = prepare(snapshots, cache_dir=tmp_path / "cache", align="auto")
    printed = capsys.readouterr().out
    assert "11 of 13 sampled pictures have a face, their eyes in many places" in printed
    assert "10 pictures with one face and 1 with several; 2 have no good face" in printed
    assert dataset.found == {"none": 2, "one": 10, "several": 1, "left_out": 0}
    assert every_name(dataset) == sorted([*(f"{n}.png" for n in range(10)), "pair.png", "pair.png#2"])
    assert dataset.left_out == dict.fromkeys(("sea.png", "wall.png"), aligning.NO_FACE)
    wanted = alignment.training_frame("", "square", 64).seen_eyes
    finder = aligning.shared_finder()
    for pixels in dataset.train.images(slice(None)):
        (found,) = finder.find(
            np.asarray(Image.fromarray(pixels).resize((256, 256), Image.Resampling.BICUBIC))
        )
        np.testing.assert_allclose(np.array(found.eyes) / 4, wanted, atol=2.0)


def test_a_decision_is_kept_with_the_faces_and_made_again_when_they_change(snapshots, tmp_path, monkeypatch):
    first = prepare(snapshots, cache_dir=tmp_path / "cache", align="auto")
    monkeypatch.setattr(aligning, "shared_finder", None)
    assert prepare(snapshots, cache_dir=tmp_path / "cache", align="auto").folder == first.folder
    (snapshots / "9.png").unlink()
    with pytest.raises(TypeError):
        prepare(snapshots, cache_dir=tmp_path / "cache", align="auto")


def test_on_and_off_are_obeyed_and_the_largest_face_alone_can_be_taken(snapshots, tmp_path):
    off = prepare(snapshots, cache_dir=tmp_path / "cache", align="off")
    assert off.found is None
    assert len(every_name(off)) == 13
    largest = prepare(snapshots, cache_dir=tmp_path / "cache", align="on", faces="largest")
    assert "pair.png#2" not in every_name(largest)
    assert len(every_name(largest)) == 11


def test_aligned_pictures_and_pictures_without_faces_are_taken_as_they_are(
    composites, faces, tmp_path, capsys
):
    aligned = tmp_path / "aligned"
    aligned.mkdir()
    for number, face in enumerate(faces):
        Image.fromarray(face).save(aligned / f"{number}.png")
    assert prepare(aligned, cache_dir=tmp_path / "cache", align="auto").found is None
    assert "12 of 12 sampled pictures have a face, their eyes in one place" in capsys.readouterr().out
    textures = tmp_path / "textures"
    textures.mkdir()
    for number in range(6):
        pixels = composites.texture(np.random.default_rng(number), (120, 90))
        Image.fromarray(pixels).save(textures / f"{number}.png")
    assert prepare(textures, cache_dir=tmp_path / "cache", align="auto").found is None
    assert "0 of 6 sampled pictures have a face. --align on" in capsys.readouterr().out
    with pytest.raises(UserError, match=r"received 6 without a good face\. .*--align off"):
        prepare(textures, cache_dir=tmp_path / "cache", align="on")


def test_of_pictures_with_a_table_the_largest_face_has_the_attributes(snapshots, tmp_path):
    rows = [f"{path.name},1" for path in sorted(snapshots.glob("*.png"))]
    (snapshots / "list_attr_celeba.csv").write_text("\n".join(["image_id,Smiling", *rows]) + "\n")
    dataset = prepare(snapshots, cache_dir=tmp_path / "cache", align="on")
    assert len(every_name(dataset)) == 11
    assert dataset.attribute_names == ("Smiling",)
    assert dataset.train.attributes(slice(None)).min() == 1


def test_processes_find_the_same_faces(snapshots, monkeypatch):
    paths = sorted(str(path) for path in snapshots.glob("*.png"))
    alone = list(decoding.decode_faces(paths, "square", 32, 0, "each"))
    monkeypatch.setattr(decoding, "usable_cores", lambda: 2)
    several = list(decoding.decode_faces(paths, "square", 32, 1000, "each"))
    for one, other in zip(alone, several, strict=True):
        if isinstance(one, str):
            assert other == one
        else:
            np.testing.assert_array_equal(other.faces, one.faces)
            assert other.left_out == one.left_out


def test_faces_that_are_too_small_for_the_training_images_are_left_out(composites, faces, tmp_path):
    small = composites.composite(faces[0], np.random.default_rng(0), 0.35, (320, 240)).pixels
    Image.fromarray(small).save(tmp_path / "small.png")
    assert read_faces(str(tmp_path / "small.png"), "square", 32, "each").faces.shape == (1, 32, 32, 3)
    with pytest.raises(BadPictureError, match="the largest is tiny"):
        read_faces(str(tmp_path / "small.png"), "square", 256, "each")


@pytest.fixture
def file_of(tmp_path):
    """A function that saves a picture and returns its path."""

    def save(picture, name="picture.png", **options):
        image = picture if isinstance(picture, Image.Image) else Image.fromarray(picture)
        image.save(tmp_path / name, **options)
        return str(tmp_path / name)

    return save


@pytest.mark.parametrize("picture", [drawings.house, drawings.cat, lambda: Image.new("RGB", (640, 480))])
def test_in_a_drawing_an_animal_and_black_there_is_no_face(file_of, picture):
    with pytest.raises(BadPictureError, match=aligning.NO_FACE):
        read_faces(file_of(picture()), "square", 64, "each")


@pytest.mark.parametrize("name", ["china.jpg", "flower.jpg"])
def test_in_photographs_of_other_things_there_is_no_face(name):
    """Photographs that scikit-learn brings: a temple and a flower."""
    path = pathlib.Path(sklearn.__file__).parent / "datasets" / "images" / name
    with pytest.raises(BadPictureError, match=aligning.NO_FACE):
        read_faces(str(path), "square", 64, "each")


def test_in_a_portrait_the_face_alone_is_found():
    """Grace Hopper in uniform before a flag, a photograph that Matplotlib brings."""
    path = matplotlib.cbook.get_sample_data("grace_hopper.jpg", asfileobj=False)
    found = read_faces(str(path), "square", 64, "each")
    assert found.faces.shape == (1, 64, 64, 3)
    assert found.left_out == 0


def test_of_a_group_each_face_is_taken_or_the_largest(composites, faces, file_of):
    pixels = composites.texture(np.random.default_rng(1), (900, 320))
    for place, scale in ((10, 0.8), (250, 1.5), (640, 1.1)):
        pixels = composites.paste(pixels, faces[place % 7], complex(scale), complex(place, 10))
    path = file_of(pixels)
    each, largest = (read_faces(path, "square", 64, taken) for taken in ("each", "largest"))
    assert len(each.faces) == 3
    np.testing.assert_array_equal(largest.faces, each.faces[:1])
    frame = alignment.training_frame("", "square", 64)
    eyes = tuple((250 + 288 * x, 10 + 288 * y) for x, y in alignment.SYNTHETIC.seen_eyes)
    expected = alignment.align_found(pixels, eyes, frame, 64).astype(int)
    assert np.abs(largest.faces[0] - expected).mean() < 12.0


@pytest.mark.parametrize("kind", ["at the border", "turned by its tag", "of 50 megapixels"])
def test_a_face_comes_out_as_from_a_plain_photograph(composites, faces, file_of, kind):
    plain = np.asarray(Image.fromarray(faces[3]).resize((384, 384), Image.Resampling.BICUBIC))
    expected = read_faces(file_of(plain), "square", 64, "each").faces[0].astype(int)
    columns = slice(None)
    if kind == "at the border":
        path, columns = (
            file_of(plain[:, 70:], "cut.png"),
            slice(20, None),
        )  # the left of the crop is beyond the border
    elif kind == "turned by its tag":
        exif = Image.Exif()
        exif[0x0112] = 6
        turned = Image.fromarray(plain).transpose(Image.Transpose.ROTATE_90)
        path = file_of(turned, "turned.jpg", exif=exif, quality=95)
    else:
        large = Image.new("RGB", (8640, 5760), (90, 110, 130))
        large.paste(Image.fromarray(plain).resize((3840, 3840), Image.Resampling.BICUBIC), (3100, 1100))
        path = file_of(large, "large.jpg", quality=90)
    (found,) = read_faces(path, "square", 64, "each").faces
    assert np.abs(found[:, columns] - expected[:, columns]).mean() < 10.0
    assert (
        np.abs(found[:, ::-1][:, columns] - expected[:, columns]).mean() > 10.0
    )  # a mirrored face is another one


def test_eyes_are_aligned_where_they_lie_close_together_and_far_enough_apart():
    random = np.random.default_rng(0)
    places = np.array([0.39 + 0.6j, 0.61 + 0.6j])
    near = [places + random.normal(0, 0.01, 2) + 1j * random.normal(0, 0.01, 2) for _ in range(40)]
    assert are_aligned(near)
    assert not are_aligned([place + random.normal(0, 0.1) for place in near])
    assert not are_aligned([0.5 * place for place in near])  # the eyes are a tenth of the side apart


def test_a_run_of_version_0_1_took_pictures_as_they_are():
    saved = {name: value for name, value in Config().to_dict().items() if name not in ("align", "faces")}
    assert Config.from_dict(saved).align == "off"
    assert Config.from_dict(json.loads(json.dumps(Config(align="on").to_dict()))).align == "on"


def test_damaged_records_are_made_again_as_decided(snapshots, tmp_path):
    first = prepare(snapshots, cache_dir=tmp_path / "cache", align="auto")
    (first.folder / "index.json").write_text("{")
    again = prepare(snapshots, cache_dir=tmp_path / "cache", align="auto")
    assert again.found == first.found
    shutil.rmtree(first.folder)
