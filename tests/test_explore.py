import dataclasses
import shutil
import subprocess
import sys

import keras
import numpy as np
import pytest
from face_photographs import photograph, straight_faces
from failing_disks import read_only
from PIL import Image
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

import explore
import facevae
from callbacks import (
    InterpolationPictures,
    ReconstructionPictures,
    SharedEncoding,
    TraversalPictures,
)
from facevae import figures
from facevae.configuration.config import Config
from facevae.data import FaceDataset, Records, preparation
from facevae.errors import UserError
from facevae.exploration import Exploration
from facevae.model import VAE, density
from facevae.run.opened_run import OpenedRun
from facevae.run.run_folder import RunFolder
from facevae.synthetic_faces import render


def make_run(path, dataset):
    """A run folder with a small untrained model."""
    keras.utils.set_random_seed(0)
    model = VAE(image_size=32, latent_dim=8, width=8, density_components=2)
    latents = np.asarray(model.encode(dataset.train.images(slice(None)))[0])
    model.density = density.fit(latents, 2)
    run = RunFolder(path)
    run.save(Config(image_size=32, latent_dim=8, width=8, density_components=2))
    run.network("last").parent.mkdir(parents=True)
    model.save(run.network("last"))
    return run


@pytest.fixture(scope="module")
def made_once(tmp_path_factory):
    return tmp_path_factory.mktemp("runs") / "run"


@pytest.fixture
def run(made_once, tmp_path, blob_dataset, monkeypatch):
    monkeypatch.setattr(preparation, "prepare_for", lambda *arguments: blob_dataset)
    if not made_once.exists():
        make_run(made_once, blob_dataset)
    shutil.copytree(made_once, tmp_path / "run")
    return RunFolder(tmp_path / "run")


def pictures_in_tensorboard(run):
    events = EventAccumulator(str(run.logs / "explore"), size_guidance={"tensors": 0})
    events.Reload()
    return {tag: [event.step for event in events.Tensors(tag)] for tag in events.Tags()["tensors"]}


@pytest.mark.parametrize(
    ("command", "files"),
    [
        (["reconstruct", "--count", "12"], ["reconstructions-count-12.png"]),
        (["generate", "--count", "3", "--temperature", "0.5"], ["generated-count-3-temperature-0.5.png"]),
        (
            ["latents", "--count", "30"],
            [f"latent_{what}-count-30.png" for what in ("dimensions", "map", "map_faces", "map_attributes")],
        ),
        (
            ["edit", "2", "--attribute", "smiling", "--strength", "-3:3:7"],
            ["edit_2_Smiling-strength--3_3_7.png"],
        ),
        (["edit", "2"], ["attributes_2.png"]),
        (["morph", "0", "1", "2", "--steps", "3"], ["morph_0_1_2-steps-3.png", "morph_0_1_2.webp"]),
        (["traverse", "--count", "4"], ["traversal-count-4.png"]),
        (["neighbours", "--count", "2"], ["neighbours-count-2.png"]),
        (["neighbours", "2"], ["neighbours_2.png"]),
    ],
)
def test_each_command_writes_its_picture_shows_it_in_tensorboard_and_prints_its_path(
    run, capsys, command, files
):
    explore.main([str(run.path), *command])
    printed = capsys.readouterr().out
    tags = pictures_in_tensorboard(run)
    for name in files:
        path = run.figures / name
        with Image.open(path) as picture:
            assert min(picture.size) > 60
        assert str(path) in printed
        if name.endswith(".png"):
            assert any(path.stem.startswith(tag.removeprefix("explore/")) for tag in tags)


