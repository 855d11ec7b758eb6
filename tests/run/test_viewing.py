"""The viewing temperature: where faces look best, measured once for each model and kept with the run."""

import json

import numpy as np
import pytest
from finished_run import write_run

from facevae.latents import VIEWING_TEMPERATURE
from facevae.run import viewing
from facevae.run.encodings import Encodings
from facevae.run.opened_run import OpenedRun


class Echo:
    """A model whose pictures are its latents, drawn from N(0, 1): it loses nothing between latent and latent."""

    def sample(self, count, seed, temperature):
        drawn = np.random.default_rng(seed + 1).standard_normal((count, 2), dtype=np.float32)
        return np.float32(temperature) * drawn

    def encode_all(self, pictures):
        return pictures, None


def encoded(mean):
    return Encodings(np.arange(len(mean)), mean, np.zeros_like(mean), None)


@pytest.fixture
def run(tmp_path):
    return write_run(tmp_path / "run")


def test_faces_of_half_the_spread_look_best_at_half_the_noise_that_faces_of_all_of_it_take():
    """Where faces are spread as samples are at some temperature, noise beyond it leaves them."""
    faces = np.random.default_rng(0).standard_normal((1000, 2), dtype=np.float32)
    narrow = viewing.measure(Echo(), encoded(0.6 * faces))
    wide = viewing.measure(Echo(), encoded(faces))
    assert tuple(narrow) == tuple(wide) == viewing.TEMPERATURES
    assert narrow[0.6] > narrow[0.8] > narrow[1.0]
    assert viewing.best(narrow) < viewing.best(wide)


def test_precision_counts_eight_times():
    assert viewing._f_score(1.0, 1.0) == pytest.approx(1.0)
    assert viewing._f_score(0.5, 0.5) == pytest.approx(0.5)
    assert viewing._f_score(0.8, 0.1) == pytest.approx(65 / 64 * 0.08 / (0.0125 + 0.1))
    assert viewing._f_score(0.0, 0.0) == 0.0


def test_too_few_faces_or_an_encoder_that_tells_none_apart_leave_the_usual_temperature():
    faces = np.random.default_rng(0).standard_normal((viewing.FEWEST_FACES - 1, 2), dtype=np.float32)
    assert viewing.measure(Echo(), encoded(faces)) == {}
    assert viewing.measure(Echo(), encoded(np.full((500, 2), 0.3, np.float32))) == {}
    assert viewing.best({}) == viewing.best({0.6: 0.0, 1.0: 0.0}) == VIEWING_TEMPERATURE


def test_it_is_measured_once_and_again_only_for_another_model(run, monkeypatch):
    measured = []
    monkeypatch.setattr(viewing, "measure", lambda *_: measured.append(1) or {0.6: 0.2, 0.75: 0.4, 1.0: 0.1})
    assert [OpenedRun(run.path).viewing_temperature for _ in range(2)] == [0.75, 0.75]
    assert len(measured) == 1
    model = OpenedRun(run.path).model
    model.decoder.weights[0].assign(model.decoder.weights[0] + 0.1)
    model.save(run.network("last"))
    assert OpenedRun(run.path).viewing_temperature == 0.75
    assert len(measured) == 2


@pytest.mark.parametrize("content", ["", "[]", '{"model": "x"}', '{"temperature": 7.5, "model": null}'])
def test_a_damaged_file_is_replaced(run, monkeypatch, content):
    monkeypatch.setattr(viewing, "measure", lambda *_: {0.65: 0.9})
    run.viewing.write_text(content)
    assert OpenedRun(run.path).viewing_temperature == 0.65
    assert json.loads(run.viewing.read_text())["temperature"] == 0.65


def test_a_value_out_of_range_is_not_believed(run, monkeypatch):
    monkeypatch.setattr(viewing, "measure", lambda *_: {0.65: 0.9})
    made_with = viewing.fingerprint(OpenedRun(run.path).model)
    for temperature in ("NaN", "-1.0", "7.5", '"hot"'):
        run.viewing.write_text(f'{{"model": "{made_with}", "temperature": {temperature}}}')
        assert OpenedRun(run.path).viewing_temperature == 0.65
