import json
import shutil
import subprocess
import sys

import pytest

from facevae.config import from_preset
from facevae.errors import UserError
from facevae.files import WRITING
from facevae.run_folder import RunFolder, default_run_path


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
    with pytest.raises(UserError, match="cannot be written"), RunFolder(tmp_path / "run").locked():
        pass
    assert (tmp_path / "precious").read_text() == "years of work"


def test_another_format_version_is_named(tmp_path):
    run = RunFolder(tmp_path)
    run.save(from_preset("demo"))
    content = json.loads((tmp_path / "run.json").read_text())
    (tmp_path / "run.json").write_text(json.dumps({**content, "format_version": 99}))
    with pytest.raises(UserError, match="has format 99, this facevae reads format 1"):
        run.load_config()


def test_a_second_running_process_is_refused_and_a_killed_one_holds_no_lock(tmp_path):
    code = (
        "import sys, time; from facevae.run_folder import RunFolder\n"
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
        "logs/faces/projector/epoch-00000.bytes",
        "encodings/train.npz",
        "figures/samples.png",
    )
    for file in written:
        subprocess.run([sys.executable, "-c", code, str(tmp_path / file)])
    assert len(list(tmp_path.rglob(f"{WRITING}*/[!.]*"))) == len(written)
    with RunFolder(tmp_path).locked():
        pass
    assert not list(tmp_path.rglob(f"{WRITING}*"))


def test_the_default_path_does_not_exist_yet(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    first = default_run_path("demo")
    first.mkdir(parents=True)
    assert default_run_path("demo") != first
