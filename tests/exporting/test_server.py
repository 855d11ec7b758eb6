"""The server of the web page: it serves one folder, to this machine unless told otherwise."""

import http.client
import os
import re
import socket
import time

import pytest

from facevae.command_line.network_address import is_loopback, is_own_name
from facevae.errors import UserError
from facevae.exporting import server
from facevae.exporting.server import FolderServer, bind


def status_of(address: str, path: str) -> int:
    """The HTTP status of a path, which http.client, unlike browsers, sends without normalising it."""
    host = address.removeprefix("http://").rstrip("/")
    connection = http.client.HTTPConnection(host, timeout=10)
    connection.putrequest("GET", path, skip_host=False)
    connection.endheaders()
    status = connection.getresponse().status
    connection.close()
    return status


def test_the_server_gives_the_folder_and_nothing_beside_it(tmp_path, served):
    page = tmp_path / "page"
    (page / "inner").mkdir(parents=True)
    (page / "index.html").write_text("<title>page</title>")
    (tmp_path / "secret.txt").write_text("secret")
    (page / "link.txt").symlink_to(tmp_path / "secret.txt")
    (page / "folder").symlink_to(tmp_path)
    (page / "indexed").mkdir()
    (page / "indexed" / "index.html").symlink_to(tmp_path / "secret.txt")
    (page / "loop").symlink_to("loop")
    address = served(page)
    assert status_of(address, "/") == 200
    assert status_of(address, "/index.html") == 200
    for path in (
        "/../secret.txt",
        "/%2e%2e/secret.txt",
        "/inner/../../secret.txt",
        "//etc/passwd",
        f"/{tmp_path}/secret.txt",
        "/link.txt",
        "/folder/secret.txt",
        "/inner/",
        "/indexed/",
        "/loop",
        "/%00",
        f"/{'x' * 5000}",
        "/\\..\\secret.txt",
    ):
        assert status_of(address, path) == 404, path


def test_a_folder_without_a_page_and_a_foreign_address_are_refused(tmp_path):
    with pytest.raises(UserError, match="no page"):
        bind(tmp_path)
    (tmp_path / "index.html").write_text("")
    with pytest.raises(UserError, match=r"expected an address of this machine, received 192\.0\.2\.1"):
        bind(tmp_path, host="192.0.2.1")


def test_a_port_in_use_gives_another(tmp_path):
    (tmp_path / "index.html").write_text("")
    with bind(tmp_path, port=0) as first, bind(tmp_path, port=first.server_port) as second:
        assert second.server_port != first.server_port


def test_only_loopback_is_loopback():
    assert [is_loopback(host) for host in ("127.0.0.1", "::1", "localhost", "0.0.0.0", "example.org")] == [
        True,
        True,
        True,
        False,
        False,
    ]


def test_what_the_library_would_open_by_another_name_is_not_served(tmp_path, served):
    """A folder's page is index.html alone, and nothing but regular files is opened."""
    page = tmp_path / "page"
    (page / "sub").mkdir(parents=True)
    (page / "index.html").write_text("<title>page</title>")
    (tmp_path / "secret.txt").write_text("secret")
    (page / "sub" / "index.htm").symlink_to(tmp_path / "secret.txt")
    address = served(page)
    for path in ("/sub/", "/sub", "/sub/index.htm", "/sub/?x", "/sub/#x"):
        assert status_of(address, path) == 404, path
    if hasattr(os, "mkfifo"):
        os.mkfifo(page / "pipe")
        start = time.monotonic()
        assert status_of(address, "/pipe") == 404
        assert time.monotonic() - start < 5


@pytest.mark.parametrize(
    ("name", "host", "own"),
    [
        ("127.0.0.1:8000", "127.0.0.1", True),
        ("localhost:8000", "127.0.0.1", True),
        ("LOCALHOST", "127.0.0.1", True),
        ("[::1]:8000", "::1", True),
        ("evil.example:8000", "127.0.0.1", False),
        ("127.0.0.1.evil.example", "127.0.0.1", False),
        ("192.168.1.7:8000", "127.0.0.1", False),
        ("192.168.1.7:8000", "0.0.0.0", True),
        ("evil.example", "0.0.0.0", False),
        ("", "127.0.0.1", False),
    ],
)
def test_a_request_must_name_this_machine(name, host, own):
    assert is_own_name(name, host) is own


def test_a_foreign_host_header_is_refused(tmp_path, served):
    (tmp_path / "index.html").write_text("<title>page</title>")
    host = served(tmp_path).removeprefix("http://").rstrip("/")
    statuses = {}
    for name in (host, host.replace("127.0.0.1", "localhost"), "rebound.example"):
        connection = http.client.HTTPConnection(host, timeout=10)
        connection.putrequest("GET", "/", skip_host=True)
        connection.putheader("Host", name)
        connection.endheaders()
        statuses[name] = connection.getresponse().status
        connection.close()
    assert list(statuses.values()) == [200, 200, 421]


