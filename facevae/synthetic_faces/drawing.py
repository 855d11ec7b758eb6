"""Faces drawn and compressed to PNG in parallel processes, yielded in order.

The processes are started as commands, not through multiprocessing, which would import the caller's script a second
time: this works from any script or notebook. (Threads were measured to bring no speed-up: the arrays are too small.)
"""

import contextlib
import io
import os
import pathlib
import struct
import subprocess
import sys

from PIL import Image

from facevae.synthetic_faces.factors import sample_faces
from facevae.synthetic_faces.renderer import render

_FACES_AT_ONCE = 8
_LENGTH = struct.Struct("<I")


def draw_in_processes(first, count, seed, image_size):
    """Draws faces `first` to `first + count - 1` of a seed on all cores.

    Yields:
        bytes: the PNG file of each face, in order.

    Raises:
        RuntimeError: a drawing process ended early; its own message is on stderr.
    """
    workers = min(os.cpu_count() or 1, -(-count // _FACES_AT_ONCE))
    package_root = str(pathlib.Path(__file__).resolve().parents[2])
    environment = dict(os.environ)
    environment["PYTHONPATH"] = os.pathsep.join(filter(None, [package_root, environment.get("PYTHONPATH")]))
    with contextlib.ExitStack() as processes:
        pipes = []
        for worker in range(workers):
            numbers = (first, count, seed, image_size, worker, workers)
            # -P: modules in the working folder must not shadow installed ones.
            command = [sys.executable, "-P", "-m", "facevae.synthetic_faces.drawing", *map(str, numbers)]
            # Signals from the terminal reach this process alone, which then kills its drawing processes.
            options = {"stdout": subprocess.PIPE, "env": environment, "process_group": 0}
            process = processes.enter_context(subprocess.Popen(command, **options))
            processes.callback(process.kill)
            pipes.append(process.stdout)
        for index in range(count):
            yield _read(pipes[(index // _FACES_AT_ONCE) % workers])


def _read(pipe):
    header = pipe.read(_LENGTH.size)
    if len(header) == _LENGTH.size:
        (length,) = _LENGTH.unpack(header)
        content = pipe.read(length)
        if len(content) == length:
            return content
    raise RuntimeError(
        "Expected every process that draws synthetic faces to finish, but one ended early: "
        "mend the cause in its message above and try again."
    )


def draw_share(first, count, seed, image_size, worker, workers, output):
    """Writes one process's share, every `workers`-th chunk of faces, to a binary file: each PNG after its length."""
    for start in range(worker * _FACES_AT_ONCE, count, workers * _FACES_AT_ONCE):
        faces = sample_faces(min(_FACES_AT_ONCE, count - start), seed, first + start)
        for image in render(faces, image_size):
            file = io.BytesIO()
            Image.fromarray(image).save(file, "png", compress_level=1)
            output.write(_LENGTH.pack(file.tell()) + file.getvalue())


if __name__ == "__main__":
    # The reading process may stop early, which is no error.
    with contextlib.suppress(BrokenPipeError):
        first, count, seed, image_size, worker, workers = map(int, sys.argv[1:])
        draw_share(first, count, seed, image_size, worker, workers, sys.stdout.buffer)
        sys.stdout.buffer.flush()
