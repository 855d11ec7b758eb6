"""Decoding in worker processes: the same faces in the same order, even if a worker crashes."""

import io
import os
import signal
import subprocess
import sys
import threading

import numpy as np
import pytest
from PIL import Image

from facevae.data import decoding
from facevae.data.decoding import decode_faces

COUNT = 1100  # enough for two processes


def png(number, size=20):
    buffer = io.BytesIO()
    pixels = np.full((size, size, 3), number % 251, np.uint8)
    pixels[0, 0] = number // 251
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()


@pytest.fixture
def two_cores(monkeypatch):
    monkeypatch.setattr(decoding, "usable_cores", lambda: 2)


@pytest.mark.parametrize("expected", [0, COUNT])
def test_faces_come_in_order_with_reasons_in_place_of_the_bad(two_cores, expected):
    pictures = [b"bad" if number % 7 == 3 else png(number) for number in range(COUNT)]
    results = list(decode_faces(iter(pictures), "square", 20, expected))
    assert len(results) == COUNT
    for number, result in enumerate(results):
        if number % 7 == 3:
            assert "not a picture" in result
        else:
            assert result.faces[0][5, 5].tolist() == [number % 251] * 3
            assert result.faces[0][0, 0, 0] == number // 251


def test_paths_and_contents_may_be_mixed(two_cores, tmp_path):
    odd_name = os.fsencode(tmp_path) + b"/p\xff \xe7\x94\xbb.png"
    with open(odd_name, "wb") as file:
        file.write(png(9))
    results = list(decode_faces([png(5), os.fsdecode(odd_name), "/nothing/here.png"], 16, 16, COUNT))
    assert [results[0].faces[0][3, 3, 0], results[1].faces[0][3, 3, 0]] == [5, 9]
    assert "No such file" in results[2]


def test_a_picture_that_kills_its_worker_is_bad_and_the_others_are_not(two_cores, monkeypatch):
    # Stands for a crash in a decoder written in C: the worker dies when it sees this content.
    start = subprocess.Popen
    program = (
        "import os, runpy, facevae.data.images as images\n"
        "read = images.read_face\n"
        "images.read_face = lambda p, c, s: os.abort() if p == b'deadly' else read(p, c, s)\n"
        "runpy.run_module('facevae.data.decoding', run_name='__main__')\n"
    )

    def start_fragile(arguments, **options):
        position = arguments.index("-m")
        return start([*arguments[:position], "-c", program, *arguments[position + 2 :]], **options)

    monkeypatch.setattr(decoding.subprocess, "Popen", start_fragile)
    pictures = [b"deadly" if number in (17, 40) else png(number) for number in range(100)]
    results = list(decode_faces(pictures, "square", 20, COUNT))
    assert [number for number, result in enumerate(results) if isinstance(result, str)] == [17, 40]
    assert results[17] == "the decoder crashed on it"
    assert [result.faces[0][5, 5, 0] for number, result in enumerate(results) if number not in (17, 40)] == [
        number for number in range(100) if number not in (17, 40)
    ]


def test_a_worker_that_cannot_start_is_an_error_and_not_a_bad_picture(two_cores, monkeypatch):
    start = subprocess.Popen
    monkeypatch.setattr(
        decoding.subprocess,
        "Popen",
        lambda arguments, **options: start([sys.executable, "-c", "raise SystemExit(3)"], **options),
    )
    with pytest.raises(RuntimeError, match="did not start"):
        list(decode_faces([png(0)], "square", 20, COUNT))


def test_pictures_are_read_only_a_little_ahead(two_cores):
    taken = 0

    def pictures():
        nonlocal taken
        for number in range(COUNT):
            taken += 1
            yield png(number % 250)

    faces = decode_faces(pictures(), "square", 20, COUNT)
    next(faces)
    assert taken <= 200
    faces.close()


def test_closing_early_ends_the_workers(two_cores, monkeypatch):
    started = []
    start = subprocess.Popen

    def remember(*arguments, **options):
        started.append(start(*arguments, **options))
        return started[-1]

    monkeypatch.setattr(decoding.subprocess, "Popen", remember)
    faces = decode_faces((png(1) for _ in range(COUNT)), "square", 20, COUNT)
    next(faces)
    faces.close()
    assert [process.poll() for process in started] == [0, 0]
    assert not [thread for thread in threading.enumerate() if "ThreadPoolExecutor" in thread.name]


def test_workers_end_when_the_parent_is_killed(two_cores):
    program = (
        "import itertools, os, sys\n"
        "import facevae.data.decoding as d\n"
        "d.usable_cores = lambda: 2\n"
        "faces = d.decode_faces(itertools.repeat(b'bad'), 'square', 20, 10**6)\n"
        "next(faces)\n"
        "print(os.getpid(), flush=True)\n"
        "for _ in faces: pass\n"
    )
    parent = subprocess.Popen(
        [sys.executable, "-c", program],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,  # inherited by the workers: it ends when the last of them has ended
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
    )
    with parent:
        parent.stdout.readline()
        parent.send_signal(signal.SIGKILL)
        parent.communicate(timeout=20)
    assert parent.returncode == -signal.SIGKILL


def test_modules_in_the_working_folder_are_not_imported(two_cores, tmp_path, monkeypatch):
    """The working folder may be somebody else's data set, and contain Python files."""
    for name in ("numpy.py", "PIL.py", "struct.py", "facevae/__init__.py"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(f"import os; os.mkdir({str(tmp_path / 'executed')!r})")
    monkeypatch.chdir(tmp_path)
    assert len(list(decode_faces([png(0)], "square", 20, COUNT))) == 1
    assert not (tmp_path / "executed").exists()
