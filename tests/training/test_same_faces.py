"""A run goes on with, is measured and shown on the faces that it was begun on: by content, wherever they lie."""

import dataclasses
import json
import shutil

import numpy as np
import pytest
from begun_runs import (
    ATTRIBUTES,
    CPU,
    SPLITS,
    another_picture,
    begun,
    exchange,
    go_on,
    identities,
    write_tables,
)
from PIL import Image

from facevae.configuration.choosing import from_preset, resumed
from facevae.data import pixels, preparation
from facevae.errors import UserError
from facevae.evaluation import open_evaluation
from facevae.evaluation.feature_classifier import classifier_path
from facevae.run.opened_run import OpenedRun
from facevae.run.run_folder import RunFolder
from facevae.training import begin_run, prepare_faces, train

# -----------------------------------------------------------------------------------------------------------------
# The same faces
# -----------------------------------------------------------------------------------------------------------------


def renamed_in_reverse(folder):
    for number in range(40):
        (folder / f"{number}.png").rename(folder / f"new {99 - number}.png")
    for table in (ATTRIBUTES, SPLITS):
        if (folder / table).exists():
            header, *rows = (folder / table).read_text().splitlines()
            cells = [row.split(",", 1) for row in rows]
            renamed = [f"new {99 - int(name.removesuffix('.png'))}.png,{rest}" for name, rest in cells]
            (folder / table).write_text("\n".join([header, *renamed]))


def in_subfolders(folder):
    for number in range(40):
        place = folder / str(number % 7)
        place.mkdir(exist_ok=True)
        (folder / f"{number}.png").rename(place / f"{number}.png")


def as_bmp(folder):
    for number in range(40):
        with Image.open(folder / f"{number}.png") as image:
            image.save(folder / f"{number}.bmp")
        (folder / f"{number}.png").unlink()


SAME = {
    "nothing": lambda folder: None,
    "new times": lambda folder: [path.touch() for path in folder.iterdir()],
    "other names in another order": renamed_in_reverse,
    "subfolders": in_subfolders,
    "another format": as_bmp,
    "an unreadable picture": lambda folder: (folder / "bad.txt").write_text("no picture"),
}


@pytest.mark.parametrize("change", SAME)
def test_the_same_faces_are_taken_whatever_their_names_in_the_order_of_the_run(tmp_path, faces, change):
    run = begun(tmp_path / "run", faces)
    before = identities(OpenedRun(run.path).dataset)
    SAME[change](faces)
    assert identities(go_on(run)) == before
    opened = OpenedRun(run.path)
    assert identities(opened.dataset) == before
    assert opened.begun_on.changes(opened.dataset) == []


@pytest.mark.parametrize("copied", [False, True])
def test_faces_that_were_moved_go_on_where_data_says_and_the_run_remembers(tmp_path, faces, copied):
    run = begun(tmp_path / "run", faces)
    before = identities(OpenedRun(run.path).dataset)
    (shutil.copytree if copied else shutil.move)(faces, tmp_path / "moved")
    if not copied:
        with pytest.raises(UserError, match=r"which does not exist\. .*new folder by --data FOLDER"):
            go_on(run)
    assert identities(go_on(run, data=tmp_path / "moved")) == before
    assert run.load_config().data == str(tmp_path / "moved")
    assert identities(go_on(run)) == before


# -----------------------------------------------------------------------------------------------------------------
# Other faces
# -----------------------------------------------------------------------------------------------------------------


def one_pixel(folder):
    image = np.array(Image.open(folder / "3.png"))
    image[8:12, 8:12] ^= 255
    Image.fromarray(image).save(folder / "3.png")


def reordered_columns(folder):
    rows = (folder / ATTRIBUTES).read_text().splitlines()[1:]
    cells = [row.split(",") for row in rows]
    (folder / ATTRIBUTES).write_text(
        "\n".join(["image_id,Young,Smiling", *(f"{n},{b},{a}" for n, a, b in cells)])
    )


