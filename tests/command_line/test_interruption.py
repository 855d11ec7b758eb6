"""Signals that ask a process to end are raised at once, or only noted inside `deferred`; and the process does end."""

import os
import signal
import subprocess
import sys
import threading
import time

import pytest
from places import ROOT

from facevae.command_line.interruption import ONE_REQUEST_SECONDS, SIGNALS, Interrupted, Interruption

NUMBERS = [
    getattr(signal, name)
    for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGUSR1", "SIGUSR2", "SIGXCPU")
    if hasattr(signal, name)
]
A_MOMENT_LATER = ONE_REQUEST_SECONDS + 0.2

BEGINNING = f"""
import sys
sys.path.insert(0, {str(ROOT)!r})
import atexit, ctypes, os, signal, time
from facevae.command_line import interruption
from facevae.command_line.ending import exit_on_user_error

def ready(seconds=60):
    print("ready", flush=True)
    time.sleep(seconds)

def get_stuck():
    # Native code that waits for ever: no signal interrupts it, no handler of Python runs.
    lock = ctypes.create_string_buffer(128)
    print("ready", flush=True)
    for _ in range(2):
        ctypes.CDLL(None).pthread_mutex_lock(lock)
"""


def start(code, **options):
    """A process that runs some code, as soon as it has said that it is ready."""
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    process = subprocess.Popen([sys.executable, "-c", BEGINNING + code], **pipes, **options)
    assert process.stdout.readline() == "ready\n", process.communicate()
    return process


def expect_one_line(process, number, status):
    _, err = process.communicate(timeout=60)
    assert process.returncode == status, err
    assert len(err.splitlines()) == 1, err
    assert err.startswith(f"{signal.Signals(number).name}: stopped")


@pytest.mark.parametrize("number", NUMBERS)
def test_a_signal_is_raised_at_once_with_its_status(number):
    before = signal.getsignal(number)
    with pytest.raises(Interrupted) as raised, Interruption().caught():
        os.kill(os.getpid(), number)
    assert raised.value.status == (130 if number == signal.SIGINT else 75)
    assert raised.value.signal == number
    assert signal.getsignal(number) == before


def test_what_cannot_go_on_later_ends_with_the_status_of_shells():
    with pytest.raises(Interrupted) as raised, Interruption(resumable=False).caught():
        os.kill(os.getpid(), signal.SIGTERM)
    assert raised.value.status == 143
    assert Interrupted(signal.SIGINT, resumable=False).status == 130


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


def test_signals_of_one_moment_are_one_request_and_a_later_one_is_raised_at_once():
    reached = []

    def work(interruption):
        with interruption.deferred():
            for _ in range(3):  # a lost terminal sends SIGHUP twice, as `timeout` does its signal
                os.kill(os.getpid(), signal.SIGTERM)
                reached.append("noted")
            time.sleep(A_MOMENT_LATER)
            os.kill(os.getpid(), signal.SIGTERM)
            reached.append("never")

    with Interruption().caught() as interruption, pytest.raises(Interrupted):
        work(interruption)
    assert reached == ["noted"] * 3


@pytest.mark.skipif(not hasattr(signal, "SIGXCPU"), reason="needs a system with SIGXCPU")
def test_sigxcpu_which_the_system_repeats_is_one_request():
    reached = []

    def work(interruption):
        with interruption.deferred():
            os.kill(os.getpid(), signal.SIGXCPU)
            time.sleep(A_MOMENT_LATER)
            os.kill(os.getpid(), signal.SIGXCPU)
            reached.append("noted")

    with Interruption().caught() as interruption, pytest.raises(Interrupted):
        work(interruption)
    assert reached == ["noted"]


def test_a_deferred_signal_is_raised_at_the_end_of_the_block_at_the_latest():
    with Interruption().caught() as interruption, pytest.raises(Interrupted), interruption.deferred():
        os.kill(os.getpid(), signal.SIGTERM)


def test_a_block_inside_another_has_its_requests():
    with Interruption().caught() as outer, Interruption().caught() as inner:
        assert inner is outer
    with Interruption().caught() as later:
        assert later is not outer


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


