import pytest
import tensorflow as tf

from facevae.model import schedules


def test_cosine_rises_peaks_halves_and_ends_at_one_percent():
    rate = {p: float(schedules.learning_rate(2.0, "cosine", tf.constant(p))) for p in (0.0, 0.02, 0.51, 1.0)}
    assert 0.0 < rate[0.0] < 0.3
    assert rate[0.02] == pytest.approx(2.0)
    assert rate[0.51] == pytest.approx(2.0 * (0.01 + 0.99 * 0.5), rel=1e-5)
    assert rate[1.0] == pytest.approx(0.02, rel=1e-5)


def test_constant_stays():
    assert float(schedules.learning_rate(3e-4, "constant", tf.constant(0.7))) == pytest.approx(3e-4)


def test_kl_weight_rises_linearly_over_its_warm_up():
    weights = [float(schedules.kl_weight(2.0, 0.5, tf.constant(p))) for p in (0.0, 0.25, 0.5, 1.0)]
    assert weights == pytest.approx([0.0, 1.0, 2.0, 2.0])
    assert float(schedules.kl_weight(2.0, 0.0, tf.constant(0.0))) == 2.0
