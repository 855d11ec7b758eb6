"""Requests to end: which signals ask for it, what is saved first, the last line, and the exit status.

The commands begin with this module, so it imports little.
"""

import _thread
import atexit
import contextlib
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

from facevae.errors import RESUME_STATUS

# Ctrl-C, service managers, a lost terminal, the warnings of batch systems before they end a job, a limit on processor
# time, Windows' Ctrl-Break.
_NAMES = ("SIGINT", "SIGTERM", "SIGHUP", "SIGUSR1", "SIGUSR2", "SIGXCPU", "SIGBREAK")
SIGNALS = tuple(signal.Signals(getattr(signal, name)) for name in _NAMES if hasattr(signal, name))

# A lost terminal sends SIGHUP twice (system and shell), `timeout` its signal too: within this time they are one.
ONE_REQUEST_SECONDS = 0.5
# How long a process may take to end by itself. Steps of a training are waited for without a limit, until a second
# request comes.
GRACE_SECONDS = 10.0
_POLL_SECONDS = 0.1

_original_handlers: dict[int, Any] = {}


class Interrupted(BaseException):
    """The process was asked to end. Not an `Exception`, so that no `except Exception` on the way stops it.

    Attributes:
        signal: which of `SIGNALS` came.
        status: the exit status: 130 after Ctrl-C; after the others 75 in a training, else 128 + number.
    """

    def __init__(self, number: int, resumable: bool = True):
        super().__init__(signal.Signals(number).name)
        self.signal = signal.Signals(number)
        goes_on = resumable and self.signal != signal.SIGINT
        self.status = RESUME_STATUS if goes_on else 128 + number


def end_on_signals(resumable: bool = False) -> None:
    """Ends the process with one line where a signal comes before `exit_on_user_error` begins, or after it has ended.

    Called before the other imports, which take a while.

    Args:
        resumable: whether the command is train.py, see `Interrupted`.
    """
    before = _ending_handler(resumable, "before anything was begun. Start the same command again.")
    for number in requests():
        _original_handlers[number] = signal.signal(number, before)


def _end_on_signals_while_python_shuts_down(resumable: bool, said: bool) -> None:
    after = _ending_handler(resumable, "" if said else "when all was done.")
    for number in requests():
        # The others may come again and again, as SIGXCPU does; Python would make them deadly, and the status theirs.
        is_wanted = number in (signal.SIGINT, signal.SIGTERM)
        signal.signal(number, after if is_wanted else signal.SIG_IGN)


def _ending_handler(resumable: bool, when: str) -> Callable[[int, Any], None]:
    def end(number: int, frame: Any) -> None:
        stop = Interrupted(number, resumable)
        if when:
            with contextlib.suppress(OSError):
                os.write(2, f"{stop.signal.name}: stopped {when}\n".encode())
        os._exit(stop.status)

    return end


def requests() -> list[int]:
    """The signals that ask this process to end.

    SIGHUP and the others that may have another use are left alone where they were ignored when the process started, as
    by `nohup`, or have a handler.
    """
    always = (signal.SIGINT, signal.SIGTERM)
    return [
        number
        for number in SIGNALS
        if number in always or number in _original_handlers or signal.getsignal(number) == signal.SIG_DFL
    ]


def default_last_line(stop: Interrupted) -> str:
    """What a command says that has nothing to go on with."""
    return f"{stop.signal.name}: stopped. Nothing is left half-written; the same command starts over."


