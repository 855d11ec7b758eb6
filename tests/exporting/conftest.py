"""A served folder."""

import pathlib
import threading

import pytest

from facevae.exporting.server import bind


@pytest.fixture
def served():
    """A function that serves a folder on loopback and returns the address."""
    servers = []

    def start(folder: pathlib.Path) -> str:
        server = bind(folder, port=0)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        servers.append(server)
        return f"http://127.0.0.1:{server.server_port}/"

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()
