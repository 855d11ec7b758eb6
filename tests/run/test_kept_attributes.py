"""What a model can do to attributes: measured once for each model, and kept with the run."""

import numpy as np
import pytest
from finished_run import NAMES, write_run

from facevae.editing import measuring
from facevae.errors import UserError
from facevae.run.opened_run import OpenedRun


@pytest.fixture
def run(tmp_path):
    return write_run(tmp_path / "run")


@pytest.fixture
def measured(monkeypatch):
    """How often it was measured; what is measured comes from too few faces, in a moment."""
    calls = []

    def measure(model, names, mean, attributes):
        calls.append(names)
        return measuring.unmeasured(names, mean, attributes)

    monkeypatch.setattr("facevae.run.kept_attributes.measuring.measure", measure)
    return calls


def test_it_is_measured_once_and_again_only_for_another_model(run, measured):
    first, second = (OpenedRun(run.path).attributes for _ in range(2))
    assert len(measured) == 1
    assert second.names == tuple(NAMES)
    np.testing.assert_array_equal(first.directions, second.directions)
    model = OpenedRun(run.path).model
    model.decoder.weights[0].assign(model.decoder.weights[0] + 0.1)
    model.save(run.network("last"))
    assert OpenedRun(run.path).attributes.offered_names == NAMES
    assert len(measured) == 2


def test_the_reader_is_kept_and_reads_as_before(tmp_path):
    run = write_run(tmp_path / "more", faces=300)
    first, second = (OpenedRun(run.path).attributes for _ in range(2))
    latents = np.random.default_rng(0).standard_normal((5, 8)).astype(np.float32)
    assert first.reader is not second.reader
    np.testing.assert_allclose(second.reader.logits(latents), first.reader.logits(latents), atol=1e-5)
    assert np.ptp(first.reader.logits(latents)) > 0.01


def test_a_damaged_file_is_replaced(run, measured):
    for content in (b"", b"PK\x03\x04 no archive"):
        run.attributes.write_bytes(content)
        assert OpenedRun(run.path).attributes.offered_names == NAMES
    kept = dict(np.load(run.attributes))
    for change in ({"directions": kept["directions"] * np.nan}, {"offered": kept["offered"][:1]}):
        np.savez(run.attributes, **{**kept, **change})
        assert np.isfinite(OpenedRun(run.path).attributes.directions).all()
    assert len(measured) == 4


def test_a_run_without_attributes_says_so(tmp_path):
    run = write_run(tmp_path / "bare", attributes=False)
    with pytest.raises(UserError, match="has no attributes"):
        _ = OpenedRun(run.path).attributes
