"""Serves the files of one folder to browsers, by default to this machine only."""

import functools
import os
import pathlib
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

from facevae.errors import UserError
from facevae.network_address import LOOPBACK, warn_if_open


class FolderHandler(SimpleHTTPRequestHandler):
    """Serves the files of one folder: no directory listings, no links to files outside it."""

    extensions_map = {  # noqa: RUF012 (a class attribute of the base class)
        **SimpleHTTPRequestHandler.extensions_map,
        ".js": "text/javascript",
        ".wasm": "application/wasm",
        ".tflite": "application/octet-stream",
    }

    timeout = 60  # seconds without data after which a connection is closed

    def send_head(self):
        if not self._is_in_folder():
            self.send_error(404)
            return None
        return super().send_head()

    def _is_in_folder(self):
        """Whether the file that would be sent lies in the folder, after following links."""
        try:
            root = os.path.realpath(self.directory)
            wanted = self.translate_path(self.path)
            sent = os.path.join(wanted, "index.html") if os.path.isdir(wanted) else wanted
            return os.path.commonpath([root, os.path.realpath(sent)]) == root
        except (OSError, ValueError):  # a name that no file can have
            return False

    def list_directory(self, path):
        self.send_error(404)

    def end_headers(self):
        # Browsers must not show a cached page of an earlier export.
        self.send_header("Cache-Control", "no-cache")
        self.send_header("X-Content-Type-Options", "nosniff")
        super().end_headers()

    def log_message(self, format, *arguments):
        pass


def bind(folder: pathlib.Path, host: str = LOOPBACK, port: int = 8000) -> ThreadingHTTPServer:
    """A server bound to `port`, or to a free port where that one is in use; not serving yet.

    Raises:
        UserError: no page in the folder, or an address that this machine does not have.
    """
    if not (folder / "index.html").is_file():
        raise UserError(
            f"--serve: expected index.html in {str(folder)!r}, received no page; the messages above say why. "
            "Mend that and export again."
        )
    handler = functools.partial(FolderHandler, directory=os.fspath(folder))
    for wanted in dict.fromkeys((port, 0)):
        try:
            return ThreadingHTTPServer((host, wanted), handler)
        except OSError as error:
            reason = error
    raise UserError(
        f"--host, --port: expected an address of this machine, received {host}:{port} ({reason}). "
        "Give another address, or leave --host out."
    )


def serve(folder: pathlib.Path, host: str = LOOPBACK, port: int = 8000) -> None:
    """Serves the folder until Ctrl-C.

    Raises:
        UserError: see `bind`.
    """
    with bind(folder, host, port) as server:
        warn_if_open(host, "this page")
        print(f"Page: http://{host}:{server.server_port}/  (Ctrl-C stops the server)", flush=True)
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            print()