def test_a_run_away_from_its_data_still_generates_and_traverses(run, monkeypatch):
    def unreachable(*arguments):
        raise UserError("data: no such folder")

    assert len(OpenedRun(run.path).training_encodings.mean) == 48  # as training leaves them in the run folder
    monkeypatch.setattr(preparation, "prepare_for", unreachable)
    explore.main([str(run.path), "generate", "--count", "2"])
    explore.main([str(run.path), "traverse", "--count", "2"])
    assert (run.figures / "traversal-count-2.png").exists()
    with pytest.raises(UserError, match="no such folder"):
        explore.main([str(run.path), "reconstruct"])


def test_pictures_go_to_another_folder_and_replace_nothing_there(run, tmp_path, capsys):
    folder = tmp_path / "mine"
    folder.mkdir()
    (folder / "morph_0_1.webp").write_text("years of work")
    with read_only(run.path):
        before = sorted(run.path.rglob("*"))
        for _ in range(2):
            explore.main([str(run.path), "morph", "0", "1", "--steps", "3", "--output-dir", str(folder)])
        assert sorted(run.path.rglob("*")) == before
    assert sorted(path.name for path in folder.iterdir()) == [
        *("morph_0_1-2.webp", "morph_0_1-3.webp", "morph_0_1-steps-3-2.png", "morph_0_1-steps-3.png"),
        "morph_0_1.webp",
    ]
    assert (folder / "morph_0_1.webp").read_text() == "years of work"
    assert str(folder / "morph_0_1-3.webp") in capsys.readouterr().out


def test_a_run_that_cannot_be_written_shows_what_was_measured_and_then_says_so(run, capsys):
    with (
        read_only(run.path),
        pytest.raises(UserError, match=r"reconstructions-count-4\.png.*\(Permission denied\).*--output-dir"),
    ):
        explore.main([str(run.path), "reconstruct", "--count", "4"])
    assert "Mean squared error" in capsys.readouterr().out


def test_a_folder_among_the_faces_or_one_that_cannot_be_made_is_refused_before_the_work(
    run, folder, monkeypatch
):
    monkeypatch.setattr(Exploration, "__init__", None)
    (folder.parent / "file").touch()
    for place, message in (
        (folder / "drawn", "outside the faces"),
        (folder.parent / "file", "cannot be written"),
    ):
        with pytest.raises(UserError, match=message):
            explore.main([str(run.path), "--data", str(folder), "--output-dir", str(place), "generate"])


def test_a_second_picture_of_a_kind_stands_beside_the_first_in_tensorboard(run):
    for seed in ("1", "2"):
        explore.main([str(run.path), "generate", "--count", "2", "--seed", seed])
    assert pictures_in_tensorboard(run) == {"explore/generated": [0, 1]}


def test_the_strip_of_edits_has_the_unedited_face_at_strength_zero(run, blob_dataset, monkeypatch):
    shown = {}
    remember = lambda original, edited, *a, **k: shown.update(images=[original, *edited])  # noqa: E731
    monkeypatch.setattr("facevae.figures.attribute_edit_grid", remember)
    monkeypatch.setattr(Exploration, "show", lambda *arguments: None)
    explore.main([str(run.path), "edit", "3", "--attribute", "Young", "--strength", "-1:1:3"])
    original, less, same, more = shown["images"]
    explored = Exploration(OpenedRun(run.path))
    face = blob_dataset.test.images(np.array([3]))
    np.testing.assert_allclose(original / 255.0, face[0] / 255.0)
    latent = explored.encode(face)
    direction = explored.opened.attributes.directions[1]
    np.testing.assert_allclose(same, explored.model.decode_all(latent)[0], atol=1e-5)
    np.testing.assert_allclose(less, explored.model.decode_all(latent - direction)[0], atol=1e-5)
    np.testing.assert_allclose(more, explored.model.decode_all(latent + direction)[0], atol=1e-5)


