"""Output that goes away ends no command, and a training's log has what was printed."""

import os
import re
import subprocess
import sys
import time

import pytest
from places import ROOT

from facevae.command_line.display import elapsed_time

BEGINNING = f"""
import sys
sys.path.insert(0, {str(ROOT)!r})
import logging, os, pathlib, time, warnings
from facevae.command_line import display
from facevae.command_line.ending import exit_on_user_error
from facevae.errors import UserError
from tqdm import tqdm

def print_in_every_way():
    print("printed")
    tqdm.write("written")
    for _ in tqdm(range(3), desc="outer", mininterval=0.0):
        for _ in tqdm(range(3), desc="inner", mininterval=0.0, leave=False):
            pass
    logging.warning("logged \\x1b[31mred\\x1b[0m")
    warnings.warn("warned", stacklevel=1)
    sys.stderr.write("in ")
    sys.stderr.write("parts\\n")
    os.write(2, b"native\\n")
"""
TRAINING = """
with exit_on_user_error(resumable=True):
    display.keep_log(pathlib.Path("train.log"), "started")
    print_in_every_way()
    time.sleep(0.2)
    print_in_every_way()
    print("the end", flush=True)
"""
EXPECTED = ["printed", "written", "WARNING:root:logged red", "in parts"]


def run(code, folder, **streams):
    return subprocess.run(
        [sys.executable, "-c", BEGINNING + code], cwd=folder, timeout=60, **{"text": True, **streams}
    )


def lines_of_log(folder):
    """The lines of the log, of which each begins with its time."""
    found = [
        re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d  (.*)", line)
        for line in (folder / "train.log").read_text().splitlines()
    ]
    assert all(found)
    return [match[1] for match in found]


def expect_whole_log(folder):
    lines = lines_of_log(folder)
    assert lines[0] == "started"
    assert [line for line in lines if line in EXPECTED] == EXPECTED * 2
    assert "the end" in lines
    assert not [line for line in lines if "outer" in line or "inner" in line]


def test_the_log_has_every_line_and_no_progress_bars(tmp_path):
    done = run(TRAINING, tmp_path, capture_output=True)
    assert done.returncode == 0
    expect_whole_log(tmp_path)
    assert done.stdout == "printed\nwritten\n" * 2 + "the end\n"


def test_what_is_no_terminal_gets_lines_only(tmp_path):
    done = run(TRAINING, tmp_path, capture_output=True)
    assert "\r" not in done.stdout + done.stderr
    assert "" not in done.stderr.splitlines()
    assert done.stderr.splitlines().count("in parts") == 2


def test_a_reader_that_leaves_ends_nothing(tmp_path):
    reading, writing = os.pipe()
    os.close(reading)
    done = run(TRAINING, tmp_path, stdout=writing, stderr=writing)
    os.close(writing)
    assert done.returncode == 0
    expect_whole_log(tmp_path)


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")
def test_a_full_device_ends_nothing(tmp_path):
    with open("/dev/full", "w") as full:
        done = run(TRAINING, tmp_path, stdout=full, stderr=full)
    assert done.returncode == 0
    expect_whole_log(tmp_path)
    assert any("No space left on device" in line for line in lines_of_log(tmp_path))


@pytest.mark.parametrize("closed", [">&-", "2>&-", ">&- 2>&-", "<&- >&- 2>&-"])
def test_streams_that_are_closed_at_the_start_end_nothing(tmp_path, closed):
    (tmp_path / "program.py").write_text(BEGINNING + TRAINING)
    done = subprocess.run(f'"{sys.executable}" program.py {closed}', shell=True, cwd=tmp_path, timeout=60)
    assert done.returncode == 0
    expect_whole_log(tmp_path)
    assert b"native" not in (tmp_path / "train.log").read_bytes()  # the log did not get descriptor 1 or 2


