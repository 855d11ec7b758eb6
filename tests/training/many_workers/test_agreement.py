"""Two workers with clocks of their own follow one schedule and end at the same step."""

import signal
import types

import pytest

from facevae.command_line.interruption import Interruption
from facevae.configuration.choosing import from_preset
from facevae.training import schedule
from facevae.training.checkpoints import Progress
from facevae.training.many_workers.agreement import STEPS_BETWEEN_AGREEMENTS, AgreedSchedule, agreed_schedule
from facevae.training.many_workers.workers import Workers
from facevae.training.stopping import StopTraining


class Wire:
    """The exchange between two workers, which are called in turns."""

    def __init__(self):
        self.seconds, self.requested = 0.0, 0

    def end(self, is_chief):
        """One worker's side, with the methods of `Workers`."""

        def broadcast(seconds):
            if is_chief:
                self.seconds = seconds
            return self.seconds

        def largest(number):
            self.requested = max(self.requested, number)
            return self.requested

        return types.SimpleNamespace(cluster="two", broadcast=broadcast, largest=largest)


class Worker:
    """A worker's schedule, model and clock."""

    def __init__(self, wire, is_chief, seconds_per_step, config):
        self.own, self.seconds_per_step, self.clock = Interruption(), seconds_per_step, 0.0
        progress = Progress()
        self.schedule, self.agreed = agreed_schedule(config, progress, 1000, wire.end(is_chief), self.own)
        self.stopping = StopTraining(config, progress, 1000)
        self.ends = []
        self.model = types.SimpleNamespace(
            global_step=types.SimpleNamespace(numpy=lambda: 0),
            stop_training=False,
            total_steps=types.SimpleNamespace(assign=self.ends.append),
        )
        for callback in (self.schedule, self.stopping):
            callback.set_model(self.model)
            callback.on_train_begin()

    def step(self, monkeypatch, batch):
        monkeypatch.setattr(schedule.time, "monotonic", lambda: self.clock)
        self.schedule.on_train_batch_begin(batch)
        self.clock += self.seconds_per_step
        for callback in (self.schedule, self.stopping):
            callback.on_train_batch_end(batch)


@pytest.fixture
def pair():
    wire = Wire()
    config = from_preset("demo", minutes=0.5)
    return [Worker(wire, True, 0.25, config), Worker(wire, False, 1.0, config)]


def test_the_chiefs_clock_ends_the_training_of_both_at_the_same_step(pair, monkeypatch):
    for step in range(1000):
        for worker in pair:
            worker.step(monkeypatch, step)
        assert pair[0].model.stop_training == pair[1].model.stop_training
        if pair[0].model.stop_training:
            break
    # Half a minute at the chief's four steps a second, noticed at the next agreement.
    assert 120 <= step < 120 + STEPS_BETWEEN_AGREEMENTS
    assert pair[0].ends == pair[1].ends
    assert len(set(pair[0].ends)) > 5
    assert pair[0].ends[-1] == pytest.approx(120, abs=STEPS_BETWEEN_AGREEMENTS)


def test_a_request_to_end_reaches_both_at_the_same_step(pair, monkeypatch):
    seen = []
    for step in range(4 * STEPS_BETWEEN_AGREEMENTS):
        for worker in pair:
            worker.step(monkeypatch, step)
        if step == STEPS_BETWEEN_AGREEMENTS + 3:
            pair[0].own.requested = signal.SIGTERM
        seen.append([worker.agreed.requested for worker in pair])
    first = [row[0] for row in seen].index(signal.SIGTERM)
    assert STEPS_BETWEEN_AGREEMENTS + 3 < first <= 2 * STEPS_BETWEEN_AGREEMENTS
    assert seen[first] == [signal.SIGTERM] * 2
    assert seen[first - 1] == [None] * 2


def test_a_single_process_needs_no_agreement():
    own = Interruption()
    schedule, agreed = agreed_schedule(from_preset("demo"), Progress(), 10, Workers(), own)
    assert agreed is own
    assert not isinstance(schedule, AgreedSchedule)