def test_an_attribute_that_the_model_cannot_change_is_refused_with_those_that_it_can(run, monkeypatch):
    attributes = OpenedRun(run.path).attributes
    only_young = dataclasses.replace(attributes, offered=np.array([False, True]))
    monkeypatch.setattr(OpenedRun, "attributes", only_young)
    with pytest.raises(UserError, match=r"cannot change Smiling.*the clearest first: Young"):
        explore.main([str(run.path), "edit", "3", "--attribute", "smiling"])
    shown = {}
    monkeypatch.setattr("facevae.figures.attribute_sheet", lambda *a: shown.update(names=a[3]))
    monkeypatch.setattr(Exploration, "show", lambda *arguments: None)
    explore.main([str(run.path), "edit", "3"])
    assert shown["names"] == ["Young"]


def test_faces_are_asked_for_by_attribute(run, monkeypatch):
    asked = {}

    def remember(attributes, wanted, count, seed, draw):
        asked.update(wanted=dict(wanted), names=attributes.names)
        return draw(count, seed)

    monkeypatch.setattr("facevae.editing.drawing.draw_latents", remember)
    explore.main(
        [str(run.path), "generate", "--count", "2", "--attribute", "smiling", "--attribute", "no_Young"]
    )
    assert asked == {"wanted": {"Smiling": True, "Young": False}, "names": ("Smiling", "Young")}
    assert (run.figures / "generated_smiling_no_Young-count-2.png").exists()
    faces = facevae.load(run.path).sample(3, attributes={"Young": True})
    assert faces.shape == (3, 32, 32, 3)
    assert asked["wanted"] == {"Young": True}


def test_a_model_of_no_run_knows_no_attributes():
    with pytest.raises(UserError, match=r"knows of no attributes.*facevae\.load"):
        VAE(image_size=32, latent_dim=8, width=8).sample(1, attributes={"Smiling": True})


@pytest.fixture
def drawn(run, blob_dataset, tmp_path, monkeypatch):
    """A function that gives the faces that a callback draws, and those that a command draws, of the same faces."""
    dataset = dataclasses.replace(blob_dataset, test=blob_dataset.train)
    monkeypatch.setattr(preparation, "prepare_for", lambda *arguments: dataset)
    model = OpenedRun(run.path).model
    for variable in model.trainable_variables:
        variable.assign(1.5 * variable)  # untrained as it is, its encoder would use no dimension
    model.save(run.network("last"))
    monkeypatch.setattr(Exploration, "show", lambda *arguments: None)
    monkeypatch.setattr(Exploration, "show_animation", lambda *arguments: None)
    faces_drawn = []

    def remember(*given, **options):
        faces_drawn.append([figures.as_bytes(x).astype(int) for x in given if np.ndim(x) == 4])
        return np.zeros((8, 8, 3), np.uint8)

    def draw(kind, card, grid, command, **options):
        split = dataset.train
        faces = SharedEncoding(
            split.images(slice(None)), split.attributes(slice(None)), dataset.attribute_names
        )
        monkeypatch.setattr(f"{kind.__module__}.{card}", remember)
        monkeypatch.setattr(f"facevae.figures.{grid}", remember)
        callback = kind(faces, tmp_path / "logs", **options)
        callback.set_model(model)
        callback.on_train_begin()
        callback.on_epoch_begin(0)
        callback.on_epoch_end(0)
        callback.on_train_end()
        explore.main([str(run.path), *command])
        of_callback, of_command = faces_drawn
        return of_callback, of_command

    return draw


def test_a_command_reconstructs_what_the_callback_reconstructs(drawn):
    of_callback, of_command = drawn(
        ReconstructionPictures,
        "reconstruction_card",
        "reconstruction_grid",
        ["reconstruct", *map(str, range(10))],
        count=10,
    )
    for one, other in zip(of_command, of_callback, strict=True):  # a graph rounds otherwise than eager mode
        np.testing.assert_allclose(one, other, atol=1)
    assert np.ptp(of_callback[1], axis=(0, 1, 2)).max() > 10  # faces, not grey squares