class Interruption:
    """Turns the signals that ask a process to end into `Interrupted`.

    It is raised at once, wherever the program is. Inside `deferred` the request is only noted, until
    `raise_if_requested` is called or the block ends; a second request is raised at once, and a third ends the process.
    So does a thread where the process does not end in time, as in native code that waits.

    Args:
        resumable: whether the command is a training, see `Interrupted`.

    Attributes:
        requested: the signal that came, None while there is none.
        last_line: what the process says in the end.
        when_heard: called in another thread when a signal has come, even where the program cannot notice it.
    """

    _current: "Interruption | None" = None

    def __init__(self, resumable: bool = True) -> None:
        self.requested: int | None = None
        self.last_line: Callable[[Interrupted], str] = default_last_line
        self.when_heard: Callable[[], None] = lambda: None
        self._resumable = resumable
        self._numbers: list[int] = []
        self._since = 0.0
        self._deferred = self._raised = self._lost = self._said = self._second_came = False

    @contextlib.contextmanager
    def caught(self) -> Iterator["Interruption"]:
        """Catches the signals inside the block.

        Python allows it in the main thread only: in others nothing is done.

        Yields:
            The `Interruption` that catches them: in a block within another one that of the outer.
        """
        if threading.current_thread() is not threading.main_thread():
            yield self
            return
        if Interruption._current is not None:
            yield Interruption._current
            return
        self._numbers = requests()
        before = {
            number: _original_handlers.get(number, signal.getsignal(number)) for number in self._numbers
        }
        unraisable, sys.unraisablehook = sys.unraisablehook, self._unraisable(sys.unraisablehook)
        try:
            with self._watched():
                Interruption._current = self
                self.catch_again()
                yield self
        finally:
            Interruption._current = None
            sys.unraisablehook = unraisable
            for number, handler in before.items():
                signal.signal(number, handler or signal.SIG_DFL)  # None: not one of Python's
            if _original_handlers:
                # Registered last, and so called first: other libraries' part of the end takes a while.
                atexit.register(_end_on_signals_while_python_shuts_down, self._resumable, self._said)
                _original_handlers.clear()  # they are in place again

    def catch_again(self) -> None:
        """Catches the signals of `caught`, whoever else has taken them meanwhile."""
        for number in self._numbers:
            signal.signal(number, self._handle)

    @contextlib.contextmanager
    def deferred(self) -> Iterator[None]:
        """Only notes a request that comes inside the block; it is raised at the end of the block at the latest."""
        self.raise_if_requested()  # libraries may have swallowed it
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
            self._raised = True
            raise Interrupted(self.requested, self._resumable)

    def behind(self, error: BaseException) -> Interrupted | None:
        """The request that an exception comes from, None where it has another cause.

        Native code that calls Python turns each exception into one of its own.
        """
        if isinstance(error, Interrupted):
            return error
        if isinstance(error, KeyboardInterrupt):  # from code that has its own handler
            return Interrupted(signal.SIGINT, self._resumable)
        if isinstance(error, SystemExit) or not self._raised or self.requested is None:
            return None
        return Interrupted(self.requested, self._resumable)

    def say_last_line(self, stop: Interrupted) -> None:
        """Says why the process ends."""
        from facevae.command_line import display

        self._said = True
        begin = "\n" if sys.stderr.isatty() else ""  # the terminal shows ^C, or a progress bar
        print(f"{begin}{self.last_line(stop)}{display.where_logged()}", file=sys.stderr)

    def _handle(self, number: int, frame: Any) -> None:
        now = time.monotonic()
        if self._lost:
            self._lost = False
            self.raise_if_requested()
        elif self.requested is None:
            self.requested, self._since = number, now
            if not self._deferred:
                self.raise_if_requested()
        elif not _is_repetition(number, now - self._since):
            if self._raised:
                self._end_at_once(number)
            self.raise_if_requested()

    def _unraisable(self, otherwise: Callable[[Any], Any]) -> Callable[[Any], None]:
        """What happens to exceptions that Python ignores, as in `__del__`: a request is raised again a moment later."""

        def hook(unraisable: Any) -> None:
            if not isinstance(unraisable.exc_value, Interrupted):
                otherwise(unraisable)
                return
            self._lost = True
            timer = threading.Timer(_POLL_SECONDS, _send_to_main_thread, [unraisable.exc_value.signal])
            timer.daemon = True
            timer.start()

        return hook

    @contextlib.contextmanager
    def _watched(self) -> Iterator[None]:
        """Ends the process from another thread where a request of this block does not end it in time.

        The system's part of a signal handler writes to a pipe, whatever the main thread is doing.
        """
        ours, theirs = os.pipe()
        if hasattr(os, "set_blocking"):
            os.set_blocking(theirs, False)
        ended = threading.Event()
        threading.Thread(target=self._listen, args=(ours, ended), daemon=True).start()
        earlier = signal.set_wakeup_fd(theirs, warn_on_full_buffer=False)
        try:
            yield
        finally:
            ended.set()
            signal.set_wakeup_fd(earlier)
            os.close(theirs)

    def _listen(self, pipe: int, ended: threading.Event) -> None:
        first = None
        while number := os.read(pipe, 1):
            now = time.monotonic()
            if number[0] not in self._numbers:
                continue
            if first is None:
                first = now
                threading.Thread(target=self._end_in_time, args=(number[0], ended), daemon=True).start()
            elif not _is_repetition(number[0], now - first):
                self._second_came = True
            self.when_heard()
        os.close(pipe)

    def _end_in_time(self, number: int, ended: threading.Event) -> None:
        deadline = time.monotonic() + GRACE_SECONDS
        while not ended.wait(_POLL_SECONDS):
            if self._deferred and not self._second_came:
                deadline = time.monotonic() + GRACE_SECONDS
            if time.monotonic() > deadline:
                self._end_at_once(number)

    def _end_at_once(self, number: int) -> None:
        from facevae.command_line import display

        stop = Interrupted(self.requested or number, self._resumable)
        try:
            if not self._said:
                display.say_last(f"{self.last_line(stop)}{display.where_logged()}")
        finally:
            os._exit(stop.status)


def _is_repetition(number: int, seconds: float) -> bool:
    """Whether a signal so long after the first one belongs to the same request."""
    # The system repeats SIGXCPU every second.
    return seconds < ONE_REQUEST_SECONDS or number == getattr(signal, "SIGXCPU", None)


def _send_to_main_thread(number: int) -> None:
    if hasattr(signal, "pthread_kill"):  # which also interrupts what it waits for
        signal.pthread_kill(threading.main_thread().ident or 0, number)
    else:
        _thread.interrupt_main(signal.Signals(number))
