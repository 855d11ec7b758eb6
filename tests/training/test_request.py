"""What the flags of train.py ask for: a new run, one to go on with, or a worker's part in the chief's."""

import dataclasses

import pytest

from facevae.configuration.choosing import from_preset
from facevae.errors import UserError
from facevae.run.run_folder import RunFolder
from facevae.training.request import choose_run, config_of_worker


def test_a_new_run_gets_the_presets_settings_and_a_folder_named_after_it(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    flags = {"preset": "reference", "epochs": 2}
    run, config = choose_run(flags)
    assert config == from_preset("reference", epochs=2)
    assert run.path.parent.name == "runs"
    assert run.path.name.endswith("-reference")
    assert flags == {"preset": "reference", "epochs": 2}
    assert choose_run({})[1] == from_preset("demo")


def test_a_run_is_not_overwritten_and_resume_goes_on_with_its_settings(tmp_path, capsys):
    saved = from_preset("demo", latent_dim=7, epochs=2)
    RunFolder(tmp_path).save(saved)
    with pytest.raises(UserError, match=r"holds a run already\. Go on with it by --resume"):
        choose_run({"run_dir": str(tmp_path)})
    run, config = choose_run({"run_dir": str(tmp_path), "resume": True, "epochs": 5})
    assert run.path == tmp_path
    assert (config.latent_dim, config.epochs) == (7, 5)
    assert "holds no checkpoint yet: starting from the beginning." in capsys.readouterr().out
    with pytest.raises(UserError, match=r"--latent-dim 9 \(the run has 7\)"):
        choose_run({"run_dir": str(tmp_path), "resume": True, "latent_dim": 9})


def test_a_note_is_kept_and_may_be_replaced_on_resume(tmp_path):
    RunFolder(tmp_path).save(from_preset("demo", note="Half the rate"))
    flags = {"run_dir": str(tmp_path), "resume": True}
    assert choose_run(flags)[1].note == "Half the rate"
    assert choose_run({**flags, "note": "A third"})[1].note == "A third"


@pytest.mark.parametrize("name", ["last", "best"])
def test_trained_models_without_a_checkpoint_are_not_replaced_by_untrained_ones(tmp_path, name):
    run = RunFolder(tmp_path)
    run.save(from_preset("demo"))
    run.network(name).parent.mkdir()
    run.network(name).write_text("trained")
    with pytest.raises(
        UserError, match=rf"last\.npz is missing.*networks/{name}\.keras would be replaced.*move .*networks"
    ):
        choose_run({"run_dir": str(tmp_path), "resume": True})
    assert run.network(name).read_text() == "trained"
    run.network(name).rename(tmp_path / "mine.keras")
    assert choose_run({"run_dir": str(tmp_path), "resume": True})[0].path == tmp_path


@pytest.mark.parametrize("resume", [True, False])
def test_a_folder_of_others_a_lost_configuration_and_a_place_among_the_faces_are_refused(
    tmp_path, resume, monkeypatch
):
    (tmp_path / "home" / "thesis").mkdir(parents=True)
    (tmp_path / "lost" / "networks").mkdir(parents=True)
    (tmp_path / "lost" / "networks" / "last.keras").write_text("trained")
    faces = tmp_path / "faces"
    faces.mkdir()
    monkeypatch.chdir(faces)
    for flags, message in (
        ({"run_dir": str(tmp_path / "home")}, "'thesis' in it"),
        ({"run_dir": str(tmp_path / "lost")}, "lost its run.json"),
        ({"run_dir": "run", "data": str(faces)}, "outside the faces"),
        ({"run_dir": str(faces), "data": "."}, "outside the faces"),
        (
            {"run_dir": str(tmp_path / "home" / ".." / "faces" / "a" / "b"), "data": str(faces)},
            "outside the faces",
        ),
    ):
        with pytest.raises(UserError, match=message):
            choose_run({**flags, "resume": resume})
    with pytest.raises(UserError, match="outside the faces, received 'runs/"):
        choose_run({"data": "."})
    (tmp_path / "link").symlink_to("faces")
    with pytest.raises(UserError, match="outside the faces"):
        choose_run({"data": str(faces), "run_dir": str(tmp_path / "link" / "run"), "resume": resume})
    assert list(faces.iterdir()) == []


def test_resume_begins_a_run_where_there_is_none(tmp_path, capsys):
    run, config = choose_run({"run_dir": str(tmp_path / "new"), "resume": True, "seed": 3})
    assert (run.path, config.seed) == (tmp_path / "new", 3)
    assert "holds no run yet: starting from the beginning." in capsys.readouterr().out
    with pytest.raises(UserError, match="resume: expected --run-dir with the run to go on with"):
        choose_run({"resume": True})


def test_a_worker_uses_the_chiefs_configuration_with_its_own_paths_to_the_faces():
    chief = from_preset("demo", latent_dim=7, tensorboard=True, cache_dir="/chief", data="celeb_a")
    of_chief = dataclasses.asdict(chief)
    config = config_of_worker(of_chief, {"latent_dim": 3, "data": "lfw", "data_dir": "/sets"})
    assert config == dataclasses.replace(
        chief, tensorboard=False, cache_dir=None, data="lfw", data_dir="/sets"
    )
    assert config_of_worker(of_chief, {"cache_dir": "/own"}).cache_dir == "/own"