def test_a_command_traverses_what_the_callback_traverses(drawn):
    (of_callback,), (of_command,) = drawn(
        TraversalPictures, "traversal_card", "traversal_grid", ["traverse", "--count", "4"], dimensions=4
    )
    # Both go from 3 standard deviations below the mean to 3 above, in five steps and in seven.
    rows = of_callback.reshape(4, 5, 32, 32, 3), of_command.reshape(4, 7, 32, 32, 3)
    np.testing.assert_allclose(rows[1][:, [0, 3, 6]], rows[0][:, [0, 2, 4]], atol=1)
    assert np.ptp(of_callback, axis=(0, 1, 2)).max() > 10


def test_a_morph_begins_with_the_rows_of_the_interpolations(drawn):
    (of_callback,), (_, of_command, _) = drawn(
        InterpolationPictures,
        "interpolation_card",
        "interpolation_grid",
        ["morph", "0", "1", "--steps", "5"],
        pairs=1,
    )
    np.testing.assert_allclose(of_command[:5], of_callback, atol=1)


def test_photographs_are_aligned_where_positions_are_given_and_said_to_be_cropped_where_not(
    run, tmp_path, capsys
):
    photo = tmp_path / "me.jpg"
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (90, 120, 3), dtype=np.uint8)).save(photo)
    explore.main([str(run.path), "reconstruct", str(photo)])
    assert "me.jpg: no face found; centre crop, not aligned" in capsys.readouterr().out
    explore.main([str(run.path), "reconstruct", str(photo), "--eyes", "50,40,70,41"])
    assert "me.jpg: aligned by its eyes" in capsys.readouterr().out
    explore.main([str(run.path), "morph", "1", str(photo), "--box", "40,20,40,60"])
    assert "me.jpg: aligned by the box" in capsys.readouterr().out


