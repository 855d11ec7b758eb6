"""A small parent process for each worker, which ends with it, and explains ends that the worker cannot explain.

When workers lose each other TensorFlow may abort the process: no `except` catches that, and the last lines are about
gRPC. While they wait for each other it holds Python's interpreter: no handler and no thread of the worker runs. The
parent does not import TensorFlow, so neither befalls it.
"""

import contextlib
import ctypes
import os
import pathlib
import select
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator

from facevae.command_line import display
from facevae.command_line.interruption import SIGNALS, Interrupted, requests
from facevae.errors import UserError

_CHANNEL = "FACEVAE_SUPERVISED_BY"  # in the child's environment: a socket that closes when the parent ends
# Exit statuses after which the child's last line says what happened.
_EXPLAINED_BY_CHILD = (0, 2, 75, 130, 143)
# How long a worker may leave a signal unheard.
GRACE_SECONDS = 10.0
_POLL_SECONDS = 0.2
_HEARD, _LOG, _END = b"heard", b"log ", b"\0"
_SET_SIGNAL_OF_PARENTS_DEATH = 1  # PR_SET_PDEATHSIG of prctl(2)

_parent: socket.socket | None = None


def run_supervised(who: str) -> int | None:
    """Runs the command of this process again in a child process, and passes on signals, output and exit status.

    Args:
        who: the worker, for the message.

    Returns:
        In the parent, after the child has ended, the exit status for this process. In the child, which does the work,
        None at once. The child ends when its parent ends.
    """
    if os.name == "nt":
        raise UserError(
            "strategy: expected Linux, macOS or WSL2 for several workers, received Windows. Use WSL2."
        )
    if _CHANNEL in os.environ:
        _follow_parent()
        return None
    ours, theirs = socket.socketpair()
    with ours:
        asked: list[tuple[int, float]] = []
        child = _start(theirs, asked)
        status = _wait(child, ours, asked)
    if asked and status not in _EXPLAINED_BY_CHILD:
        stop = Interrupted(asked[0][0])
        print(
            f"{stop.signal.name}: stopped. {who} was ended where it waited; what had been saved is intact. "
            f"Start all workers again with --resume.{display.where_logged()}",
            file=sys.stderr,
        )
        return stop.status
    if status not in _EXPLAINED_BY_CHILD:
        print(f"\nerror: {who} {_what_happened(status)}{display.where_logged()}", file=sys.stderr)
    return status if status >= 0 else 128 - status


def tell_parent_that_it_was_heard() -> None:
    """Says in a worker that a request to end has arrived: the worker will end by itself."""
    _tell_parent(_HEARD)


def tell_parent_where_the_log_is(path: pathlib.Path) -> None:
    """Says in the chief where its log is, so that the parent's last line is in it, too."""
    _tell_parent(_LOG + os.fsencode(path))


def _tell_parent(message: bytes) -> None:
    if _parent is not None:
        with contextlib.suppress(OSError):
            _parent.sendall(message + _END)


# ---------------------------------------------------------------------------------------------------------
# In the parent
# ---------------------------------------------------------------------------------------------------------


def _start(channel: socket.socket, asked: list[tuple[int, float]]) -> subprocess.Popen:
    """Starts the child; signals that come from here on are noted in `asked`, with their time, and passed on."""
    child: subprocess.Popen | None = None

    def pass_on(number: int, frame: object) -> None:
        asked.append((number, time.monotonic()))
        if child is not None:
            child.send_signal(number)

    signal.set_wakeup_fd(-1)  # this process ends with its child, not in time
    with _blocked():  # the child inherits that: it takes signals when it can
        for number in requests():
            signal.signal(number, pass_on)
        child = subprocess.Popen(
            [sys.executable, *sys.orig_argv[1:]],
            env={**os.environ, _CHANNEL: str(channel.fileno())},
            pass_fds=(channel.fileno(),),
            process_group=0,  # Ctrl-C reaches it only through its parent
        )
    channel.close()
    return child


def _wait(child: subprocess.Popen, channel: socket.socket, asked: list[tuple[int, float]]) -> int:
    """Waits for the child's end, and kills it where it does not hear a request; returns its status."""
    received, heard, is_open = b"", False, True
    while True:
        try:
            return child.wait(0.0 if is_open else _POLL_SECONDS)
        except subprocess.TimeoutExpired:
            pass
        if is_open and select.select([channel], [], [], _POLL_SECONDS)[0]:
            content = channel.recv(4096)
            is_open = bool(content)
            *messages, received = (received + content).split(_END)
            for message in messages:
                heard = heard or message == _HEARD
                if message.startswith(_LOG):
                    display.keep_log(pathlib.Path(os.fsdecode(message[len(_LOG) :])))
        if asked and not heard and time.monotonic() - asked[0][1] > GRACE_SECONDS:
            child.kill()
            return child.wait()


def _what_happened(status: int) -> str:
    again = "Start all workers again with --resume: they go on from the last checkpoint."
    if status == -signal.SIGABRT:
        return f"was aborted, as TensorFlow does when another worker stops or cannot be reached. {again}"
    if status == -signal.SIGKILL:
        return f"was killed; a common reason is that the machine's memory was used up. {again}"
    if status < 0:
        return f"was ended by {signal.Signals(-status).name}. {again}"
    return f"ended with the error above. Once it is fixed: {again[0].lower()}{again[1:]}"


@contextlib.contextmanager
def _blocked() -> Iterator[None]:
    earlier = signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, earlier)


# ---------------------------------------------------------------------------------------------------------
# In the child
# ---------------------------------------------------------------------------------------------------------


def _follow_parent() -> None:
    global _parent
    _parent = socket.socket(fileno=int(os.environ[_CHANNEL]))
    if sys.platform == "linux":  # a thread of Python would not run while TensorFlow waits for other workers
        ctypes.CDLL(None).prctl(_SET_SIGNAL_OF_PARENTS_DEATH, signal.SIGKILL, 0, 0, 0)
    # In a process group of its own it is in the background, where a terminal may stop whoever writes.
    signal.signal(signal.SIGTTOU, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, args=(_parent,), daemon=True).start()
    signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)


def _end_with_parent(parent: socket.socket) -> None:
    with contextlib.suppress(OSError):
        parent.recv(1)
    os._exit(1)
