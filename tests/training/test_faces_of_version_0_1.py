"""Faces that version 0.1 prepared, and runs that it began on them."""

import json

import numpy as np
import pytest
from begun_runs import another_picture, begun, go_on, identities

from facevae.data import preparation
from facevae.data.splits import splits_by_name
from facevae.errors import UserError
from facevae.run.opened_run import OpenedRun


def as_version_0_1(dataset):
    """Makes of the records on disk what version 0.1 would have made."""
    index = json.loads((dataset.folder / "index.json").read_text())
    for name in ("checksum", "checksums", "duplicates", "moved"):
        del index[name]
    (dataset.folder / "index.json").write_text(json.dumps(index | {"format_version": 1}))
    names = json.loads((dataset.folder / "names.json").read_text())
    given = np.fromfile(dataset.folder / "given.uint8", np.uint8)
    splits_by_name(names, given).tofile(dataset.folder / "splits.uint8")
    for name in ("hashes", "given"):
        (dataset.folder / f"{name}.uint8").unlink()


def run_of_version_0_1(path, folder):
    """A run of 0.1: it describes the data by name, counts and attributes, and its splits follow the names."""
    run = begun(path, folder)
    dataset = preparation.prepare_for(run.load_config(), split_rule=1)
    run.save(run.load_config(), {"name": dataset.name, "attribute_names": [], "faces": dataset.counts})
    run.faces.unlink()
    as_version_0_1(dataset)
    return run, {name: records.names(slice(None)) for name, records in dataset.splits.items()}


def test_records_of_0_1_are_prepared_again_once_with_one_line(folder, cache, capsys):
    first = preparation.prepare(folder, image_size=32)
    as_version_0_1(first)
    capsys.readouterr()
    assert identities(preparation.prepare(folder, image_size=32)) == identities(first)
    out = capsys.readouterr().out
    assert out.count("prepared by version 0.1, without checksums: prepared again, once") == 1
    preparation.prepare(folder, image_size=32)
    assert "0.1" not in capsys.readouterr().out


def test_records_of_0_1_stay_until_the_new_ones_are_whole(folder, cache, monkeypatch):
    first = preparation.prepare(folder, image_size=32)
    as_version_0_1(first)
    before = {path.name: path.read_bytes() for path in first.folder.iterdir()}

    def fail(self, description):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(preparation.RecordsWriter, "finish", fail)
        with pytest.raises(UserError, match="disk is full"):
            preparation.prepare(folder, image_size=32)
    assert {path.name: path.read_bytes() for path in first.folder.iterdir()} == before


def test_a_run_of_0_1_keeps_its_splits_and_is_compared_by_content_once_it_goes_on(
    tmp_path, folder, cache, capsys
):
    run, names = run_of_version_0_1(tmp_path / "run", folder)
    capsys.readouterr()
    opened = OpenedRun(run.path)
    assert {name: r.names(slice(None)) for name, r in opened.dataset.splits.items()} == names
    assert "split as version 0.1 did (0 validation and test faces equal a training face)" in (
        out := capsys.readouterr().out
    )
    assert "begun by version 0.1: only numbers and attribute names of its faces were compared" in out
    assert {name: r.names(slice(None)) for name, r in go_on(run).splits.items()} == names
    assert run.load_data_description()["split_rule"] == 1
    assert {name: r.names(slice(None)) for name, r in go_on(run).splits.items()} == names
    another_picture(folder)
    with pytest.raises(UserError, match=r"1 of .* faces new \(3\.png first\), 1 gone"):
        go_on(run)


def test_a_run_of_0_1_with_other_counts_is_refused(tmp_path, folder, cache):
    run, _ = run_of_version_0_1(tmp_path / "run", folder)
    (folder / "3.png").unlink()
    with pytest.raises(UserError, match=r"received others \(faces then"):
        go_on(run)