def test_a_file_with_celebas_size_is_cropped_as_training_cropped(run, tmp_path):
    pixels = np.random.default_rng(0).integers(0, 256, (218, 178, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(tmp_path / "aligned.png")
    photograph = Exploration(OpenedRun(run.path)).photograph(tmp_path / "aligned.png")
    assert "CelebA" in photograph.note
    assert photograph.framed.shape == (32, 32, 3)


@pytest.fixture
def group(tmp_path):
    """A photograph of two synthetic faces, the smaller one on the left."""
    faces = [Image.fromarray(face) for face in render(straight_faces(2, seed=4), 256)]
    picture = Image.new("RGB", (520, 300), (90, 110, 130))
    picture.paste(faces[0].resize((170, 170)), (20, 60))
    picture.paste(faces[1], (230, 20))
    picture.save(tmp_path / "group.png")
    return tmp_path / "group.png"


def test_faces_are_found_the_largest_first_and_another_by_its_number(run, group, capsys):
    explored = Exploration(OpenedRun(run.path))
    largest, second = (explored.photograph(group, number=number) for number in (None, 2))
    assert largest.note == "face 1 of the 2 that was found in it, aligned"
    assert [face.centre.real > 230 for face in largest.found] == [True, False]
    by_eyes = explored.photograph(group, eyes=second.found[1].eyes).framed.astype(float)
    assert (
        np.abs(second.framed - by_eyes).mean()
        < 0.5 * np.abs(second.framed - largest.framed.astype(float)).mean()
    )
    capsys.readouterr()
    explore.main([str(run.path), "reconstruct", str(group), "--face", "2"])
    printed = capsys.readouterr().out
    assert "group.png: 2 faces, numbered from the largest" in printed
    assert "group.png: face 2 of the 2 that was found in it" in printed
    assert {path.name for path in run.figures.iterdir()} >= {
        *("faces_group.png", "photograph_group-face-2.png", "reconstructions_group-face-2.png"),
    }
    explore.main([str(run.path), "morph", "1", str(group)])
    with pytest.raises(UserError, match=r"--face: expected a number from 1 to 2, .*group.png'; received 3"):
        explore.main([str(run.path), "edit", str(group), "--face", "3"])


def test_neighbours_of_a_photograph_are_those_of_its_aligned_face(
    run, group, blob_dataset, monkeypatch, capsys
):
    shown = {}
    monkeypatch.setattr(
        "facevae.figures.neighbour_grid",
        lambda faces, neighbours, distances, *texts: shown.update(
            faces=faces, neighbours=neighbours, distances=distances, texts=texts
        ),
    )
    monkeypatch.setattr(Exploration, "show", lambda *arguments: None)
    explored = Exploration(OpenedRun(run.path))
    second = explored.photograph(group, number=2)
    train = blob_dataset.train.images(slice(None))
    for given in (["--face", "2"], ["--eyes", "50,120,150,121"]):
        explore.main([str(run.path), "neighbours", str(group), "3", *given])
        printed = capsys.readouterr().out
        assert len(shown["faces"]) == 2
        np.testing.assert_array_equal(shown["faces"][1], blob_dataset.test.images(np.array([3]))[0])
        pixels = shown["faces"] / 255.0
        both = [
            ((pixels[:, None] - views / 255.0) ** 2).mean(axis=(2, 3, 4))
            for views in (train, train[:, :, ::-1])
        ]
        distances = np.sqrt(np.minimum(*both))
        nearest = np.argsort(distances, axis=1)[:, :6]
        np.testing.assert_array_equal(shown["neighbours"].reshape(2, 6, 32, 32, 3), train[nearest])
        np.testing.assert_allclose(shown["distances"], distances.min(axis=1), rtol=1e-4)
        assert "Given faces and their nearest training faces: median distance" in printed
        assert "nearest training face of 16 test faces: median" in printed
        assert shown["texts"][-1] == "given"
        if "--face" in given:
            np.testing.assert_array_equal(shown["faces"][0], second.framed)
            assert "group.png: face 2 of the 2 that was found in it, aligned" in printed
        else:
            assert "group.png: aligned by its eyes" in printed


def test_a_face_is_not_sought_in_vain_without_a_word(run, tmp_path):
    Image.new("RGB", (80, 60)).save(tmp_path / "black.png")
    with pytest.raises(UserError, match=r"--face: expected a photograph with a face, found none in .*--eyes"):
        explore.main([str(run.path), "reconstruct", str(tmp_path / "black.png"), "--face", "1"])


# ---------------------------------------------------------------------------------------------------------
# Mistakes
# ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("command", "message"),
    [
        (["edit", "0", "--attribute", "Smilling"], r"received 'Smilling'\. Did you mean Smiling\?"),
        (["edit", "16"], r"face: expected a face of the test split, a number from 0 to 15; received 16"),
        (
            ["reconstruct", "nobody.jpg"],
            r"'nobody.jpg': expected a picture file or the number .* no such file",
        ),
        (
            ["reconstruct", "--count", "17"],
            r"--count: expected 1 to 16, because there are 16 faces in the test split; received 17",
        ),
        (
            ["latents", "--count", "49"],
            r"--count: expected 20 to 48, because there are 48 encoded training faces; received 49",
        ),
        (["latents", "--count", "5"], r"expected 20 to 48, .*; received 5\. Give a number in this range"),
        (["latents", "--attribute", "Old"], r"expected one of Smiling, Young; received 'Old'"),
        (["traverse", "--count", "9"], r"expected 1 to 8, because there are 8 latent dimensions; received 9"),
        (
            ["morph", "0", "1", "--eyes", "1,1,9,9"],
            r"--eyes: expected one for each of the 0 picture files, received 1",
        ),
    ],
)
def test_mistakes_are_named_with_what_to_do(run, command, message):
    with pytest.raises(UserError, match=message):
        explore.main([str(run.path), *command])
    assert not run.figures.exists()


def test_defaults_fit_a_run_of_few_faces_and_latent_dimensions(tmp_path, blob_dataset, monkeypatch, capsys):
    split = blob_dataset.train
    few = Records(split.images(slice(10)), None, split.names(slice(10)), np.arange(10))
    dataset = dataclasses.replace(blob_dataset, train=few, test=few, attribute_names=())
    monkeypatch.setattr(preparation, "prepare_for", lambda *arguments: dataset)
    run = make_run(tmp_path / "run", dataset)
    for command in ("reconstruct", "traverse", "latents", "neighbours"):
        explore.main([str(run.path), command])
    assert "No map: it takes at least 20 encoded training faces, the run has 10." in capsys.readouterr().out
    drawn = {"reconstructions.png", "traversal.png", "latent_dimensions.png", "neighbours.png"}
    assert {path.name for path in run.figures.iterdir()} == drawn
    with pytest.raises(
        UserError, match="--count: expected 1 to 10, because there are 10 faces in the test split"
    ):
        explore.main([str(run.path), "reconstruct", "--count", "11"])


def test_a_file_that_is_no_picture_is_named(run, tmp_path):
    (tmp_path / "notes.jpg").write_text("no picture")
    with pytest.raises(
        UserError, match=r"notes.jpg': expected a picture with a face: not a picture of a known kind"
    ):
        explore.main([str(run.path), "reconstruct", str(tmp_path / "notes.jpg")])


def test_an_attribute_whose_name_is_a_path_writes_into_the_run_folder_alone(
    run, tmp_path, blob_dataset, monkeypatch
):
    names = (f"../../../{tmp_path.name}", f"/{tmp_path}/outside")
    hostile = dataclasses.replace(blob_dataset, attribute_names=names)
    monkeypatch.setattr(preparation, "prepare_for", lambda *arguments: hostile)
    before = {path for path in tmp_path.rglob("*") if run.path not in path.parents}
    for name in names:
        explore.main([str(run.path), "edit", "1", "--attribute", name])
    assert {path for path in tmp_path.rglob("*") if run.path not in path.parents} == before
    assert len(list(run.figures.iterdir())) == 2


def test_a_run_without_attributes_says_so_and_draws_the_rest(tmp_path, blob_dataset, monkeypatch, capsys):
    splits = [
        Records(split.images(slice(None)), None, split.names(slice(None)), np.arange(len(split)))
        for split in (blob_dataset.train, blob_dataset.validation, blob_dataset.test)
    ]
    bare = FaceDataset("bare", 32, (), *splits, left_out={}, folder=tmp_path)
    monkeypatch.setattr(preparation, "prepare_for", lambda *arguments: bare)
    run = make_run(tmp_path / "run", bare)
    with pytest.raises(UserError, match=r"the run's data set, bare, has no attributes"):
        explore.main([str(run.path), "edit", "0", "--attribute", "Smiling"])
    explore.main([str(run.path), "latents"])
    assert "no attributes: no map is coloured by them" in capsys.readouterr().out
    assert (run.figures / "latent_map.png").exists()


def test_a_run_without_a_density_generates_from_the_prior_and_says_so(run, capsys, blob_dataset):
    keras.utils.set_random_seed(0)
    VAE(image_size=32, latent_dim=8, width=8).save(run.network("last"))
    explore.main([str(run.path), "generate", "--count", "2"])
    assert "no fitted density" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["morph", "1"], "at least two faces"),
        (["edit", "1", "--strength", "-3:3"], "expected FROM:TO:COUNT"),
        (["edit", "1", "--strength", "nan:3:4"], "expected FROM:TO:COUNT"),
        (["reconstruct", "a.jpg", "--eyes", "1,2,3"], "expected four numbers"),
        (["generate", "--temperature", "nan"], "expected a number from 0 to 10"),
        (["generate", "--count", "0"], "expected a whole number from 1 to 1,000"),
        (["paint"], "COMMAND: expected one of reconstruct, "),
    ],
)
def test_flag_mistakes_are_answered_at_once(flags, message):
    with pytest.raises(UserError, match=message):
        explore.parse(["a-run", *flags])


