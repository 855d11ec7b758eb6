"""Serves a folder to a browser: on this machine alone unless told otherwise, and nothing beside the folder."""

import functools
import os
import pathlib
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

from facevae.errors import UserError
from facevae.network_address import LOOPBACK, warn_if_open


class FolderHandler(SimpleHTTPRequestHandler):
    """Files of one folder, read only: no listings, no links that lead out of it."""

    extensions_map = {  # noqa: RUF012 (a class attribute of the base class)
        **SimpleHTTPRequestHandler.extensions_map,
        ".js": "text/javascript",
        ".wasm": "application/wasm",
        ".tflite": "application/octet-stream",
    }

    timeout = 60  # seconds without a word, after which a visitor's thread ends

    def send_head(self):
        if not self._is_in_folder():
            self.send_error(404)
            return None
        return super().send_head()

    def _is_in_folder(self):
        """Whether what would be sent lies in the folder, links followed."""
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
        # A new export must not be seen through an old copy.
        self.send_header("Cache-Control", "no-cache")
        self.send_header("X-Content-Type-Options", "nosniff")
        super().end_headers()

    def log_message(self, format, *arguments):
        pass


def bind(folder: pathlib.Path, host: str = LOOPBACK, port: int = 8000) -> ThreadingHTTPServer:
    """A server that is not running yet; another port is taken where the wanted one is in use.

    Raises:
        UserError: no page in the folder, or an address that this machine does not have.
    """
    if not (folder / "index.html").is_file():
        raise UserError(f"--serve: there is no page in {str(folder)!r}; the messages above say why.")
    handler = functools.partial(FolderHandler, directory=os.fspath(folder))
    for wanted in dict.fromkeys((port, 0)):
        try:
            return ThreadingHTTPServer((host, wanted), handler)
        except OSError as error:
            reason = error
    raise UserError(
        f"--host, --port: expected an address of this machine, received {host}:{port} ({reason}). "
        "Give another one, or leave --host out."
    )


def serve(folder: pathlib.Path, host: str = LOOPBACK, port: int = 8000) -> None:
    """Serves the folder until Ctrl-C.

    Raises:
        UserError: see `bind`.
    """
    with bind(folder, host, port) as server:
        warn_if_open(host, "this page")
        print(f"Page: http://{host}:{server.server_port}/  (Ctrl-C ends it)", flush=True)
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            print()