def test_a_terminal_that_closes_ends_nothing(tmp_path):
    pty, termios = pytest.importorskip("pty"), pytest.importorskip("termios")
    ours, theirs = pty.openpty()
    termios.tcsetwinsize(theirs, (24, 80))  # a new one has no columns, and a progress bar no room
    code = TRAINING.replace("time.sleep(0.2)", "sys.stdin.readline()")
    process = subprocess.Popen(
        [sys.executable, "-c", BEGINNING + code],
        cwd=tmp_path,
        stdin=subprocess.PIPE,
        stdout=theirs,
        stderr=theirs,
    )
    os.close(theirs)
    shown = b""
    while b"native" not in shown:
        shown += os.read(ours, 4096)
    assert b"\router:" in shown  # a terminal has progress bars
    os.close(ours)
    process.communicate(b"go on\n", timeout=60)
    assert process.returncode == 0
    expect_whole_log(tmp_path)


def test_a_log_goes_on_where_the_last_start_ended_it(tmp_path):
    for _ in range(2):
        run(TRAINING, tmp_path, capture_output=True)
    lines = lines_of_log(tmp_path)
    assert lines.count("started") == lines.count("the end") == 2


def test_what_was_printed_before_the_log_began_is_in_it(tmp_path):
    run(TRAINING.replace("display.keep", "print('early'); display.keep"), tmp_path, capture_output=True)
    assert lines_of_log(tmp_path)[:3] == ["started", "early", "printed"]


def test_the_log_says_how_a_training_ended(tmp_path):
    wrong = TRAINING.replace('print("the end", flush=True)', "raise UserError('a mistake')")
    done = run(wrong, tmp_path, capture_output=True)
    assert done.returncode == 2
    assert lines_of_log(tmp_path)[-1] == "error: a mistake Log: train.log"
    assert done.stderr.splitlines()[-1] == "error: a mistake Log: train.log"
    run(TRAINING.replace('print("the end", flush=True)', "1 / 0"), tmp_path, capture_output=True)
    assert lines_of_log(tmp_path)[-1] == "ZeroDivisionError: division by zero"


@pytest.mark.parametrize("place", ["a link", "a folder", "a pipe"])
def test_a_log_that_cannot_be_written_costs_a_warning(tmp_path, place):
    log, elsewhere = tmp_path / "train.log", tmp_path / "elsewhere"
    elsewhere.write_text("mine")
    if place == "a link":
        log.symlink_to(elsewhere)
    elif place == "a folder":
        log.mkdir()
    else:
        os.mkfifo(log)
    done = run(TRAINING, tmp_path, capture_output=True)
    assert done.returncode == 0
    assert "the end" in done.stdout
    assert done.stderr.startswith("warning: train.log cannot be written (")
    assert elsewhere.read_text() == "mine"


def test_a_command_without_a_log_says_that_a_full_disk_has_lost_its_output(tmp_path):
    if not os.path.exists("/dev/full"):
        pytest.skip("needs /dev/full")
    with open("/dev/full", "w") as full:
        done = run(
            "with exit_on_user_error():\n    print('result')", tmp_path, stdout=full, stderr=subprocess.PIPE
        )
    assert done.returncode == 2
    assert done.stderr.startswith("error: standard output could not be written (No space left on device)")


@pytest.mark.parametrize("script", ["train.py", "evaluate.py", "explore.py", "export.py"])
def test_help_into_a_pipe_that_nobody_reads_is_no_error(tmp_path, script):
    reading, writing = os.pipe()
    os.close(reading)
    command = [sys.executable, str(ROOT / script), "--help"]
    done = subprocess.run(command, stdout=writing, stderr=subprocess.PIPE, cwd=tmp_path, timeout=60)
    os.close(writing)
    assert (done.returncode, done.stderr) == (0, b"")


def test_a_library_without_progress_shows_the_time_that_it_takes(capsys):
    with elapsed_time("Working"):
        time.sleep(1.2)
    shown = capsys.readouterr().err
    assert "Working: 00:01" in shown
    assert shown.endswith("\r")  # it leaves nothing behind
