"""The parent of a worker explains how the worker ended, and neither outlives the other."""

import os
import signal
import subprocess
import sys
import time

import pytest

BEGINNING = """
import os, pathlib, signal, sys, time
from facevae.training.many_workers.supervision import run_supervised
status = run_supervised("worker 1 of 2 (b:2)")
if status is not None:
    sys.exit(status)
"""


def start(work):
    command = [sys.executable, "-c", BEGINNING + work]
    return subprocess.Popen(command, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


@pytest.mark.parametrize(
    ("work", "status", "last_line"),
    [
        ("os.abort()", 134, "was aborted, as TensorFlow does when another worker stops"),
        (
            "os.kill(os.getpid(), signal.SIGKILL)",
            137,
            "was killed; a common reason is that the machine's memory was used up.",
        ),
        ("os.kill(os.getpid(), signal.SIGSEGV)", 139, "was ended by SIGSEGV."),
        ("raise OSError('no route to host')", 1, "ended with the error above."),
    ],
)
def test_the_last_line_says_what_happened_and_what_to_do(work, status, last_line):
    process = start(work)
    _, err = process.communicate(timeout=60)
    assert process.returncode == status
    assert err.splitlines()[-1].startswith(f"error: worker 1 of 2 (b:2) {last_line}")
    assert err.splitlines()[-1].endswith("--resume: they go on from the last checkpoint.")


@pytest.mark.parametrize("status", [0, 2, 75])
def test_the_parent_adds_nothing_to_a_worker_that_explained_its_end(status):
    process = start(f"print('out'); print('said', file=sys.stderr); sys.exit({status})")
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out, err) == (status, "out\n", "said\n")


def test_a_signal_reaches_the_worker_once():
    process = start(
        "signal.signal(signal.SIGTERM, lambda *_: (print('asked to end', flush=True), sys.exit(75)))\n"
        "print('ready', flush=True)\n"
        "time.sleep(60)"
    )
    assert process.stdout.readline() == "ready\n"
    process.send_signal(signal.SIGTERM)
    out, _ = process.communicate(timeout=60)
    assert (process.returncode, out) == (75, "asked to end\n")


def expect_gone(worker, seconds=5):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            os.kill(worker, 0)
        except ProcessLookupError:
            return
        time.sleep(0.05)
    os.kill(worker, signal.SIGKILL)
    pytest.fail("the worker outlived its parent")


def test_a_worker_ends_with_its_parent():
    process = start("print(os.getpid(), flush=True)\ntime.sleep(60)")
    worker = int(process.stdout.readline())
    process.kill()
    process.communicate(timeout=60)
    expect_gone(worker, seconds=30)


def start_with(before, work, **options):
    """A worker whose parent runs `before` first, too."""
    code = BEGINNING.replace("status =", f"{before}\nstatus =", 1) + work
    pipes = {"text": True, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    process = subprocess.Popen([sys.executable, "-c", code], **pipes, **options)
    return process


# TensorFlow's wait for other workers: native code that keeps the interpreter, so that no thread of Python runs either.
KEEPS_THE_INTERPRETER = """
import ctypes
lock = ctypes.create_string_buffer(128)
print(os.getpid(), flush=True)
for _ in range(2):
    ctypes.PyDLL(None).pthread_mutex_lock(lock)
"""


@pytest.mark.parametrize(
    ("number", "status"), [(signal.SIGTERM, 75), (signal.SIGINT, 130), (signal.SIGHUP, 75)]
)
def test_a_worker_that_waits_in_native_code_is_ended_with_one_line(number, status):
    before = "from facevae.training.many_workers import supervision\nsupervision.GRACE_SECONDS = 0.5"
    process = start_with(before, KEEPS_THE_INTERPRETER)
    worker = int(process.stdout.readline())
    time.sleep(0.5)  # from its line to its wait
    process.send_signal(number)
    _, err = process.communicate(timeout=60)
    assert process.returncode == status
    assert len(err.splitlines()) == 1
    assert err.startswith(f"{number.name}: stopped. worker 1 of 2 (b:2) was ended where it waited;")
    assert err.endswith("--resume.\n")
    expect_gone(worker)


@pytest.mark.skipif(sys.platform != "linux", reason="needs Linux, which ends a process with its parent")
def test_a_worker_that_waits_in_native_code_ends_with_its_parent():
    process = start(KEEPS_THE_INTERPRETER)
    worker = int(process.stdout.readline())
    process.kill()
    process.communicate(timeout=60)
    expect_gone(worker)


def test_a_signal_that_comes_before_the_worker_can_take_it_is_kept_for_it():
    work = """
from facevae.command_line.ending import exit_on_user_error
with exit_on_user_error(resumable=True):
    time.sleep(60)
"""
    # The worker takes a second to begin; its parent is asked meanwhile.
    before = "if 'FACEVAE_SUPERVISED_BY' in os.environ:\n    time.sleep(1.0)\nelse:\n    print('ready', flush=True)"
    process = start_with(before, work)
    assert process.stdout.readline() == "ready\n"
    time.sleep(0.4)
    process.send_signal(signal.SIGTERM)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 75
    assert [line for line in err.splitlines() if "Traceback" in line] == []


def test_the_chiefs_log_says_what_happened_to_it(tmp_path):
    before = "from facevae.command_line import display\ndisplay.install()"
    work = f"""
from facevae.training.many_workers import supervision
supervision.tell_parent_where_the_log_is(pathlib.Path({str(tmp_path / "train.log")!r}))
time.sleep(1.0)
os.kill(os.getpid(), signal.SIGKILL)
"""
    process = start_with(before, work)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 137
    assert err.rstrip().endswith(f"Log: {tmp_path / 'train.log'}")
    assert "error: worker 1 of 2 (b:2) was killed;" in (tmp_path / "train.log").read_text()