def test_a_signal_that_has_another_use_is_left_to_it():
    came = []
    before = signal.signal(signal.SIGUSR1, lambda *_: came.append("theirs"))
    try:
        with Interruption().caught():
            os.kill(os.getpid(), signal.SIGUSR1)
    finally:
        signal.signal(signal.SIGUSR1, before)
    assert came == ["theirs"]


def test_a_request_that_python_would_ignore_is_raised_again():
    class Deleted:
        def __del__(self):
            os.kill(os.getpid(), signal.SIGTERM)

    def work():
        Deleted()
        time.sleep(30)

    with Interruption().caught(), pytest.raises(Interrupted):
        work()


def test_every_signal_of_the_system_is_on_the_list():
    assert set(NUMBERS) <= set(SIGNALS)


def test_an_ignored_sighup_stays_ignored():
    code = "with exit_on_user_error(resumable=True):\n    ready(1.5)\n    print('goes on')"
    process = start(code, preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN))
    process.send_signal(signal.SIGHUP)
    assert process.communicate(timeout=60) == ("goes on\n", "")
    assert process.returncode == 0


@pytest.mark.parametrize("number", NUMBERS)
def test_a_command_ends_with_one_line_and_its_status(number):
    process = start("with exit_on_user_error():\n    ready()")
    process.send_signal(number)
    expect_one_line(process, number, 128 + number)


def test_an_exception_that_comes_from_a_request_is_not_shown():
    code = """
with exit_on_user_error():
    try:
        ready()
    except BaseException as error:
        raise ImportError("initialization failed") from error
"""
    process = start(code)
    process.send_signal(signal.SIGINT)
    expect_one_line(process, signal.SIGINT, 130)


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 75)])
def test_before_a_command_begins_a_signal_ends_it_with_one_line(number, status):
    process = start("interruption.end_on_signals(resumable=True)\nready()")
    process.send_signal(number)
    expect_one_line(process, number, status)


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 75)])
def test_after_a_command_has_ended_a_signal_ends_it_with_one_line(number, status):
    code = """
interruption.end_on_signals(resumable=True)
atexit.register(ready)
with exit_on_user_error(resumable=True):
    pass
"""
    process = start(code)
    process.send_signal(number)
    expect_one_line(process, number, status)


@pytest.mark.skipif(not hasattr(signal, "SIGXCPU"), reason="needs a system with SIGXCPU")
def test_sigxcpu_which_comes_again_while_python_shuts_down_leaves_the_status():
    code = f"""
interruption.end_on_signals(resumable=True)
atexit.register(lambda: [time.sleep({A_MOMENT_LATER}), os.kill(os.getpid(), signal.SIGXCPU)])
with exit_on_user_error(resumable=True):
    ready()
"""
    process = start(code)
    process.send_signal(signal.SIGXCPU)
    expect_one_line(process, signal.SIGXCPU, 75)


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 75)])
def test_native_code_that_never_returns_is_ended_in_time(number, status):
    code = "interruption.GRACE_SECONDS = 0.5\nwith exit_on_user_error(resumable=True):\n    get_stuck()"
    process = start(code)
    process.send_signal(number)
    expect_one_line(process, number, status)


def test_a_training_step_may_take_its_time_until_a_second_request_comes():
    code = """
interruption.GRACE_SECONDS = 0.5
with exit_on_user_error(resumable=True), interruption.Interruption().caught() as requests:
    with requests.deferred():
        get_stuck()
"""
    process = start(code)
    process.send_signal(signal.SIGTERM)
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(timeout=2.0)
    process.send_signal(signal.SIGTERM)
    expect_one_line(process, signal.SIGTERM, 75)


def test_a_later_request_ends_a_process_that_tidies_up_for_too_long():
    code = """
with exit_on_user_error(resumable=True):
    try:
        ready()
    finally:
        ready(300)
"""
    process = start(code)
    process.send_signal(signal.SIGTERM)
    assert process.stdout.readline() == "ready\n"
    time.sleep(A_MOMENT_LATER)
    process.send_signal(signal.SIGTERM)
    began = time.monotonic()
    expect_one_line(process, signal.SIGTERM, 75)
    assert time.monotonic() - began < 5.0
