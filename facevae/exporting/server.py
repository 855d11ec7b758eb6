"""Serves the files of one folder to browsers, by default to this machine only."""

import functools
import os
import pathlib
import stat
import sys
import threading
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

from facevae.command_line.network_address import LOOPBACK, is_own_name, warn_if_open
from facevae.errors import UserError


class FolderHandler(SimpleHTTPRequestHandler):
    """Serves the regular files of one folder: no directory listings, nothing that a link leads to outside it."""

    extensions_map = {  # noqa: RUF012 (a class attribute of the base class)
        **SimpleHTTPRequestHandler.extensions_map,
        ".js": "text/javascript",
        ".wasm": "application/wasm",
        ".tflite": "application/octet-stream",
    }

    timeout = 60  # seconds without data after which a connection is closed

    def send_head(self):
        # A page of somebody else could otherwise let its own name point to this machine and read what is served.
        if not is_own_name(self.headers.get("Host", ""), self.server.host):
            self.send_error(421, explain="This server answers to its own address only.")
            return None
        return super().send_head()

    def translate_path(self, path):
        """The file that is sent for a URL, after following links; a name without a file where none may be sent.

        The base class opens what this returns. Only a regular file is returned, never a folder, for which it would
        look for pages by names of its own, and never a pipe, on which it would wait.
        """
        nowhere = os.path.join(__file__, "below a file there is nothing")
        try:
            wanted = super().translate_path(path)
            if path.split("?")[0].split("#")[0].endswith("/"):
                wanted = os.path.join(wanted, "index.html")
            sent, root = os.path.realpath(wanted), os.path.realpath(self.directory)
            is_inside = os.path.commonpath([root, sent]) == root
            return sent if is_inside and stat.S_ISREG(os.stat(sent).st_mode) else nowhere
        except (OSError, ValueError):  # a name that no file can have
            return nowhere

    def end_headers(self):
        # Browsers must not show a cached page of an earlier export.
        self.send_header("Cache-Control", "no-cache")
        self.send_header("X-Content-Type-Options", "nosniff")
        super().end_headers()

    def log_message(self, format, *arguments):
        pass


class FolderServer(ThreadingHTTPServer):
    """A server with a thread for each visitor, of whom it serves a limited number at once.

    Args:
        host: the address to listen on.
        port: 0 for a free one.
        folder: whose files are served.
    """

    most_visitors = 64

    def __init__(self, host: str, port: int, folder: pathlib.Path):
        self.host = host
        self._visitors = threading.BoundedSemaphore(self.most_visitors)
        super().__init__((host, port), functools.partial(FolderHandler, directory=os.fspath(folder)))

    def process_request(self, request, client_address):
        if self._visitors.acquire(blocking=False):
            super().process_request(request, client_address)
        else:
            self.shutdown_request(request)

    def process_request_thread(self, request, client_address):
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._visitors.release()

    def handle_error(self, request, client_address):
        # A visitor who closes the page while it loads is no error.
        if not isinstance(sys.exception(), ConnectionError | TimeoutError):
            super().handle_error(request, client_address)


def bind(folder: pathlib.Path, host: str = LOOPBACK, port: int = 8000) -> FolderServer:
    """A server bound to `port`, or to a free port where that one is in use; not serving yet.

    Raises:
        UserError: no page in the folder, or an address that this machine does not have.
    """
    if not (folder / "index.html").is_file():
        raise UserError(
            f"--serve: expected index.html in {str(folder)!r}, received no page; the messages above say why. "
            "Mend that and export again."
        )
    for wanted in dict.fromkeys((port, 0)):
        try:
            return FolderServer(host, wanted, folder)
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
