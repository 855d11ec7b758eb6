"""A small parent process for each worker, which says what happened when TensorFlow aborts the worker's process.

When workers lose each other TensorFlow may abort the process: no `except` catches that, and the last lines are about
gRPC. The parent does not import TensorFlow, so it is not aborted.
"""

import os
import signal
import subprocess
import sys
import threading

from facevae.errors import UserError

_PIPE = "FACEVAE_SUPERVISED_BY"  # in the child's environment: a pipe that closes when the parent ends
# Exit statuses after which the child's last line says what happened.
_EXPLAINED_BY_CHILD = (0, 2, 75, 130, 143)


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
    if _PIPE in os.environ:
        threading.Thread(target=_end_with_parent, args=(int(os.environ[_PIPE]),), daemon=True).start()
        return None
    ours, theirs = os.pipe()
    child = subprocess.Popen(
        [sys.executable, *sys.orig_argv[1:]],
        env={**os.environ, _PIPE: str(ours)},
        pass_fds=(ours,),
        process_group=0,  # Ctrl-C reaches it only through its parent
    )
    os.close(ours)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda number, _: child.send_signal(number))
    status = child.wait()
    os.close(theirs)
    if status not in _EXPLAINED_BY_CHILD:
        print(f"\nerror: {who} {_what_happened(status)}", file=sys.stderr)
    return status if status >= 0 else 128 - status


def _what_happened(status: int) -> str:
    again = "Start all workers again with --resume: they go on from the last checkpoint."
    if status == -signal.SIGABRT:
        return f"was aborted, as TensorFlow does when another worker stops or cannot be reached. {again}"
    if status == -signal.SIGKILL:
        return f"was killed; a common reason is that the machine's memory was used up. {again}"
    if status < 0:
        return f"was ended by {signal.Signals(-status).name}. {again}"
    return f"ended with the error above. Once it is fixed: {again[0].lower()}{again[1:]}"


def _end_with_parent(pipe: int) -> None:
    os.read(pipe, 1)
    os._exit(1)
