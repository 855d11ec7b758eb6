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


def test_a_worker_ends_with_its_parent():
    process = start("print(os.getpid(), flush=True)\ntime.sleep(60)")
    worker = int(process.stdout.readline())
    process.kill()
    process.communicate(timeout=60)
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        try:
            os.kill(worker, 0)
        except ProcessLookupError:
            return
        time.sleep(0.05)
    os.kill(worker, signal.SIGKILL)
    pytest.fail("the worker outlived its parent")
