"""Refused downloads, against servers on this machine."""

import contextlib
import http.server
import socket
import threading
import time
import types

import pytest

from facevae.data import downloads
from facevae.data.downloads import downloads_refused, kaggle_advice

QUOTA_PAGE = (
    b"<html><head><title>Google Drive - Quota exceeded</title></head><body>Too many users</body></html>"
)
CONFIRMATION_PAGE = (
    b'<html><title>Virus scan warning</title><form id="download-form" action="https://x.invalid/download">'
    b'<input type="hidden" name="confirm" value="t"></form></html>'
)


class Handler(http.server.BaseHTTPRequestHandler):
    """Answers by path: a file, an error, a page, or nothing for a while."""

    def do_GET(self):
        if self.path == "/slow":
            time.sleep(1)
        status = int(self.path[1:]) if self.path[1:].isdecimal() else 200
        self.send_response(status)
        if self.path == "/file":
            self.send_header("Content-Disposition", "attachment; filename=faces.zip")
        with contextlib.suppress(ConnectionError):  # the client has stopped waiting
            self.end_headers()
            self.wfile.write({"/quota": QUOTA_PAGE, "/confirm": CONFIRMATION_PAGE}.get(self.path, b"PK"))

    def log_message(self, *_args):
        """Silent."""


@pytest.fixture(scope="module")
def address():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    thread.join()
    server.server_close()


def builder(tmp_path, *urls):
    """A tensorflow-datasets builder with the attributes that `downloads_refused` reads."""
    infos = {
        url: types.SimpleNamespace(size=number, checksum="ab" * 32, filename=f"faces{number}.zip")
        for number, url in enumerate(urls)
    }
    return types.SimpleNamespace(url_infos=infos or None, data_dir_root=tmp_path)


def test_served_downloads_are_not_refused(tmp_path, address):
    assert downloads_refused(builder(tmp_path, f"{address}/file", f"{address}/other")) is None


def test_nothing_to_download_is_not_refused(tmp_path):
    assert downloads_refused(builder(tmp_path)) is None


@pytest.mark.parametrize("status", [403, 404, 429, 500, 503])
def test_error_status_is_named(tmp_path, address, status):
    refusal = downloads_refused(builder(tmp_path, f"{address}/file", f"{address}/{status}"))
    assert f"answers {status}" in refusal
    assert "faces1.zip" in refusal


def test_drive_quota_page_is_a_refusal_and_its_confirmation_page_is_none(tmp_path, address, monkeypatch):
    drive, get = "https://drive.google.com", downloads.requests.get
    monkeypatch.setattr(
        downloads.requests, "get", lambda url, **options: get(url.replace(drive, address), **options)
    )
    assert downloads_refused(builder(tmp_path, f"{drive}/confirm", f"{drive}/file")) is None
    refusal = downloads_refused(builder(tmp_path, f"{drive}/confirm", f"{drive}/quota"))
    assert "Google Drive - Quota exceeded" in refusal
    assert "faces1.zip" in refusal


def test_no_connection_is_named_within_a_second(tmp_path):
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
    start = time.monotonic()
    refusal = downloads_refused(builder(tmp_path, f"http://127.0.0.1:{port}/faces.zip"))
    assert "127.0.0.1 cannot be reached" in refusal
    assert time.monotonic() - start < 1


def test_a_server_that_does_not_answer_is_named_after_the_time_limit(tmp_path, address):
    start = time.monotonic()
    refusal = downloads_refused(builder(tmp_path, f"{address}/slow"), seconds_per_answer=0.2)
    assert "no answer from 127.0.0.1 within 0.2 seconds" in refusal
    assert time.monotonic() - start < 2


def test_a_name_server_that_does_not_answer_is_not_waited_for(tmp_path, monkeypatch):
    def ask(*_args, **_kwargs):
        time.sleep(1)
        raise downloads.requests.exceptions.ConnectionError

    monkeypatch.setattr(downloads.requests, "get", ask)
    start = time.monotonic()
    refusal = downloads_refused(builder(tmp_path, "http://faces.invalid/faces.zip"), seconds_in_all=0.2)
    assert "no answer within 0.2 seconds" in refusal
    assert time.monotonic() - start < 0.9


def test_files_that_are_there_already_are_not_asked_for(tmp_path):
    url = "http://faces.invalid/faces.zip"
    by_hand = tmp_path / "downloads" / "manual" / "faces0.zip"
    by_hand.parent.mkdir(parents=True)
    assert downloads_refused(builder(tmp_path, url)) is not None
    by_hand.write_bytes(b"PK")
    assert downloads_refused(builder(tmp_path, url)) is None
    by_hand.unlink()
    cached = downloads.resource.get_dl_fname(url, "ab" * 32)
    (tmp_path / "downloads" / cached).write_bytes(b"PK")
    assert downloads_refused(builder(tmp_path, url)) is None


@pytest.mark.parametrize("name", ["celeb_a", "lfw", "mnist"])
def test_advice_ends_with_the_command(name):
    assert kaggle_advice(name).endswith("python train.py --data FOLDER")