def test_help_and_a_missing_run_need_no_tensorflow():
    code = (
        "import sys, explore\n"
        "for arguments in (['--help'], ['no-such-run', 'generate']):\n"
        "    try: explore.main(arguments)\n"
        "    except (SystemExit, ValueError): pass\n"
        "sys.exit('tensorflow' in sys.modules or 'keras' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, check=False).returncode == 0


# ---------------------------------------------------------------------------------------------------------
# Alignment, seen through a trained model
# ---------------------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_a_shifted_and_scaled_face_aligned_by_its_eyes_reconstructs_as_well_as_an_unshifted_one(tmp_path):
    from facevae.data import alignment
    from facevae.synthetic_faces import render, sample_faces

    keras.utils.set_random_seed(0)
    model = VAE(image_size=32, latent_dim=32, network="reference")
    model.compile(keras.optimizers.Adam(2e-3))
    model.fit(render(sample_faces(1500, seed=5), 32), batch_size=50, epochs=12, verbose=0)

    def error(images):
        return float(np.mean((np.asarray(model(images)) - images / 255.0) ** 2))

    faces = straight_faces(24, seed=9)
    frame = alignment.training_frame("synthetic_faces", "square", 32)
    photographs = [photograph(face, left=70, top=30, side=150) for face in render(faces, 256)]
    aligned = np.stack(
        [alignment.align_by_eyes(picture, eyes, frame, 32) for picture, eyes, _ in photographs]
    )
    cropped = [Image.fromarray(picture[:, 20:220]).resize((32, 32)) for picture, _, _ in photographs]
    unshifted = error(render(faces, 32))
    assert error(aligned) < 1.1 * unshifted
    assert error(np.stack([np.asarray(picture) for picture in cropped])) > 1.5 * unshifted


def test_faces_are_drawn_at_the_runs_viewing_temperature_unless_another_is_given(run, monkeypatch, capsys):
    monkeypatch.setattr(OpenedRun, "viewing_temperature", 0.65)
    drawn = []
    sample = VAE.sample
    monkeypatch.setattr(
        VAE,
        "sample",
        lambda self, count, seed=0, sample_from=None, temperature=1.0: (
            drawn.append(temperature) or sample(self, count, seed, sample_from, temperature)
        ),
    )
    for command in ("generate", "neighbours"):
        explore.main([str(run.path), command, "--count", "2"])
        assert "0.65, the run's viewing temperature" in capsys.readouterr().out
    explore.main([str(run.path), "generate", "--count", "2", "--temperature", "0.9"])
    assert drawn == [0.65, 0.65, 0.65, 0.9, 0.9]
    names = {path.name for path in run.figures.iterdir()}
    assert names == {
        "generated-count-2.png",
        "neighbours-count-2.png",
        "generated-count-2-temperature-0.9.png",
    }


@pytest.mark.parametrize("form", ["svg", "pdf"])
def test_pictures_are_svg_or_pdf_on_request_and_still_shown_in_tensorboard(run, capsys, form):
    explore.main([str(run.path), "latents", "--count", "30", "--format", form])
    explore.main([str(run.path), "--format", form, "morph", "0", "1"])
    names = {
        f"latent_{what}-count-30.{form}" for what in ("dimensions", "map", "map_faces", "map_attributes")
    }
    assert {path.name for path in run.figures.iterdir()} == {*names, f"morph_0_1.{form}", "morph_0_1.webp"}
    begin = {"svg": b"<?xml", "pdf": b"%PDF-"}[form]
    assert all(path.read_bytes().startswith(begin) for path in run.figures.glob(f"*.{form}"))
    if form == "svg":
        assert b"<image" not in (run.figures / "latent_dimensions-count-30.svg").read_bytes()
    assert len(pictures_in_tensorboard(run)) == 5
    assert f"morph_0_1.{form}" in capsys.readouterr().out
