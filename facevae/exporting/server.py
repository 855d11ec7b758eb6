"""Serves the files of one folder to browsers, by default to this machine only."""

import functools
import io
import os
import pathlib
import stat
import sys
import threading
import webbrowser
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import segno

from facevae.command_line.network_address import LOOPBACK, is_loopback, is_own_name, warn_if_open
from facevae.errors import UserError
from facevae.exporting.addresses import network_addresses
from facevae.exporting.compression import ENCODINGS

EVERYWHERE = ("0.0.0.0", "::", "")


class FolderHandler(SimpleHTTPRequestHandler):
    """Serves the regular files of one folder: no directory listings, nothing that a link leads to outside it.

    Where a compressed copy lies beside a file, browsers that take it get it in the file's place.
    """

    extensions_map = {  # noqa: RUF012 (a class attribute of the base class)
        **SimpleHTTPRequestHandler.extensions_map,
        ".js": "text/javascript",
        ".wasm": "application/wasm",
        ".tflite": "application/octet-stream",
        ".webmanifest": "application/manifest+json",
    }

    protocol_version = "HTTP/1.1"  # one connection for many files
    timeout = 20  # seconds without data after which a connection is closed
    encoding: str | None = None  # of the file that is sent

    def send_head(self):
        # A page of somebody else could otherwise let its own name point to this machine and read what is served.
        if not is_own_name(self.headers.get("Host", ""), self.server.host):
            self.send_error(421, explain="This server answers to its own address only.")
            return None
        self.encoding = None
        return super().send_head()

    def send_error(self, code, message=None, explain=None):
        self.encoding = None
        super().send_error(code, message, explain)

    def translate_path(self, path):
        """The file that is sent for a URL, after following links; a name without a file where none may be sent.

        The base class opens what this returns. Only a regular file is returned, never a folder, for which it would
        look for pages by names of its own, and never a pipe, on which it would wait.
        """
        nowhere = os.path.join(__file__, "below a file there is nothing")
        wanted = super().translate_path(path)
        if path.split("?")[0].split("#")[0].endswith("/"):
            wanted = os.path.join(wanted, "index.html")
        found = self._file_inside(wanted)
        if found is None:
            return nowhere
        for encoding, (suffix, _) in ENCODINGS.items():
            if self._accepts(encoding) and (compressed := self._file_inside(found + suffix)):
                self.encoding = encoding
                return compressed
        return found

    def _file_inside(self, wanted: str) -> str | None:
        """A regular file of the folder, after following links; None if it is none or lies outside."""
        try:
            sent, root = os.path.realpath(wanted), os.path.realpath(self.directory)
            is_inside = os.path.commonpath([root, sent]) == root
            return sent if is_inside and stat.S_ISREG(os.stat(sent).st_mode) else None
        except (OSError, ValueError):  # a name that no file can have
            return None

    def _accepts(self, encoding: str) -> bool:
        for offer in self.headers.get("Accept-Encoding", "").split(","):
            name, _, quality = offer.strip().partition(";")
            if name.strip().lower() == encoding:
                return quality.replace(" ", "") not in ("q=0", "q=0.0", "q=0.00", "q=0.000")
        return False

    def guess_type(self, path):
        """The type of the file, not of its compressed copy."""
        if self.encoding:
            path = os.fspath(path).removesuffix(ENCODINGS[self.encoding][0])
        return super().guess_type(path)

    def end_headers(self):
        # Browsers must not show a cached page of an earlier export.
        self.send_header("Cache-Control", "no-cache")
        self.send_header("X-Content-Type-Options", "nosniff")
        self.send_header("Vary", "Accept-Encoding")
        if self.encoding:
            self.send_header("Content-Encoding", self.encoding)
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


def serve(folder: pathlib.Path, host: str = LOOPBACK, port: int = 8000, open_browser: bool = False) -> None:
    """Serves the folder until Ctrl-C, and prints under which addresses it is found.

    Args:
        folder: with the page.
        host: the address to listen on.
        port: 0 for a free one.
        open_browser: whether the page is opened in this machine's browser, where it has one.

    Raises:
        UserError: see `bind`.
    """
    with bind(folder, host, port) as server:
        warn_if_open(host, "this page")
        address = page_address(LOOPBACK if host in EVERYWHERE else host, server.server_port)
        print(f"Page: {address}  (Ctrl-C stops the server)", flush=True)
        if not is_loopback(host):
            print(network_note(host, server.server_port), flush=True)
        if open_browser and has_desktop():
            threading.Thread(target=webbrowser.open, args=(address,), daemon=True).start()
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            print()


def page_address(host: str, port: int) -> str:
    """The address of the page in a browser."""
    return f"http://{f'[{host}]' if ':' in host else host}:{port}/"


def network_note(host: str, port: int) -> str:
    """How a phone in the same network opens the page: each address, and the first as a QR code."""
    hosts = network_addresses() if host in EVERYWHERE else [host]
    if not hosts:
        return (
            "This machine has no address in a network: connect it to the one of the phone, and start again."
        )
    addresses = [page_address(each, port) for each in hosts]
    code = io.StringIO()
    segno.make(addresses[0], error="m").terminal(code, compact=True)
    lines = [f"On a phone in the same network: {addresses[0]}", code.getvalue().rstrip("\n")]
    return "\n".join(lines + [f"or, in another network of this machine: {each}" for each in addresses[1:]])


def has_desktop() -> bool:
    """Whether a browser would open in a window. Without one, Python would start one that takes over the terminal."""
    if sys.platform in ("win32", "darwin"):
        return True
    return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))
