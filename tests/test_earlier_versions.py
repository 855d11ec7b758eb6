"""Runs that version 0.1 trained load, go on, are measured, looked at and exported.

`fixtures/run_0_1.zip` is a run folder that the code of 0.1 wrote for 110 synthetic faces of 32x32, with two thirds of
its weights set to 0 so that it packs into 27 kB. The figures below are what that code made of it.
"""

import json
import re
import subprocess
import sys
import zipfile

import numpy as np
import pytest
from PIL import Image
from places import FIXTURES, ROOT

import evaluate
import explore
import export
import facevae
from facevae.synthetic_faces import ATTRIBUTE_NAMES, render, sample_faces

ARCHIVE = FIXTURES / "run_0_1.zip"
ATTRIBUTES = ("Eyeglasses", "Male", "Smiling")
LATENTS = [
    [-1.122, -3.16312, 13.00985],
    [-0.86382, 0.50785, 7.30318],
    [-7.11266, 2.98483, 4.16118],
    [-4.96759, 1.68501, -3.83192],
]
MEAN_COLOURS = [
    [0.50351, 0.48489, 0.48666],
    [0.50267, 0.48635, 0.48923],
    [0.50705, 0.4874, 0.4875],
    [0.50377, 0.48654, 0.48938],
]
MEANS = [
    [-4.0521, -0.361, 1.2955],
    [-4.0884, -0.4766, 1.1757],
    [-5.0606, -0.5745, 1.0834],
    [-5.2164, -0.2636, 1.4949],
]


@pytest.fixture
def run(tmp_path):
    """The run folder, unpacked; its pictures are not where it was trained."""
    with zipfile.ZipFile(ARCHIVE) as archive:
        archive.extractall(tmp_path / "run")
    return tmp_path / "run"


@pytest.fixture
def pictures(tmp_path):
    """Synthetic faces in the layout of the run's data set: as many, with the same attributes."""
    faces = sample_faces(110, seed=3)
    folder = tmp_path / "moved"
    (folder / "img").mkdir(parents=True)
    for number, image in enumerate(render(faces, 32)):
        Image.fromarray(image).save(folder / "img" / f"{number:06d}.png")
    columns = [ATTRIBUTE_NAMES.index(name) for name in ATTRIBUTES]
    rows = [
        ",".join([f"{number:06d}.png", *("1" if row[column] else "-1" for column in columns)])
        for number, row in enumerate(faces.attributes)
    ]
    table = "\n".join([",".join(["image_id", *ATTRIBUTES]), *rows])
    (folder / "list_attr_celeba.csv").write_text(table + "\n", encoding="utf-8")
    return folder


def test_the_models_draw_and_encode_as_they_did(run):
    for which in ("best", "last"):
        model = facevae.load(run, which)
        faces = model.decode_all(np.array(LATENTS, np.float32))
        np.testing.assert_allclose(faces.mean(axis=(1, 2)), MEAN_COLOURS, atol=1e-4, equal_nan=False)
        mean, _ = model.encode(np.round(faces * 255).astype(np.uint8))
        np.testing.assert_allclose(mean, MEANS, atol=2e-3, equal_nan=False)


def test_the_finished_model_samples_from_the_density_that_was_fitted_then(run):
    latents = facevae.load(run).sample_latents(4, seed=1)
    np.testing.assert_allclose(latents, LATENTS, atol=2e-5, equal_nan=False)


@pytest.mark.slow
def test_evaluate_measures_it_on_faces_that_lie_elsewhere(run, pictures, tmp_path, capsys):
    evaluate.main([str(run), "--data", str(pictures), "--cache-dir", str(tmp_path / "cache")])
    old = json.loads(zipfile.ZipFile(ARCHIVE).read("evaluation.json"))
    new = json.loads((run / "evaluation.json").read_text(encoding="utf-8"))
    assert old["metrics"].keys() <= new["metrics"].keys()
    for name in ("likelihood/sigma", "likelihood/active_units"):  # what the model alone decides
        assert new["metrics"][name] == pytest.approx(old["metrics"][name], rel=1e-6)
    assert "mean squared error" in capsys.readouterr().out


@pytest.mark.slow
def test_explore_looks_at_it(run, pictures, tmp_path):
    faces = ["--data", str(pictures), "--cache-dir", str(tmp_path / "cache")]
    explore.main([str(run), "generate", "--count", "4"])
    explore.main([str(run), *faces, "edit", "2", "--attribute", "Smiling"])
    assert {path.name for path in (run / "figures").iterdir()} >= {
        "generated-count-4.png",
        "edit_2_Smiling.png",
    }


@pytest.mark.slow
def test_export_needs_nothing_but_the_run(run, tmp_path):
    assert export.main([str(run), "--formats", "dynamic_int8", "--output-dir", str(tmp_path / "out")]) == 0
    card = json.loads((tmp_path / "out" / "model_card.json").read_text(encoding="utf-8"))
    assert (tmp_path / "out" / "decoder_dynamic_int8.tflite").stat().st_size > 10_000
    assert [attribute["name"] for attribute in card["attributes"]] == list(ATTRIBUTES)


@pytest.mark.slow
def test_a_training_goes_on_from_its_checkpoint(run, pictures, tmp_path):
    """A third epoch, after the two of 0.1; where the faces lie now is written into its configuration."""
    description = json.loads((run / "run.json").read_text(encoding="utf-8"))
    description["config"]["data"] = str(pictures)
    (run / "run.json").write_text(json.dumps(description), encoding="utf-8")
    flags = ["--run-dir", str(run), "--resume", "--epochs", "3", "--cache-dir", str(tmp_path / "cache")]
    done = subprocess.run(
        [sys.executable, str(ROOT / "train.py"), *flags], capture_output=True, text=True, cwd=tmp_path
    )
    assert done.returncode == 0, done.stderr
    assert re.findall(r"^ +(\d+)(?: +-?\d+\.\d+)+ +\d+ s$", done.stdout, re.MULTILINE) == [
        "3"
    ]  # one epoch's line
    assert json.loads((run / "run.json").read_text(encoding="utf-8"))["config"]["precision"] == "float32"
    assert int(facevae.load(run).global_step) == 15