TABLED = {
    "other members, equal counts": (
        lambda folder: write_tables(folder, splits={0: 2, 2: 0}),
        r"\(train: 1 of 14 faces new \(2.png first, 1 from test\), 1 gone; "
        r"test: 1 of 13 faces new \(0.png first, 1 from train\), 1 gone\)",
    ),
    "other counts": (lambda folder: write_tables(folder, splits={0: 2}), r"faces then .*'train': 14, .*now"),
    "exchanged over splits": (
        lambda folder: exchange(folder / "0.png", folder / "1.png"),
        r"train: 1 of 14 faces new \(0.png first, 1 from validation\), 1 gone",
    ),
    "exchanged within a split": (
        lambda folder: exchange(folder / "0.png", folder / "3.png"),
        r"\(train: 2 of 14 faces with other attributes \(Smiling\)\)",
    ),
    "attributes of two faces": (
        lambda folder: write_tables(folder, attributes={0: [-1, -1], 6: [-1, 1], 5: [1, 1]}),
        r"\(train: 2 of 14 faces with other attributes \(Smiling, Young\); test: 1 of 13 .* \(Smiling\)\)",
    ),
    "other pixels": (one_pixel, r"\(train: 1 of 14 faces new \(3.png first\), 1 gone\)"),
    "another picture under the old name": (
        another_picture,
        r"\(train: 1 of 14 faces new \(3.png first\), 1 gone\)",
    ),
    "another attribute": (reordered_columns, r"attribute names then \['Smiling', 'Young'\], now \['Young'"),
    "no attributes": (lambda folder: (folder / ATTRIBUTES).unlink(), r"attribute names then .*, now \[\]"),
    "no table of splits": (lambda folder: (folder / SPLITS).unlink(), "faces then .*train: .* faces new"),
}


@pytest.mark.parametrize("change", TABLED)
def test_other_faces_are_refused_with_what_changed_and_how_many(tmp_path, tabled, change):
    run = begun(tmp_path / "run", tabled)
    written = (run.path / "run.json").read_bytes(), run.faces.read_bytes()
    make, message = TABLED[change]
    make(tabled)
    with pytest.raises(UserError, match=rf"the run was begun on, received others .*{message}.*Restore them"):
        go_on(run)
    assert ((run.path / "run.json").read_bytes(), run.faces.read_bytes()) == written


@pytest.mark.parametrize("damage", [lambda path: path.unlink(), lambda path: path.write_bytes(b"PK")])
def test_without_the_kept_faces_the_split_is_named(tmp_path, tabled, damage):
    run = begun(tmp_path / "run", tabled)
    damage(run.faces)
    go_on(run)
    assert run.faces.stat().st_size > 100  # written again
    damage(run.faces)
    one_pixel(tabled)
    with pytest.raises(UserError, match=r"received others \(train: other pixels\)"):
        go_on(run)


def test_a_run_without_a_checkpoint_begins_on_other_faces(tmp_path, tabled):
    run = begun(tmp_path / "run", tabled)
    run.checkpoint.unlink()
    write_tables(tabled, splits={0: 2})
    assert len(go_on(run).test) == 14
    assert OpenedRun(run.path).begun_on.changes(OpenedRun(run.path).dataset) == []


# -----------------------------------------------------------------------------------------------------------------
# Measuring and showing
# -----------------------------------------------------------------------------------------------------------------


def test_no_command_takes_faces_of_the_training_for_unseen_ones(tmp_path, tabled):
    run = begun(tmp_path / "run", tabled)
    write_tables(tabled, splits={0: 2, 2: 0})
    message = r"received 1 that it was \(0.png first\).*Restore the table of splits"
    with pytest.raises(UserError, match=message):
        _ = OpenedRun(run.path).dataset
    with pytest.raises(UserError, match=message):
        open_evaluation(OpenedRun(run.path))


def test_changed_test_faces_are_a_note_with_their_number(tmp_path, tabled, capsys):
    run = begun(tmp_path / "run", tabled)
    assert not any("other data" in note for note in open_evaluation(OpenedRun(run.path)).notes)
    assert "not those" not in capsys.readouterr().out
    Image.new("RGB", (40, 40), "teal").save(tabled / "2.png")
    (note,) = (note for note in open_evaluation(OpenedRun(run.path)).notes if "trained on" in note)
    assert "(test: 1 of 13 faces new (2.png first), 1 gone)." in note
    assert "The faces are not those that the run was trained on: test: 1 of 13" in capsys.readouterr().out


def test_encodings_and_classifier_follow_the_content(tmp_path, tabled):
    run = begun(tmp_path / "run", tabled)
    opened = OpenedRun(run.path)
    first, path = opened.training_encodings, classifier_path(opened.dataset)
    assert OpenedRun(run.path).training_encodings.mean.tolist() == first.mean.tolist()
    another_picture(tabled)
    changed = OpenedRun(run.path)
    place = changed.dataset.train.names(slice(None)).index("3.png")
    expected = changed.model.encode(changed.dataset.train.images(slice(place, place + 1)))[0]
    np.testing.assert_allclose(changed.training_encodings.mean[place], expected[0], rtol=1e-4, atol=1e-5)
    assert not np.allclose(first.mean[place], expected[0], atol=1e-3)
    assert classifier_path(changed.dataset) != path


