"""SIGTERM and Ctrl-C: a training saves before it ends, and its exit status says whether to start it again."""

import contextlib
import signal
import threading
from collections.abc import Iterator
from typing import Any

# `EX_TEMPFAIL` of sysexits.h, "the user is invited to retry": a supervisor may start the same command with --resume.
RESUME_STATUS = 75
EXIT_STATUS = {signal.SIGTERM: RESUME_STATUS, signal.SIGINT: 130}


class Interrupted(BaseException):
    """The process was asked to end. Not an `Exception`, so that no `except Exception` on the way stops it.

    Attributes:
        signal: SIGTERM or SIGINT.
        status: the exit status, 75 after SIGTERM, 130 after Ctrl-C.
    """

    def __init__(self, number: int):
        super().__init__(signal.Signals(number).name)
        self.signal = signal.Signals(number)
        self.status = EXIT_STATUS[self.signal]


class Interruption:
    """Turns SIGTERM and Ctrl-C into `Interrupted`.

    It is raised at once, wherever the program is. Inside `deferred` the request is only noted, until
    `raise_if_requested` is called or the block ends; a second request is raised at once.

    Attributes:
        requested: the signal that came, None while there is none.
    """

    def __init__(self) -> None:
        self.requested: int | None = None
        self._deferred = False

    @contextlib.contextmanager
    def caught(self) -> Iterator["Interruption"]:
        """Catches the signals inside the block. Python allows it in the main thread only: in others nothing is done."""
        if threading.current_thread() is not threading.main_thread():
            yield self
            return
        before = {number: signal.signal(number, self._handle) for number in EXIT_STATUS}
        try:
            yield self
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    @contextlib.contextmanager
    def deferred(self) -> Iterator[None]:
        """Only notes a request that comes inside the block; it is raised at the end of the block at the latest."""
        self._deferred = True
        try:
            yield
        finally:
            self._deferred = False
        self.raise_if_requested()

    def raise_if_requested(self) -> None:
        """Raises the request that was noted, if there is one.

        Raises:
            Interrupted: a request came.
        """
        if self.requested is not None:
            raise Interrupted(self.requested)

    def _handle(self, number: int, frame: Any) -> None:
        again, self.requested = self.requested is not None, number
        if again or not self._deferred:
            raise Interrupted(number)
