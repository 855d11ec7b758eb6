"""Decodes picture files to faces on all cores, in order.

The work is done by worker processes, because one picture is so little work that threads would mostly wait for the
interpreter's lock. They run `python -m facevae.data.decoding` and communicate over pipes: nothing is pickled, the
user's script is not imported a second time, and a crash of the decoder costs only the picture that caused it.
"""

import collections
import concurrent.futures
import contextlib
import itertools
import os
import pathlib
import queue
import struct
import subprocess
import sys
import warnings
from collections.abc import Generator, Iterable
from typing import IO

import numpy as np

from facevae.data.images import BadPictureError, read_face

Encoded = str | bytes  # a picture file's path, or its content

# Pictures per message: few enough to keep all workers busy, many enough to hide the messages' cost.
_CHUNK = 16
_PICTURES_PER_WORKER = 500  # below this, starting another process costs more than it saves
# glibc gives memory back to the system after each picture and asks for it again for the next one, page by page,
# which takes up to half of a worker's time; with these it keeps some. Other libraries ignore them (mallopt(3)).
KEEP_MEMORY = {"MALLOC_MMAP_THRESHOLD_": str(2**25), "MALLOC_TRIM_THRESHOLD_": str(2**26)}
_HELLO = b"ready"
_HEADER = struct.Struct("<BQ")


def decode_faces(
    pictures: Iterable[Encoded], crop: str | int, size: int, expected: int
) -> Generator[np.ndarray | str]:
    """Decodes pictures on all cores, a bounded number ahead of the consumer.

    Args:
        pictures: paths or contents, read as they are needed.
        crop: "square" or a side in pixels.
        size: side of the result.
        expected: about how many pictures there are, which decides how many processes are worth starting.

    Yields:
        For each picture in order uint8[size, size, 3], or the reason why it cannot be used.
    """
    workers = min(usable_cores(), expected // _PICTURES_PER_WORKER)
    if workers < 2:
        with warnings.catch_warnings():  # Pillow's warnings about a damaged file; it is judged by its pixels
            warnings.simplefilter("ignore")
            yield from (_decode(picture, crop, size) for picture in pictures)
        return
    pictures = iter(pictures)
    chunks = iter(lambda: list(itertools.islice(pictures, _CHUNK)), [])
    with _Pool(workers, crop, size) as pool:
        pending: collections.deque[concurrent.futures.Future] = collections.deque()
        for chunk in chunks:
            pending.append(pool.submit(chunk))
            if len(pending) >= 3 * workers:
                yield from pending.popleft().result()
        while pending:
            yield from pending.popleft().result()


def usable_cores() -> int:
    """How many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class _Pool:
    """A thread for each worker process, which waits for its answers."""

    def __init__(self, workers: int, crop: str | int, size: int):
        self._threads = concurrent.futures.ThreadPoolExecutor(workers)
        self._idle: queue.SimpleQueue[_Worker] = queue.SimpleQueue()
        self._all: list[_Worker] = []
        try:
            for _ in range(workers):
                self._all.append(_Worker(crop, size))
                self._idle.put(self._all[-1])
        except BaseException:
            self.__exit__()
            raise

    def submit(self, chunk: list[Encoded]) -> concurrent.futures.Future:
        return self._threads.submit(self._decode, chunk)

    def _decode(self, chunk: list[Encoded]) -> list[np.ndarray | str]:
        worker = self._idle.get()
        try:
            return worker.decode(chunk)
        finally:
            self._idle.put(worker)

    def __enter__(self) -> "_Pool":
        return self

    def __exit__(self, *_: object) -> None:
        self._threads.shutdown(wait=True, cancel_futures=True)
        for worker in self._all:
            worker.stop()


class _Worker:
    def __init__(self, crop: str | int, size: int):
        self._crop, self._size = crop, size
        self._start()

    def decode(self, chunk: list[Encoded]) -> list[np.ndarray | str]:
        try:
            return self._ask(chunk)
        except (OSError, EOFError):  # the process died; each picture alone shows which one did it
            self.stop()
            self._start()
            if len(chunk) == 1:
                return ["the decoder crashed on it"]
            return [result for picture in chunk for result in self.decode([picture])]

    def stop(self) -> None:
        with contextlib.suppress(OSError):
            self._requests.close()  # the process ends at the end of its input
        self._process.wait()
        self._answers.close()

    def _start(self) -> None:
        package_parent = str(pathlib.Path(__file__).resolve().parents[2])
        path = os.pathsep.join(filter(None, (package_parent, os.environ.get("PYTHONPATH"))))
        self._process = subprocess.Popen(
            # -P: no module is imported from the working folder, which may be somebody else's data set.
            [
                *(sys.executable, "-P", "-W", "ignore", "-m", "facevae.data.decoding"),
                *(str(self._crop), str(self._size)),
            ],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**KEEP_MEMORY, **os.environ, "PYTHONPATH": path},
            process_group=0,  # signals from the terminal reach the parent alone; when it ends, the pipe is closed
        )
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._requests, self._answers = self._process.stdin, self._process.stdout
        if self._answers.read(len(_HELLO)) != _HELLO:
            self._requests.close()
            self._answers.close()
            raise RuntimeError(f"a decoding process did not start (exit status {self._process.wait()})")

    def _ask(self, chunk: list[Encoded]) -> list[np.ndarray | str]:
        requests = ((isinstance(p, bytes), p if isinstance(p, bytes) else os.fsencode(p)) for p in chunk)
        _send(self._requests, requests, len(chunk))
        shape = (self._size, self._size, 3)
        return [
            np.frombuffer(content, np.uint8).reshape(shape) if is_face else content.decode()
            for is_face, content in _receive(self._answers)
        ]


def _send(stream: IO[bytes], messages: Iterable[tuple[bool, bytes]], count: int) -> None:
    parts = [_HEADER.pack(0, count)]
    for flag, content in messages:
        parts += (_HEADER.pack(flag, len(content)), content)
    stream.write(b"".join(parts))
    stream.flush()


def _receive(stream: IO[bytes]) -> list[tuple[bool, bytes]]:
    _, count = _HEADER.unpack(_read(stream, _HEADER.size))
    messages = []
    for _ in range(count):
        flag, length = _HEADER.unpack(_read(stream, _HEADER.size))
        messages.append((bool(flag), _read(stream, length)))
    return messages


def _read(stream: IO[bytes], length: int) -> bytes:
    content = stream.read(length)
    if len(content) < length:
        raise EOFError
    return content


def _decode(picture: Encoded, crop: str | int, size: int) -> np.ndarray | str:
    try:
        return read_face(picture, crop, size)
    except BadPictureError as error:
        return str(error)


def _serve(crop: str | int, size: int) -> None:
    """Runs in the worker process: decodes until its input ends."""
    requests, answers = sys.stdin.buffer, sys.stdout.buffer
    sys.stdout = sys.stderr  # what a library prints must not get into the answers
    answers.write(_HELLO)
    answers.flush()
    with contextlib.suppress(EOFError, BrokenPipeError):
        while True:
            chunk = _receive(requests)
            results = [_decode(p if is_content else os.fsdecode(p), crop, size) for is_content, p in chunk]
            encoded = (
                (True, r.tobytes())
                if isinstance(r, np.ndarray)
                else (False, r.encode("utf-8", "backslashreplace"))
                for r in results
            )
            _send(answers, encoded, len(results))


if __name__ == "__main__":
    _serve(sys.argv[1] if sys.argv[1] == "square" else int(sys.argv[1]), int(sys.argv[2]))
