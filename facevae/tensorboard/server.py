"""Serving a log folder by TensorBoard."""

import contextlib
import os
import pathlib
import subprocess
import sys
import tempfile
from collections.abc import Iterator

from facevae.errors import UserError
from facevae.network_address import LOOPBACK, warn_if_open

# What the server keeps of each tag. Its own default is 10 pictures, and early epochs vanish.
SAMPLES_PER_PLUGIN = "images=1000,histograms=1000,scalars=10000,text=100"

# The server lives as long as its standard input stays open: it ends with us however we end. Without a port it
# looks for a free one from 6006 on; where ten in a row are taken, the operating system gives one.
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
    """Serves a log folder, to this machine alone unless told otherwise, and stops at the end of the block.

    The server is a process of its own, so that it takes no time from the training's threads.

    Args:
        logs: TensorBoard's folder; it may be empty still.
        host: the address that the server listens on; one that others reach opens the run to them, with a warning.

    Yields:
        The address, `http://127.0.0.1:<port>/`: 6006, or another one if that is taken. It is printed as well.

    Raises:
        UserError: the server does not start.
    """
    pathlib.Path(logs).mkdir(parents=True, exist_ok=True)
    # Into a file: a pipe that nobody reads would fill up and stop the server.
    with tempfile.TemporaryFile("w+") as complaints:
        process = subprocess.Popen(
            # -P: not one module is taken from the working folder, whatever lies there.
            [sys.executable, "-P", "-c", _SERVER, os.fspath(logs), SAMPLES_PER_PLUGIN, host],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=complaints,
            text=True,
            start_new_session=True,  # Ctrl-C is for the training, which then ends the server
        )
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            line = process.stdout.readline()
            if not line.startswith("address "):
                process.stdin.close()
                process.wait()
                complaints.seek(0)
                reason = (complaints.read().strip().splitlines() or ["it ended without a word"])[-1]
                raise UserError(
                    f"TensorBoard does not start on {host}: {reason}. Give --host an address of this machine, or "
                    "train without --tensorboard and start it by hand: "
                    f"tensorboard --logdir {logs} --samples_per_plugin {SAMPLES_PER_PLUGIN}"
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
