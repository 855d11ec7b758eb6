"""SIGTERM and Ctrl-C are raised at once, or only noted inside `deferred`."""

import os
import signal
import threading

import pytest

from facevae.interruption import Interrupted, Interruption


@pytest.mark.parametrize(("number", "status"), [(signal.SIGTERM, 75), (signal.SIGINT, 130)])
def test_a_signal_is_raised_at_once_with_its_status(number, status):
    before = signal.getsignal(number)
    with pytest.raises(Interrupted) as raised, Interruption().caught():
        os.kill(os.getpid(), number)
    assert raised.value.status == status
    assert signal.getsignal(number) is before


def test_a_deferred_signal_is_raised_when_asked_for_and_a_second_at_once():
    reached = []

    def work(interruption):
        with interruption.deferred():
            os.kill(os.getpid(), signal.SIGTERM)
            reached.append("after the signal")
            interruption.raise_if_requested()
            reached.append("never")

    with Interruption().caught() as interruption:
        with pytest.raises(Interrupted):
            work(interruption)
        with pytest.raises(Interrupted):
            work(interruption)
    assert reached == ["after the signal"]


def test_a_deferred_signal_is_raised_at_the_end_of_the_block_at_the_latest():
    with Interruption().caught() as interruption, pytest.raises(Interrupted), interruption.deferred():
        os.kill(os.getpid(), signal.SIGTERM)


def test_other_threads_train_without_catching_signals():
    caught = []

    def train():
        with Interruption().caught() as interruption:
            caught.append(interruption.requested)

    before = signal.getsignal(signal.SIGTERM)
    thread = threading.Thread(target=train)
    thread.start()
    thread.join()
    assert caught == [None]
    assert signal.getsignal(signal.SIGTERM) is before
