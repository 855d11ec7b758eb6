"""A trained run opened: what it loads and when, where its faces are, and the flags of the three commands."""

import pathlib
import re
import shutil
import subprocess
import sys

import keras
import numpy as np
import pytest
from places import ROOT

import evaluate
import explore
import export
import facevae
from facevae.configuration.choosing import from_preset
from facevae.data import preparation
from facevae.errors import UserError
from facevae.model import VAE
from facevae.run.opened_run import OpenedRun, open_from_flags
from facevae.run.run_folder import RunFolder
from facevae.training import parse_command_line

PARSERS = {
    "evaluate": lambda *flags: evaluate.parse_command_line(["run", *flags]),
    "explore, before the command": lambda *flags: explore.parse(["run", *flags, "generate"]),
    "explore, behind it": lambda *flags: explore.parse(["run", "generate", *flags]),
    "export": lambda *flags: export.parse_command_line(["run", *flags]),
}


def make_run(path, data="synthetic_faces", **settings):
    """A run folder with a small untrained model."""
    run = RunFolder(path)
    shape = {"image_size": 32, "latent_dim": 4, "width": 8}
    source = {"sample_from": "prior", "density_components": 0}
    run.save(from_preset("demo", data=str(data), **shape, **source, **settings))
    run.network("last").parent.mkdir(parents=True)
    keras.utils.set_random_seed(0)
    VAE(**shape, **source).save(run.network("last"))
    return run


@pytest.fixture
def run(tmp_path):
    return make_run(tmp_path / "run")


# -----------------------------------------------------------------------------------------------------------------
# Model
# -----------------------------------------------------------------------------------------------------------------


