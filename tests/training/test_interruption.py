"""SIGTERM and Ctrl-C: raised at once, or noted while there is something to save."""

import os
import signal
import threading

import pytest

from facevae.training.interruption import Interrupted, Interruption


@pytest.mark.parametrize(("number", "status"), [(signal.SIGTERM, 75), (signal.SIGINT, 130)])
def test_a_signal_is_raised_at_once_with_its_status(number, status):
    before = signal.getsignal(number)
    with pytest.raises(Interrupted) as raised, Interruption().caught():
        os.kill(os.getpid(), number)
    assert raised.value.status == status
    assert signal.getsignal(number) is before


def test_a_deferred_signal_waits_for_its_place_and_a_second_does_not():
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


def test_a_signal_that_nobody_asked_about_is_raised_at_the_end_of_the_block():
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
