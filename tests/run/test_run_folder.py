import json
import shutil
import subprocess
import sys

import pytest
from failing_disks import read_only

from facevae.configuration.choosing import from_preset
from facevae.errors import UserError
from facevae.files import WRITING
from facevae.run.run_folder import RunFolder, default_run_path


def test_configuration_and_data_description_survive_moving_the_folder(tmp_path):
    config = from_preset("celeba64", seed=5)
    RunFolder(tmp_path / "a").save(config, {"name": "faces", "attribute_names": ["Smiling"]})
    shutil.move(tmp_path / "a", tmp_path / "b")
    run = RunFolder.open(tmp_path / "b")
    assert run.load_config() == config
    assert run.load_data_description()["attribute_names"] == ["Smiling"]
    assert str(tmp_path) not in (tmp_path / "b" / "run.json").read_text()


def test_a_folder_without_a_run_is_refused(tmp_path):
    with pytest.raises(UserError, match="does not exist"):
        RunFolder.open(tmp_path / "missing")
    with pytest.raises(UserError, match=r"holds no run \(it has no run.json\)"):
        RunFolder.open(tmp_path)


@pytest.mark.parametrize(
    "text",
    [
        *("", "{", "[]", "{}", "null", "[" * 100_000, '{"format_version": 1}'),
        '{"format_version": 1, "config": 3, "data": null}',
        '{"format_version": 1, "config": {}}',
    ],
)
def test_damaged_configuration_is_refused_with_its_file(tmp_path, text):
    (tmp_path / "run.json").write_text(text)
    with pytest.raises(UserError, match=r"run\.json"):
        RunFolder.open(tmp_path).load_config()


@pytest.mark.parametrize(
    "data", [3, ["Smiling"], {"name": 3}, {"attribute_names": "Smiling"}, {"faces": {"test": "9"}}]
)
def test_a_description_of_the_data_that_is_none_is_refused(tmp_path, data):
    run = RunFolder(tmp_path)
    run.save(from_preset("demo"), data)
    with pytest.raises(UserError, match=r"run\.json: not readable .* a description of the data set"):
        run.load_config()


def test_links_within_the_run_are_followed_and_those_that_lead_out_refused(tmp_path):
    run = RunFolder(tmp_path / "run")
    run.save(from_preset("demo"))
    (tmp_path / "link to the run").symlink_to(run.path)
    (run.path / "logs" / "train").mkdir(parents=True)
    (run.path / "logs" / "newest").symlink_to("train")
    (run.path / "logs" / "loop").symlink_to("loop")
    assert RunFolder(tmp_path / "link to the run").load_config() == run.load_config()
    (tmp_path / "precious").mkdir()
    for link in (run.path / "figures", run.path / "logs" / "train" / "a.tsv"):
        link.symlink_to(tmp_path / "precious")
        with pytest.raises(UserError, match=rf"link that leads out of it: '{link}'\. Remove the link"):
            RunFolder.open(run.path).load_config()
        link.unlink()
    assert run.load_config()


def test_a_link_in_the_place_of_the_lock_is_not_followed(tmp_path):
    (tmp_path / "precious").write_text("years of work")
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "lock").symlink_to(tmp_path / "precious")
    with (
        pytest.raises(UserError, match=r"link that leads out.*run/lock"),
        RunFolder(tmp_path / "run").locked(),
    ):
        pass
    assert (tmp_path / "precious").read_text() == "years of work"


# ------------------------------------------------------------------------------
# What is in the folder before anything is written to it
# ------------------------------------------------------------------------------

PARTS = ["networks", "logs", "checkpoints", "figures", "encodings", "export"]
FILES = [
    "networks/last.keras",
    "checkpoints/last.npz",
    "logs/faces",
    "encodings/train.npz",
    "evaluation.json",
    "lock",
    "train.log",
    "faces.npz",
]


def tree(folder):
    return {path: path.is_file() and path.read_bytes() for path in folder.rglob("*")}


@pytest.mark.parametrize("begun", [True, False])
@pytest.mark.parametrize("name", [*PARTS, *FILES])
@pytest.mark.parametrize("dangling", [True, False])
def test_links_out_of_the_folder_are_refused_before_anything_is_written(tmp_path, name, begun, dangling):
    run = RunFolder(tmp_path / "run")
    if begun:
        run.save(from_preset("demo"))
    if not dangling:
        (tmp_path / "victim").mkdir()
    (run.path / name).parent.mkdir(parents=True, exist_ok=True)
    (run.path / name).symlink_to(tmp_path / "victim")
    before = tree(tmp_path)
    with pytest.raises(UserError, match=name.split("/")[0]), run.locked():
        pass
    assert tree(tmp_path) == before


def test_a_run_folder_may_itself_be_a_link(tmp_path):
    RunFolder(tmp_path / "x").save(from_preset("demo"))
    (tmp_path / "latest").symlink_to("x")
    with RunFolder(tmp_path / "latest").locked():
        assert (tmp_path / "x" / "lock").exists()


@pytest.mark.parametrize(
    "name",
    ["thesis.tex", ".git/HEAD", ".bashrc", "000001.jpg", "networks/mine.txt", "logs/a", "run.json.bak"],
)
def test_a_folder_with_other_things_in_it_is_refused_by_their_names(tmp_path, name):
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).write_text("years of work")
    with (
        pytest.raises(UserError, match=f"'{name.split('/')[0]}' in it.*--run-dir"),
        RunFolder(tmp_path).locked(),
    ):
        pass
    assert len(tree(tmp_path)) == 1 + name.count("/")


