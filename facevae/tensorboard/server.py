"""Serving a log folder with TensorBoard."""

import contextlib
import os
import pathlib
import subprocess
import sys
import tempfile
from collections.abc import Iterator

from facevae.command_line.network_address import LOOPBACK, warn_if_open
from facevae.command_line.printed_commands import tensorboard_command
from facevae.errors import UserError

# How many events of each tag the server keeps. Its default of 10 pictures would drop most epochs.
SAMPLES_PER_PLUGIN = "images=1000,histograms=1000,scalars=10000,text=100"

# The server runs until its standard input is closed, so that it ends with this process however that ends. Port None
# means the first free one from 6006 on. If TensorBoard finds ten in a row taken, port 0 lets the system choose one.
_SERVER = """
import sys
from tensorboard import program
for port in (None, 0):
    board = program.TensorBoard()
    board.configure(argv=("tensorboard", "--logdir", sys.argv[1], "--samples_per_plugin", sys.argv[2]),
                    host=sys.argv[3], reload_interval=2.0, port=port)
    try:
        address = board.launch()
    except program.TensorBoardServerException as error:
        print(error, file=sys.stderr)
        continue
    print("address", address, flush=True)
    sys.stdin.read()
    break
"""


@contextlib.contextmanager
def serve(logs: str | os.PathLike[str], host: str = LOOPBACK) -> Iterator[str]:
    """Serves a log folder, by default to this machine only, and stops the server at the end of the block.

    The server is a separate process, so that it does not slow down the threads of the training.

    Args:
        logs: TensorBoard's log folder; created if it does not exist.
        host: the address that the server listens on. If other machines can reach it, a warning is printed.

    Yields:
        The server's URL, `http://127.0.0.1:<port>/`, with port 6006 or another one if that is taken. It is also
        printed.

    Raises:
        UserError: the server does not start.
    """
    pathlib.Path(logs).mkdir(parents=True, exist_ok=True)
    # A file, as a pipe that nobody reads would fill up and block the server.
    with tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as error_output:
        process = subprocess.Popen(
            # -P: no module is imported from the working folder.
            [sys.executable, "-P", "-c", _SERVER, os.fspath(logs), SAMPLES_PER_PLUGIN, host],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=error_output,
            encoding="utf-8",
            errors="replace",
            start_new_session=True,  # Ctrl-C reaches the training only, which then stops the server
        )
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            line = process.stdout.readline()
            if not line.startswith("address "):
                process.stdin.close()
                process.wait()
                error_output.seek(0)
                reason = (error_output.read().strip().splitlines() or ["it ended without a message"])[-1]
                raise UserError(
                    f"TensorBoard does not start on {host}: {reason}. Give --host an address of this machine, or "
                    "train without --tensorboard and start it yourself: "
                    + tensorboard_command(pathlib.Path(logs), SAMPLES_PER_PLUGIN)
                )
            address = line.split()[1]
            warn_if_open(host, "this run in TensorBoard")
            print(f"TensorBoard: {address}")
            yield address
        finally:
            process.stdin.close()
            try:
                process.wait(timeout=10.0)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            process.stdout.close()
