"""SIGTERM and Ctrl-C: what has something to save saves it first, and the status says whether to come again."""

import contextlib
import signal
import threading
from collections.abc import Iterator
from typing import Any

# `EX_TEMPFAIL` of sysexits.h, "the user is invited to retry": a supervisor may start the same command with --resume.
RESUME_ME = 75
STATUS = {signal.SIGTERM: RESUME_ME, signal.SIGINT: 130}


class Interrupted(BaseException):
    """The process was asked to end, and has saved what there was. No `except Exception` holds it up.

    Attributes:
        signal: which asked for it.
        status: to exit with: 75 after SIGTERM, 130 after Ctrl-C.
    """

    def __init__(self, number: int):
        super().__init__(signal.Signals(number).name)
        self.signal = signal.Signals(number)
        self.status = STATUS[self.signal]


class Interruption:
    """Turns SIGTERM and Ctrl-C into `Interrupted`.

    It is raised at once, wherever the program is; inside `deferred` the request is only noted, until somebody calls
    `raise_if_requested`. A second request is always raised at once.
    """

    def __init__(self) -> None:
        self.requested: int | None = None
        self._deferred = False

    @contextlib.contextmanager
    def caught(self) -> Iterator["Interruption"]:
        """Catches the signals inside the block. Python lets the main thread alone do so: elsewhere nothing is done."""
        if threading.current_thread() is not threading.main_thread():
            yield self
            return
        before = {number: signal.signal(number, self._handle) for number in STATUS}
        try:
            yield self
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    @contextlib.contextmanager
    def deferred(self) -> Iterator[None]:
        """Notes a request that comes inside the block, instead of raising it there."""
        self._deferred = True
        try:
            yield
        finally:
            self._deferred = False
        self.raise_if_requested()

    def raise_if_requested(self) -> None:
        """Raises what was noted.

        Raises:
            Interrupted: a request came.
        """
        if self.requested is not None:
            raise Interrupted(self.requested)

    def _handle(self, number: int, frame: Any) -> None:
        again, self.requested = self.requested is not None, number
        if again or not self._deferred:
            raise Interrupted(number)