def test_a_model_trained_in_16_bits_comes_back_in_float32(run):
    trained = facevae.VAE(image_size=32, latent_dim=3, width=8, dtype="mixed_bfloat16")
    trained.float32_copy().save(run.network("last"))
    model = facevae.load(run.path)
    assert {layer.dtype_policy.name for layer in model.decoder.layers} == {"float32"}
    for ours, theirs in zip(model.get_weights(), trained.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_an_unfinished_run_says_how_to_go_on(run):
    run.network("last").unlink()
    with pytest.raises(UserError, match=r"no trained model yet.*--resume"):
        facevae.load(run.path)


def test_another_model_than_those_that_exist_is_refused(run):
    with pytest.raises(UserError, match="expected last, best, sharpened, received 'newest'"):
        facevae.load(run.path, "newest")


def test_a_damaged_file_is_refused_with_its_path(run):
    run.network("last").write_bytes(b"PK\x03\x04 and nothing more")
    with pytest.raises(UserError, match=r"last\.keras: expected a model saved by facevae"):
        facevae.load(run.path)


@pytest.mark.parametrize(
    ("early_stopping", "asked", "which"), [(None, None, "last"), (3, None, "best"), (3, "last", "last")]
)
def test_the_model_is_the_runs_own_or_the_one_asked_for(tmp_path, early_stopping, asked, which):
    run = make_run(tmp_path / "run", early_stopping=early_stopping)
    best = VAE(image_size=32, latent_dim=5, width=8)
    best.save(run.network("best"))
    opened = OpenedRun(run.path, asked)
    assert opened.which == which
    assert (
        opened.model.latent_dim == facevae.load(run.path, asked).latent_dim == {"best": 5, "last": 4}[which]
    )


# -----------------------------------------------------------------------------------------------------------------
# Loaded when asked for, once
# -----------------------------------------------------------------------------------------------------------------


def test_nothing_is_loaded_before_it_is_asked_for_and_then_once(run, blob_dataset, monkeypatch):
    prepared = []
    monkeypatch.setattr(
        preparation, "prepare_for", lambda config: prepared.append(config.data) or blob_dataset
    )
    moved = run.network("last").rename(run.path / "aside")
    opened = OpenedRun(run.path)
    assert opened.config.data == "synthetic_faces"
    assert opened.data_description == {}
    moved.rename(run.network("last"))
    assert opened.model is opened.model
    assert not prepared
    assert opened.training_encodings is opened.training_encodings
    assert len(opened.training_encodings.mean) == len(opened.dataset.train) == 48
    assert prepared == ["synthetic_faces"]


def test_kept_encodings_need_no_faces_and_training_encodings_do(run, blob_dataset, monkeypatch):
    monkeypatch.setattr(preparation, "prepare_for", lambda config: blob_dataset)
    made = OpenedRun(run.path).training_encodings

    def gone(config):
        raise UserError("data: there is no folder.")

    monkeypatch.setattr(preparation, "prepare_for", gone)
    opened = OpenedRun(run.path)
    np.testing.assert_array_equal(opened.kept_encodings.mean, made.mean)
    with pytest.raises(UserError, match="there is no folder"):
        _ = opened.training_encodings


def test_a_run_of_another_version_and_links_out_of_it_are_refused_at_once(run, tmp_path):
    (tmp_path / "outside").mkdir()
    (run.path / "link").symlink_to(tmp_path / "outside")
    with pytest.raises(UserError, match="a link that leads out of it"):
        OpenedRun(run.path)
    (run.path / "link").unlink()
    content = (run.path / "run.json").read_text()
    (run.path / "run.json").write_text(content.replace('"format_version": 1', '"format_version": 99'))
    with pytest.raises(UserError, match=r"format 99.*Use the version"):
        OpenedRun(run.path)


def test_importing_it_loads_neither_tensorflow_nor_numpy(run):
    code = (
        "import sys, facevae.run.opened_run as o\n"
        "opened = o.OpenedRun(sys.argv[1])\n"
        "print(opened.which, [name for name in ('tensorflow', 'keras', 'numpy') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code, run.path], cwd=ROOT, capture_output=True, text=True)
    assert done.stdout.strip() == "last []", done.stderr


def test_loading_a_model_hides_tensorflows_log(run):
    code = "import sys, facevae; print(facevae.load(sys.argv[1]).latent_dim)"
    done = subprocess.run([sys.executable, "-c", code, run.path], cwd=ROOT, capture_output=True, text=True)
    assert (done.stdout.strip(), done.stderr) == ("4", "")


# -----------------------------------------------------------------------------------------------------------------
# Where the faces are now
# -----------------------------------------------------------------------------------------------------------------


def test_faces_are_read_where_the_configuration_says_or_in_the_folder_that_was_given(tmp_path, folder):
    run = make_run(tmp_path / "run", folder)
    opened = OpenedRun(run.path, cache_dir=tmp_path / "cache")
    names = opened.dataset.train.names(slice(None))
    assert opened.data == str(folder)
    moved = shutil.move(folder, tmp_path / "elsewhere" / "faces")
    opened = OpenedRun(run.path, data=moved, cache_dir=tmp_path / "cache")
    assert opened.dataset.train.names(slice(None)) == names
    assert opened.data == str(moved)
    assert opened.config.data == str(folder)  # what the run was trained on
    assert opened.dataset.folder.parent == tmp_path / "cache"


@pytest.mark.parametrize("name", ["faces", "./faces", "~/faces"])
def test_relative_folders_and_home_are_those_of_the_trainings_flags(tmp_path, folder, monkeypatch, name):
    run = make_run(tmp_path / "run", "no/longer/there")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    opened = OpenedRun(run.path, data=name, data_dir="~/tfds", cache_dir="~/cache")
    trained = parse_command_line(["--data", name, "--data-dir", "~/tfds"])
    assert opened.data == trained["data"]
    assert opened.dataset.folder.parent == tmp_path / "cache"
    assert sum(opened.dataset.counts.values()) == 40


def test_the_data_sets_folder_of_tensorflow_datasets_can_be_another(run, tmp_path, monkeypatch, blob_dataset):
    seen = []
    monkeypatch.setattr(preparation, "prepare_for", lambda config: seen.append(config) or blob_dataset)
    monkeypatch.chdir(tmp_path)
    for data_dir in ("tfds", "~/tfds", "gs://bucket/tfds"):
        _ = OpenedRun(run.path, data_dir=data_dir).dataset
    home = pathlib.Path.home()
    assert [config.data_dir for config in seen] == [
        str(tmp_path / "tfds"),
        str(home / "tfds"),
        "gs://bucket/tfds",
    ]


def test_a_place_for_prepared_faces_that_is_no_disk_is_refused(run):
    with pytest.raises(
        UserError, match=r"cache_dir: expected a folder on a local or mounted disk, received 'gs://bucket'"
    ):
        OpenedRun(run.path, cache_dir="gs://bucket")


def test_faces_that_are_gone_ask_for_the_flag_and_a_flag_that_is_wrong_for_another(tmp_path, folder):
    run = make_run(tmp_path / "run", folder)
    shutil.move(folder, tmp_path / "moved")
    with pytest.raises(UserError, match=r"received '.*faces', which does not exist\. .* by --data FOLDER"):
        _ = OpenedRun(run.path).dataset
    folder.mkdir()  # as where a disk is not mounted
    with pytest.raises(UserError, match=r"faces: expected a folder with pictures in it .* by --data FOLDER"):
        _ = OpenedRun(run.path).dataset
    with pytest.raises(UserError, match=r"nowhere', which does not exist\. Check the path"):
        _ = OpenedRun(run.path, data=tmp_path / "nowhere").dataset


def test_a_data_set_that_this_machine_does_not_have_asks_for_the_flag(tmp_path):
    run = make_run(tmp_path / "run", "faces_of_an_extension")
    with pytest.raises(UserError, match=r"received 'faces_of_an_extension'\. .* by --data FOLDER"):
        _ = OpenedRun(run.path).dataset


def test_other_failures_keep_their_own_advice(tmp_path, folder):
    run = make_run(tmp_path / "run", folder)
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match=r"Give another folder: --cache-dir") as caught:
        _ = OpenedRun(run.path, cache_dir=tmp_path / "file").dataset
    assert "--data " not in str(caught.value)


# -----------------------------------------------------------------------------------------------------------------
# Flags
# -----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("parse", PARSERS.values(), ids=PARSERS)
def test_the_flags_are_equal_in_the_three_commands(parse):
    given = vars(parse("--data", "~/faces", "--data-dir", "../tfds", "--cache-dir", "cache"))
    assert (given["data"], given["data_dir"], given["cache_dir"]) == ("~/faces", "../tfds", "cache")
    assert not {"data", "data_dir", "cache_dir"} & set(vars(parse()))


def test_their_help_is_one_text(capsys):
    texts = set()
    for parse in PARSERS.values():
        with pytest.raises(SystemExit):
            parse("--help")
        texts.add(re.search(r"where the faces are now:\n(?:  .*\n)+", capsys.readouterr().out)[0])
    (text,) = texts
    assert re.findall(r"^  (--[a-z-]+)", text, re.MULTILINE) == ["--data", "--data-dir", "--cache-dir"]


@pytest.mark.parametrize("parse", PARSERS.values(), ids=PARSERS)
def test_flags_open_the_run(parse, tmp_path, folder, monkeypatch):
    make_run(tmp_path / "run", "no/longer/there")
    monkeypatch.chdir(tmp_path)
    opened = open_from_flags(parse("--data", "faces", "--cache-dir", "cache"))
    assert (opened.run.path, opened.which) == (pathlib.Path("run"), "last")
    assert opened.data == str(folder)
    assert opened.dataset.folder.parent == tmp_path / "cache"


@pytest.mark.parametrize("parse", PARSERS.values(), ids=PARSERS)
def test_a_wrong_place_is_refused_before_anything_is_loaded(parse, run, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError, match="'no/such/folder', which does not exist"):
        open_from_flags(parse("--data", "no/such/folder"))


COMMANDS = {
    "evaluate": lambda *flags: evaluate.main(["run", "--samples", "8", *flags]),
    "explore": lambda *flags: explore.main(["run", "reconstruct", "--count", "2", *flags]),
    "export": lambda *flags: export.main(["run", "--formats", "float32", "--checked-latents", "8", *flags]),
}
RESULTS = {
    "evaluate": "evaluation.json",
    "explore": "figures/reconstructions-count-2.png",
    "export": "export/decoder_float32.tflite",
}


@pytest.mark.parametrize("command", COMMANDS)
def test_each_command_finds_faces_that_were_moved(command, tmp_path, folder, monkeypatch):
    make_run(tmp_path / "run", folder)
    rows = [f"{number}.png,{2 if number < 10 else 0}" for number in range(40)]  # a test split of ten
    (folder / "list_eval_partition.csv").write_text("\n".join(["image_id,partition", *rows]))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("FACEVAE_CACHE", str(tmp_path / "cache"))
    shutil.move(folder, tmp_path / "moved")
    with pytest.raises(UserError, match=r"faces', which does not exist\. .* by --data FOLDER"):
        COMMANDS[command]()
    assert not (tmp_path / "run" / RESULTS[command]).exists()
    COMMANDS[command]("--data", "moved")
    assert (tmp_path / "run" / RESULTS[command]).stat().st_size > 0