def test_an_empty_folder_and_what_a_killed_start_left_are_taken(tmp_path):
    (tmp_path / "lock").touch()
    (tmp_path / "train.log").write_text("started")  # begun before the faces are prepared
    (tmp_path / ".DS_Store").touch()
    (tmp_path / f"{WRITING}run.json-abcdefgh").mkdir()
    with RunFolder(tmp_path).locked():
        assert not (tmp_path / f"{WRITING}run.json-abcdefgh").exists()


@pytest.mark.parametrize("name", ["networks/last.keras", "networks/best.keras", "checkpoints/last.npz"])
def test_a_run_that_has_lost_its_configuration_says_so(tmp_path, name):
    (tmp_path / name).parent.mkdir()
    (tmp_path / name).write_text("trained")
    with pytest.raises(
        UserError, match=rf"has lost its run\.json, which says how its files were trained \({name}\)"
    ):
        RunFolder.open(tmp_path)
    with pytest.raises(UserError, match=r"has lost its run\.json"), RunFolder(tmp_path).locked():
        pass
    assert (tmp_path / name).read_text() == "trained"


@pytest.mark.parametrize("name", ["networks", "checkpoints", "logs", "encodings", "figures"])
def test_a_file_in_the_place_of_a_folder_is_noticed_before_the_training(tmp_path, name):
    run = RunFolder(tmp_path)
    run.save(from_preset("demo"))
    (tmp_path / name).touch()
    with pytest.raises(UserError, match=f"expected a folder in the place of .*{name}"), run.locked():
        pass


@pytest.mark.parametrize("name", ["networks/best.keras", "checkpoints/last.npz", "evaluation.json"])
def test_a_folder_in_the_place_of_a_file_is_noticed_before_the_training(tmp_path, name):
    run = RunFolder(tmp_path)
    run.save(from_preset("demo"))
    (tmp_path / name).mkdir(parents=True)
    with pytest.raises(UserError, match=f"expected a file in the place of .*{name}"), run.locked():
        pass


def test_a_part_that_may_not_be_written_is_noticed_before_the_training(tmp_path):
    run = RunFolder(tmp_path)
    run.save(from_preset("demo"))
    (tmp_path / "networks").mkdir()
    with (
        read_only(tmp_path / "networks"),
        pytest.raises(UserError, match=r"networks.*cannot be written"),
        run.locked(),
    ):
        pass


def test_another_format_version_is_named(tmp_path):
    run = RunFolder(tmp_path)
    run.save(from_preset("demo"))
    content = json.loads((tmp_path / "run.json").read_text())
    (tmp_path / "run.json").write_text(json.dumps({**content, "format_version": 99}))
    with pytest.raises(UserError, match="has format 99, this facevae reads format 1"):
        run.load_config()


def test_a_second_running_process_is_refused_and_a_killed_one_holds_no_lock(tmp_path):
    code = (
        "import sys, time; from facevae.run.run_folder import RunFolder\n"
        "with RunFolder(sys.argv[1]).locked(): print('held', flush=True); time.sleep(60)"
    )
    other = subprocess.Popen([sys.executable, "-c", code, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    try:
        assert other.stdout.readline() == "held\n"
        with pytest.raises(UserError, match="another process is writing"), RunFolder(tmp_path).locked():
            pass
    finally:
        other.kill()
        other.wait()
        other.stdout.close()
    with RunFolder(tmp_path).locked():
        pass


def test_what_a_killed_training_left_half_written_is_removed(tmp_path):
    code = (
        "import os, sys; from facevae.files import whole_file\n"
        "with whole_file(sys.argv[1]) as aside:\n"
        "    aside.write_text('half')\n"
        "    os.kill(os.getpid(), 9)"
    )
    written = (
        "run.json",
        "checkpoints/last.npz",
        "networks/best.keras",
        "logs/train/projector/epoch-00000.bytes",
        "encodings/train.npz",
        "figures/samples.png",
    )
    RunFolder(tmp_path).save(from_preset("demo"))
    for file in written:
        subprocess.run([sys.executable, "-c", code, str(tmp_path / file)])
    assert len(list(tmp_path.rglob(f"{WRITING}*/[!.]*"))) == len(written)
    with RunFolder(tmp_path).locked():
        pass
    assert not list(tmp_path.rglob(f"{WRITING}*"))


def test_all_that_training_shows_is_in_one_run_of_tensorboard(tmp_path):
    run = RunFolder(tmp_path)
    assert run.face_logs == run.train_logs == tmp_path / "logs" / "train"
    assert run.evaluation_logs == tmp_path / "logs" / "train" / "evaluation"


def test_pictures_of_a_run_of_version_0_1_go_on_where_they_are(tmp_path):
    (tmp_path / "logs" / "faces").mkdir(parents=True)
    run = RunFolder(tmp_path)
    assert run.face_logs == tmp_path / "logs" / "faces"
    assert run.evaluation_logs == tmp_path / "logs" / "faces" / "evaluation"
    assert run.train_logs == tmp_path / "logs" / "train"


def test_the_default_path_does_not_exist_yet(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    first = default_run_path("demo")
    first.mkdir(parents=True)
    assert default_run_path("demo") != first
