"""`python evaluate.py` as a user runs it."""

import csv
import dataclasses
import json
import os
import runpy
import subprocess
import sys
import time

import pytest
from failing_disks import read_only
from PIL import Image
from places import ROOT

import facevae
from facevae.configuration.choosing import from_preset
from facevae.evaluation.feature_classifier import cached_classifier
from facevae.model import VAE
from facevae.run.opened_run import OpenedRun
from facevae.run.output_folder import check_result_file
from facevae.run.run_folder import RunFolder


@pytest.fixture
def evaluate(tmp_path, monkeypatch, capsys):
    """A function that runs evaluate.py in an empty folder and returns its exit status, stdout and stderr."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("FACEVAE_CACHE", str(tmp_path / "cache"))

    def evaluate(*flags):
        monkeypatch.setattr(sys, "argv", ["evaluate.py", *map(str, flags)])
        code = 0
        try:
            runpy.run_path(str(ROOT / "evaluate.py"), run_name="__main__")
        except SystemExit as end:
            code = end.code
        return code, *capsys.readouterr()

    return evaluate


def write_table(path, rows):
    with open(path, "w", newline="") as stream:
        csv.writer(stream).writerows(rows)


def write_partition(faces, **counts):
    splits = [split for split, count in enumerate(counts.values()) for _ in range(count)]
    rows = [(f"{number:06d}.jpg", split) for number, split in enumerate(splits, 1)]
    write_table(faces / "list_eval_partition.csv", [("image_id", "partition"), *rows])


@pytest.fixture
def run(tmp_path, blob_images):
    """An untrained run on 60 blobs, 20 of them test faces, with a table of one attribute."""
    faces = tmp_path / "faces"
    (faces / "img_align_celeba").mkdir(parents=True)
    names = [f"{number:06d}.jpg" for number in range(1, 61)]
    for name, image in zip(names, blob_images(60, size=40), strict=True):
        Image.fromarray(image).save(faces / "img_align_celeba" / name)
    attributes = [("image_id", "Smiling"), *((n, 1 - 2 * (i % 2)) for i, n in enumerate(names))]
    write_table(faces / "list_attr_celeba.csv", attributes)
    write_partition(faces, train=20, validation=20, test=20)
    run = RunFolder(tmp_path / "run")
    counts = {"train": 20, "validation": 20, "test": 20}
    run.save(from_preset("demo", data=str(faces), image_size=32), {"faces": counts})
    run.network("last").parent.mkdir(parents=True)
    VAE(image_size=32, latent_dim=4, width=8).save(run.network("last"))
    return run


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["run", "--samples", "7"], "--samples: expected at least 8, received 7."),
        (["run", "--seed", "-1"], "--seed: expected at least 0, received -1."),
        (
            ["run", "--save-images", "ten", "fid"],
            "expected a number of pictures (at least 1) and a folder, received 'ten'",
        ),
        (["run"], "run folder: expected the folder of a run, received 'run', which does not exist."),
        (["run", "--which", "newest"], "--which: expected one of last, best, sharpened, received 'newest'"),
    ],
)
def test_a_mistake_in_a_flag_is_one_message_without_a_traceback(evaluate, flags, message):
    code, out, err = evaluate(*flags)
    assert code == 2
    assert message in err
    assert "Traceback" not in err
    assert not out


def test_help_needs_no_tensorflow(tmp_path):
    (tmp_path / "tensorflow.py").write_text("raise AssertionError('imported')")
    start = time.monotonic()
    done = subprocess.run(
        [sys.executable, str(ROOT / "evaluate.py"), "--help"],
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        text=True,
        capture_output=True,
    )
    assert done.returncode == 0, done.stderr
    assert "--save-images N DIR" in done.stdout
    assert time.monotonic() - start < 10.0  # well under a second on a free machine


def test_a_run_without_the_model_asked_for_is_one_message(evaluate, run):
    code, _, err = evaluate(run.path, "--which", "best")
    assert code == 2
    assert "best.keras is missing, and the checkpoint does not hold this model." in err
    assert f"copy {run.network('last')} to its place" in err
    assert "Traceback" not in err


def test_metrics_pictures_and_notes(evaluate, run, tmp_path):
    code, out, err = evaluate(run.path, "--save-images", 10, "fid", "--seed", 3)
    assert code == 0, err
    for title in (
        "PSNR",
        "SSIM",
        "ELBO",
        "bits per dimension",
        "active units",
        "Fréchet distance",
        "precision",
    ):
        assert title in out
    assert "SWD 32x32 x 1000" in out
    assert "SWD 16x16 x 1000" in out
    assert "Note: 20 samples instead of 10,000: there are no more test faces to compare them with." in out
    assert "other data" not in out
    stored = json.loads(run.evaluation.read_text(encoding="utf-8"))
    assert (stored["seed"], stored["which"], stored["test_faces"]) == (3, "last", 20)
    assert f"{stored['metrics']['reconstruction/mse']:.5f}" in out
    assert len(list((tmp_path / "fid" / "samples").glob("*.png"))) == 10
    assert list(run.evaluation_logs.iterdir())
    assert len(list((tmp_path / "cache").glob("*-classifier-*.npz"))) == 1


def test_a_sharpened_run_is_judged_by_its_pictures_and_keeps_the_likelihood_of_its_first_phase(evaluate, run):
    config = run.load_config()
    run.save(dataclasses.replace(config, sharpen=0.5), run.load_data_description())
    evaluate(run.path)
    before = json.loads(run.evaluation.read_text(encoding="utf-8"))["metrics"]
    sharpened = facevae.load(run.path)
    for weight in sharpened.decoder.trainable_variables:
        weight.assign(weight + 0.1)
    sharpened.save(run.network("sharpened"))

    code, out, err = evaluate(run.path)
    assert code == 0, err
    stored = json.loads(run.evaluation.read_text(encoding="utf-8"))
    assert stored["which"] == "sharpened"
    assert "drawn by the sharpened decoder; the likelihood is that of the model before, last" in " ".join(
        out.split()
    )
    for name in ("likelihood/elbo", "likelihood/bits_per_dimension", "likelihood/kl"):
        assert stored["metrics"][name] == before[name]
    assert stored["metrics"]["reconstruction/mse"] != before["reconstruction/mse"]


def test_a_run_that_cannot_be_written_shows_the_figures_and_then_says_so(evaluate, run, tmp_path):
    with read_only(run.path):
        code, out, err = evaluate(run.path, "--samples", 8)
        assert code == 2
        assert "PSNR" in out
        assert "evaluation.json: cannot be written (Permission denied)" in err
        assert err.rstrip().endswith("--output FILE.")
        before = sorted(run.path.rglob("*"))
        code, out, err = evaluate(run.path, "--samples", 8, "--output", tmp_path / "results" / "a.json")
        assert code == 0, err
        assert sorted(run.path.rglob("*")) == before
    stored = json.loads((tmp_path / "results" / "a.json").read_text(encoding="utf-8"))
    assert f"{stored['metrics']['reconstruction/mse']:.5f}" in out
    check_result_file(tmp_path / "results" / "a.json")  # its own result may be replaced


def test_a_classifier_that_cannot_be_kept_is_trained_for_this_evaluation(
    evaluate, run, tmp_path, blob_images
):
    dataset = OpenedRun(run.path, cache_dir=tmp_path / "cache").dataset
    with read_only(tmp_path / "cache"):
        classifier = cached_classifier(dataset)
    assert classifier.features(blob_images(2)).shape == (2, 128)
    assert not list((tmp_path / "cache").glob("*-classifier-*.npz"))


def test_places_that_must_not_be_written_are_refused_before_the_work(evaluate, run, tmp_path):
    (tmp_path / "thesis.json").write_text('{"chapters": 9}')
    (tmp_path / "full" / "samples").mkdir(parents=True)
    (tmp_path / "full" / "samples" / "1.png").touch()
    (tmp_path / "link").symlink_to("faces")
    for place, message in (
        (tmp_path / "faces", "expected a folder outside the faces"),
        (tmp_path / "faces" / "img_align_celeba" / "fid", "expected a folder outside the faces"),
        (tmp_path / "link" / "fid", "expected a folder outside the faces"),
        (run.path, "belongs to the run"),
        (run.path / "figures" / "fid", "belongs to the run"),
        (tmp_path, "holds files already ('faces', 'full'"),
        (tmp_path / "full", "holds files already ('samples/1.png')"),
        (tmp_path / "thesis.json", "cannot be written (Not a directory)"),
        (tmp_path / "thesis.json" / "fid", "cannot be written"),
    ):
        code, out, err = evaluate(run.path, "--save-images", 10, place)
        assert (code, out) == (2, ""), place
        assert "--save-images" in err
        assert message in err
    for place in (
        tmp_path / "thesis.json",
        run.path / "run.json",
        tmp_path,
        tmp_path / "thesis.json" / "a.json",
    ):
        code, out, err = evaluate(run.path, "--output", place)
        assert (code, out) == (2, ""), place
        assert "error: --output: " in err
    assert (tmp_path / "thesis.json").read_text() == '{"chapters": 9}'


def test_moved_data_is_found_with_the_data_flag_and_changed_data_is_noted(evaluate, run, tmp_path):
    (tmp_path / "faces").rename(tmp_path / "moved")
    code, _, err = evaluate(run.path)
    assert code == 2
    assert "data: expected an existing folder of pictures" in err
    assert "Traceback" not in err
    write_partition(tmp_path / "moved", train=30, validation=20, test=10)
    code, out, err = evaluate(run.path, "--data", tmp_path / "moved", "--samples", 8)
    assert code == 0, err
    assert (
        "Note: The run was trained on other data (faces then {'train': 20, 'validation': 20, 'test': 20}"
        in out
    )


def test_too_few_test_faces_are_refused(evaluate, run, tmp_path):
    write_partition(tmp_path / "faces", train=40, validation=15, test=5)
    code, _, err = evaluate(run.path)
    assert code == 2
    assert "test split: expected at least 8 faces, faces has 5." in err
