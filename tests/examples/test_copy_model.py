"""The command that copies a model into the example apps."""

import importlib.util

import pytest
from places import ROOT

from facevae.errors import UserError

spec = importlib.util.spec_from_file_location("copy_model", ROOT / "examples" / "copy_model.py")
copy_model = importlib.util.module_from_spec(spec)
spec.loader.exec_module(copy_model)


@pytest.fixture
def export(tmp_path):
    folder = tmp_path / "run" / "export"
    folder.mkdir(parents=True)
    for name in (
        "decoder_float32.tflite",
        "decoder_dynamic_int8.tflite",
        "encoder.tflite",
        "model_card.json",
    ):
        (folder / name).write_text(name)
    return folder


@pytest.fixture
def apps(tmp_path, monkeypatch):
    folders = {app: tmp_path / app / "files" for app in copy_model.APPS}
    monkeypatch.setattr(copy_model, "APPS", folders)
    return folders


def test_both_apps_get_the_preferred_decoder_and_the_rest(export, apps, capsys):
    copy_model.main([str(export.parent)])
    printed = capsys.readouterr().out
    for folder in apps.values():
        assert str(folder) in printed
        assert {file.name: file.read_text() for file in folder.iterdir()} == {
            "decoder.tflite": "decoder_dynamic_int8.tflite",
            "encoder.tflite": "encoder.tflite",
            "model_card.json": "model_card.json",
        }


def test_an_export_folder_will_do_and_an_encoder_that_is_gone_is_not_kept(export, apps):
    copy_model.main([str(export)])
    (export / "encoder.tflite").unlink()
    copy_model.main([str(export)])
    assert {file.name for file in apps["iOS"].iterdir()} == {"decoder.tflite", "model_card.json"}


@pytest.mark.parametrize("missing", ["model_card.json", "decoder_*.tflite"])
def test_a_folder_without_an_export_is_refused(export, apps, missing):
    for file in export.glob(missing):
        file.unlink()
    with pytest.raises(UserError, match=r"expected an export .* python export\.py RUN_DIR"):
        copy_model.main([str(export.parent)])
    assert not any(folder.exists() for folder in apps.values())


def test_the_apps_are_where_the_projects_look():
    assert copy_model.APPS["Android"].parent == ROOT / "examples" / "android" / "app" / "src" / "main"
    assert (
        'resources: [.process("Resources")]' in (copy_model.APPS["iOS"].parent / "Package.swift").read_text()
    )