def test_a_face_that_is_damaged_on_the_disk_ends_a_training_in_one_message(tmp_path, tabled, monkeypatch):
    monkeypatch.setattr(pixels.CheckedPixels, "damaged_at_opening", lambda self: (0, 0))
    shape = {"image_size": 32, "latent_dim": 4, "width": 8, "sample_from": "prior", "density_components": 0}
    config = from_preset("demo", data=str(tabled), batch_size=8, epochs=2, **shape)
    run = RunFolder(tmp_path / "run")
    dataset = prepare_faces(config, run, CPU)
    begin_run(config, run, dataset, CPU)
    images = np.memmap(dataset.folder / "images.uint8", mode="r+")
    images[:: 32 * 32 * 3] ^= 1  # a bit of each face
    images.flush()
    with pytest.raises(UserError, match=r"of the prepared faces just read .*Start the command again"):
        train(config, run, dataset, CPU)
    assert not run.checkpoint.exists()
    monkeypatch.undo()
    monkeypatch.setenv("FACEVAE_CACHE", str(tmp_path / "cache"))
    assert identities(prepare_faces(config, run, CPU)) == identities(dataset)
    train(config, run, prepare_faces(config, run, CPU), CPU)
    assert run.checkpoint.exists()


# -----------------------------------------------------------------------------------------------------------------
# Equal faces
# -----------------------------------------------------------------------------------------------------------------


def test_copies_are_in_the_split_of_their_original_and_counted(folder, cache, capsys):
    for number in range(40):
        shutil.copy(folder / f"{number}.png", folder / f"{number} - Copy.png")
        shutil.copy(folder / f"{number}.png", folder / f"{number} (1).png")
    dataset = preparation.prepare(folder, image_size=32)
    assert ", duplicates: 80, each in the split of its equals" in capsys.readouterr().out
    hashes = [{face.tobytes() for face in split.hashes} for split in dataset.splits.values()]
    assert sum(map(len, hashes)) == len(set.union(*hashes)) == 40
    preparation.prepare(folder, image_size=32)
    assert "duplicates: 80" in capsys.readouterr().out


def test_copies_with_other_attributes_are_named_when_they_change(tmp_path, tabled):
    shutil.copy(tabled / "0.png", tabled / "3.png")
    run = begun(tmp_path / "run", tabled)
    write_tables(tabled, attributes={0: [-1, 1], 3: [1, 1]})  # exchanged: the same faces
    go_on(run)
    write_tables(tabled, attributes={0: [-1, 1], 3: [-1, 1]})
    with pytest.raises(UserError, match=r"\(train: 1 of 14 faces with other attributes \(Smiling\)\)"):
        go_on(run)


def test_a_table_that_parts_equal_faces_is_overruled_with_a_count(tabled, cache, capsys):
    shutil.copy(tabled / "2.png", tabled / "3.png")  # test and training
    shutil.copy(tabled / "4.png", tabled / "6.png")  # validation and training
    dataset = preparation.prepare(tabled, image_size=32)
    assert "duplicates: 2" in (out := capsys.readouterr().out)
    assert "2 moved out of the split that the source says" in out
    assert {"2.png", "3.png"} <= set(dataset.test.names(slice(None)))
    assert {"4.png", "6.png"} <= set(dataset.validation.names(slice(None)))


def test_a_description_of_other_types_is_refused(tmp_path, tabled):
    run = begun(tmp_path / "run", tabled)
    content = json.loads((run.path / "run.json").read_text())
    for changed in ({"content": []}, {"content": {"train": 1}}, {"split_rule": "1"}, {"split_rule": 7}):
        (run.path / "run.json").write_text(json.dumps({**content, "data": content["data"] | changed}))
        with pytest.raises(UserError, match="not readable as a run's configuration"):
            _ = OpenedRun(run.path)


def test_data_and_its_place_may_change_on_resume_and_nothing_else_of_the_data():
    saved = from_preset("demo")
    assert resumed(saved, {"data": "/a", "data_dir": "/b"}) == dataclasses.replace(
        saved, data="/a", data_dir="/b"
    )
    with pytest.raises(UserError, match=r"--image-size 32 .*--crop 148"):
        resumed(saved, {"image_size": 32, "crop": "148"})
