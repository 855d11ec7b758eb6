"""The flags of train.py: what they return, and what --help shows."""

import dataclasses
import subprocess
import sys

from facevae.configuration.config import Config
from facevae.configuration.presets import PRESETS
from facevae.training import parse_command_line


def test_command_line_returns_only_what_was_given():
    chosen = parse_command_line(
        ["--preset", "celeba64", "--epochs", "3", "--no-flip", "--learning-rate", "1e-4"]
    )
    assert chosen == {"preset": "celeba64", "epochs": 3, "flip": False, "learning_rate": 1e-4}


def test_folders_become_absolute_and_names_stay(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "faces").mkdir()
    assert parse_command_line(["--data", "faces"])["data"] == str(tmp_path / "faces")
    assert parse_command_line(["--data", "celeb_a", "--data-dir", "sets"]) == {
        "data": "celeb_a",
        "data_dir": str(tmp_path / "sets"),
    }
    assert parse_command_line(["--data-dir", "gs://bucket/sets"])["data_dir"] == "gs://bucket/sets"


def test_help_shows_every_field_and_preset_without_tensorflow():
    code = "import sys, train; from facevae import training; training.parse_command_line(['--help'])"
    shown = subprocess.run([sys.executable, "-X", "importtime", "-c", code], capture_output=True, text=True)
    assert shown.returncode == 0
    for field in dataclasses.fields(Config):
        assert f"--{field.name.replace('_', '-')}" in shown.stdout
    for preset in PRESETS:
        assert preset in shown.stdout
    assert "tensorflow" not in shown.stderr