def test_visitors_who_vanish_leave_no_traceback(tmp_path, served, capfd):
    (tmp_path / "index.html").write_bytes(b"x" * 50_000_000)
    host, port = served(tmp_path).removeprefix("http://").rstrip("/").split(":")
    for _ in range(5):
        with socket.create_connection((host, int(port)), timeout=10) as visitor:
            visitor.sendall(f"GET / HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
            visitor.recv(100)
            visitor.setsockopt(
                socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0"
            )  # a reset, not an end
    assert status_of(f"http://{host}:{port}", "/none") == 404
    time.sleep(0.2)
    assert "Traceback" not in capfd.readouterr().err


def test_visitors_who_say_nothing_cannot_take_more_than_their_number_of_threads(
    tmp_path, served, monkeypatch
):
    monkeypatch.setattr(FolderServer, "most_visitors", 4)
    (tmp_path / "index.html").write_text("<title>page</title>")
    address = served(tmp_path)
    host, port = address.removeprefix("http://").rstrip("/").split(":")
    silent = [socket.create_connection((host, int(port)), timeout=10) for _ in range(10)]
    try:
        silent[-1].settimeout(5)
        assert silent[-1].recv(1) == b""  # closed at once
    finally:
        for visitor in silent:
            visitor.close()
    deadline = time.monotonic() + 10
    while True:
        try:
            assert status_of(address, "/") == 200
            break
        except (OSError, http.client.HTTPException):
            assert time.monotonic() < deadline, "the places of those who left are not free again"


def answer_to(address, path="/page.js", **headers):
    host = address.removeprefix("http://").rstrip("/")
    connection = http.client.HTTPConnection(host, timeout=10)
    connection.request(
        "GET", path, headers={name.replace("_", "-"): value for name, value in headers.items()}
    )
    answer = connection.getresponse()
    content = answer.read()
    connection.close()
    return answer, content


@pytest.fixture
def compressed_page(tmp_path):
    (tmp_path / "index.html").write_text("")
    for name, content in (("page.js", b"plain"), ("page.js.br", b"b"), ("page.js.gz", b"g")):
        (tmp_path / name).write_bytes(content)
    return tmp_path


@pytest.mark.parametrize(
    ("accepted", "encoding", "content"),
    [
        ("gzip, deflate, br, zstd", "br", b"b"),
        ("gzip, deflate", "gzip", b"g"),
        ("br;q=0, gzip;q=0.5", "gzip", b"g"),
        ("identity", None, b"plain"),
        ("", None, b"plain"),
    ],
)
def test_browsers_get_the_copy_that_they_can_unpack(compressed_page, served, accepted, encoding, content):
    answer, received = answer_to(served(compressed_page), Accept_Encoding=accepted)
    assert (answer.getheader("Content-Encoding"), received) == (encoding, content)
    assert answer.getheader("Content-Type") == "text/javascript"
    assert answer.getheader("Content-Length") == str(len(content))
    assert answer.getheader("Vary") == "Accept-Encoding"


def test_a_compressed_copy_that_leads_outside_is_not_sent(compressed_page, served, tmp_path_factory):
    secret = tmp_path_factory.mktemp("other") / "secret"
    secret.write_text("secret")
    (compressed_page / "page.js.br").unlink()
    (compressed_page / "page.js.br").symlink_to(secret)
    answer, received = answer_to(served(compressed_page), Accept_Encoding="br")
    assert (answer.getheader("Content-Encoding"), received) == (None, b"plain")


def test_one_connection_serves_many_files(compressed_page, served):
    connection = http.client.HTTPConnection(
        served(compressed_page).removeprefix("http://").rstrip("/"), timeout=10
    )
    sockets = set()
    for path, status in (("/page.js", 200), ("/page.js", 200), ("/index.html", 200)):
        connection.request("GET", path)
        answer = connection.getresponse()
        answer.read()
        assert (answer.status, answer.version) == (status, 11)
        sockets.add(id(connection.sock))
    assert len(sockets) == 1
    connection.close()


def serve_once(monkeypatch, tmp_path, capsys, **arguments):
    """What `serve` prints and opens before it is stopped."""
    opened = []
    monkeypatch.setattr(server.webbrowser, "open", opened.append)
    monkeypatch.setattr(server, "network_addresses", lambda: ["192.168.1.7", "10.0.0.5"])

    def interrupted(self):
        time.sleep(0.2)
        raise KeyboardInterrupt

    monkeypatch.setattr(FolderServer, "serve_forever", interrupted)
    (tmp_path / "index.html").write_text("")
    server.serve(tmp_path, port=0, **arguments)
    return capsys.readouterr().out, opened


def test_the_browser_opens_where_there_is_a_desktop_and_it_is_wanted(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(server, "has_desktop", lambda: True)
    printed, opened = serve_once(monkeypatch, tmp_path, capsys, open_browser=True)
    (address,) = opened
    assert address.startswith("http://127.0.0.1:")
    assert f"Page: {address}" in printed
    assert "phone" not in printed
    assert serve_once(monkeypatch, tmp_path, capsys, open_browser=False)[1] == []
    monkeypatch.setattr(server, "has_desktop", lambda: False)
    assert serve_once(monkeypatch, tmp_path, capsys, open_browser=True)[1] == []


def test_open_to_the_network_it_prints_addresses_that_a_phone_can_open(monkeypatch, tmp_path, capsys):
    printed, _ = serve_once(monkeypatch, tmp_path, capsys, host="0.0.0.0")
    port = re.search(r"Page: http://127\.0\.0\.1:(\d+)/", printed).group(1)
    assert f"On a phone in the same network: http://192.168.1.7:{port}/" in printed
    assert f"http://10.0.0.5:{port}/" in printed
    assert "0.0.0.0" not in printed
    assert "█" in printed


def test_the_qr_code_is_that_of_the_first_address(monkeypatch):
    import segno

    monkeypatch.setattr(server, "network_addresses", lambda: ["192.168.1.7"])
    note = server.network_note("0.0.0.0", 8000)
    dark = segno.make("http://192.168.1.7:8000/", error="m")
    lines = note.splitlines()[1:]
    assert len(lines) == (dark.symbol_size()[1] + 1) // 2
    assert all(len(line) == dark.symbol_size()[0] for line in lines)
