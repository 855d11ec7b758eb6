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
from typing import IO, cast

import numpy as np

from facevae.data.aligning import Found, Taken, read_faces
from facevae.data.images import BadPictureError, read_face

Encoded = str | bytes  # a picture file's path, or its content

# Pictures per message: few enough to keep all workers busy, many enough to hide the messages' cost.
_CHUNK = 16
_PICTURES_PER_WORKER = 500  # below this, starting another process costs more than it saves
# glibc gives memory back to the system after each picture and asks for it again for the next one, page by page,
# which takes up to half of a worker's time; with these it keeps some. Other libraries ignore them (mallopt(3)).
KEEP_MEMORY = {"MALLOC_MMAP_THRESHOLD_": str(2**25), "MALLOC_TRIM_THRESHOLD_": str(2**26)}
_PHOTOGRAPHS_PER_WORKER = 60  # whose faces are found, which takes ten times as long
_HELLO = b"ready"
_HEADER = struct.Struct("<BQ")


def decode_faces(
    pictures: Iterable[Encoded], crop: str | int, size: int, expected: int, taken: Taken | None = None
) -> Generator[Found | str]:
    """Decodes pictures on all cores, a bounded number ahead of the consumer.

    Args:
        pictures: paths or contents, read as they are needed.
        crop: "square" or a side in pixels.
        size: side of the result.
        expected: about how many pictures there are, which decides how many processes are worth starting.
        taken: which of the faces in a picture are found and aligned; None to take pictures as they are.

    Yields:
        For each picture in order its faces (one where it is taken as it is), or the reason why it cannot be used.

    Raises:
        UserError: the face detector is needed and not installed.
    """
    workers = min(
        usable_cores(), expected // (_PICTURES_PER_WORKER if taken is None else _PHOTOGRAPHS_PER_WORKER)
    )
    if workers < 2:
        with warnings.catch_warnings():  # Pillow's warnings about a damaged file; it is judged by its pixels
            warnings.simplefilter("ignore")
            yield from (_decode(picture, crop, size, taken) for picture in pictures)
        return
    pictures = iter(pictures)
    chunks = iter(lambda: list(itertools.islice(pictures, _CHUNK)), [])
    with _Pool(workers, crop, size, taken) as pool:
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

    def __init__(self, workers: int, crop: str | int, size: int, taken: Taken | None):
        self._threads = concurrent.futures.ThreadPoolExecutor(workers)
        self._idle: queue.SimpleQueue[_Worker] = queue.SimpleQueue()
        self._all: list[_Worker] = []
        try:
            for _ in range(workers):
                self._all.append(_Worker(crop, size, taken))
                self._idle.put(self._all[-1])
        except BaseException:
            self.__exit__()
            raise

    def submit(self, chunk: list[Encoded]) -> concurrent.futures.Future:
        return self._threads.submit(self._decode, chunk)

    def _decode(self, chunk: list[Encoded]) -> list[Found | str]:
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
    def __init__(self, crop: str | int, size: int, taken: Taken | None):
        self._crop, self._size, self._taken = crop, size, taken
        self._start()

    def decode(self, chunk: list[Encoded]) -> list[Found | str]:
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
                *(str(self._crop), str(self._size), *([self._taken] if self._taken else [])),
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

    def _ask(self, chunk: list[Encoded]) -> list[Found | str]:
        requests = ((isinstance(p, bytes), p if isinstance(p, bytes) else os.fsencode(p)) for p in chunk)
        _send(self._requests, requests, len(chunk))
        return [
            self._found(content) if is_face else content.decode()
            for is_face, content in _receive(self._answers)
        ]

    def _found(self, content: bytes) -> Found:
        """Pixels of the faces, then a byte with the number of those that were left out."""
        faces = np.frombuffer(content, np.uint8, len(content) - 1).reshape(-1, self._size, self._size, 3)
        return Found(faces, content[-1])


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


def _decode(picture: Encoded, crop: str | int, size: int, taken: Taken | None) -> Found | str:
    try:
        if taken is not None:
            return read_faces(picture, crop, size, taken)
        return Found(read_face(picture, crop, size)[None], 0)
    except BadPictureError as error:
        return str(error)


def _serve(crop: str | int, size: int, taken: Taken | None) -> None:
    """Runs in the worker process: decodes until its input ends."""
    requests, answers = sys.stdin.buffer, sys.stdout.buffer
    sys.stdout = sys.stderr  # what a library prints must not get into the answers
    answers.write(_HELLO)
    answers.flush()
    with contextlib.suppress(EOFError, BrokenPipeError):
        while True:
            chunk = _receive(requests)
            results = [
                _decode(p if is_content else os.fsdecode(p), crop, size, taken) for is_content, p in chunk
            ]
            encoded = (
                (True, r.faces.tobytes() + bytes([min(r.left_out, 255)]))
                if isinstance(r, Found)
                else (False, r.encode("utf-8", "backslashreplace"))
                for r in results
            )
            _send(answers, encoded, len(results))


if __name__ == "__main__":
    _serve(
        sys.argv[1] if sys.argv[1] == "square" else int(sys.argv[1]),
        int(sys.argv[2]),
        cast(Taken, sys.argv[3]) if len(sys.argv) > 3 else None,
    )
