"""The TensorBoard server that `train.py --tensorboard` starts."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request

import numpy as np
import pytest

from facevae.errors import UserError
from facevae.tensorboard.events import EventWriter
from facevae.tensorboard.server import serve


def _is_up(address):
    try:
        return urllib.request.urlopen(address, timeout=5).status == 200
    except (urllib.error.URLError, OSError):
        return False


@pytest.mark.slow
def test_two_servers_have_two_ports_and_stop_at_the_end_of_their_blocks(tmp_path, capsys):
    with serve(tmp_path) as first, serve(tmp_path) as second:
        assert first != second
        assert _is_up(first)
        assert _is_up(second)
        assert first.startswith("http://127.0.0.1:")
        assert f"TensorBoard: {second}" in capsys.readouterr().out
    assert not _is_up(first)
    assert not _is_up(second)


@pytest.mark.slow
def test_the_server_finds_a_port_when_all_usual_ones_are_taken(tmp_path):
    taken = []
    for port in range(6006, 6020):
        listener = socket.socket()
        try:
            listener.bind(("127.0.0.1", port))
            listener.listen()
        except OSError:
            listener.close()  # taken by another process
        else:
            taken.append(listener)
    held = {listener.getsockname()[1] for listener in taken}
    assert held
    try:
        with serve(tmp_path) as address:
            assert int(address.rstrip("/").rsplit(":", 1)[1]) not in held
            assert _is_up(address)
    finally:
        for listener in taken:
            listener.close()


@pytest.mark.slow
def test_the_server_keeps_every_picture_that_is_written(tmp_path):
    writer = EventWriter(tmp_path / "faces")
    for step in range(150):
        writer.image("a", np.zeros((2, 2, 3), np.uint8), step)
    writer.close()
    with serve(tmp_path) as address:
        url = f"{address}data/plugin/images/images?run=faces&tag=a&sample=0"
        end = time.monotonic() + 60.0
        shown = []
        while len(shown) < 150 and time.monotonic() < end:
            time.sleep(0.5)
            try:
                shown = json.loads(urllib.request.urlopen(url, timeout=30).read())
            except urllib.error.HTTPError:
                continue  # not loaded yet
    assert [picture["step"] for picture in shown] == list(range(150))


@pytest.mark.slow
def test_the_server_ends_when_the_training_is_killed(tmp_path):
    program = (
        "import sys, time\nfrom facevae.tensorboard.server import serve\n"
        "with serve(sys.argv[1]):\n    sys.stdout.flush()\n    time.sleep(600)"
    )
    process = subprocess.Popen([sys.executable, "-c", program, tmp_path], stdout=subprocess.PIPE, text=True)
    address = process.stdout.readline().split()[-1]
    assert _is_up(address)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    process.stdout.close()
    end = time.monotonic() + 30.0
    while _is_up(address) and time.monotonic() < end:
        time.sleep(0.5)
    assert not _is_up(address)


@pytest.mark.slow
def test_the_server_reads_nothing_outside_its_folder(tmp_path):
    """A run from somebody else may name projector files by `../`, absolute paths or links: all are refused."""
    logs = tmp_path / "logs"
    (logs / "run").mkdir(parents=True)
    secret = "name\tkind\nsecret\tsecret\n"
    (tmp_path / "secret.tsv").write_text(secret)
    (logs / "run" / "inside.tsv").write_text("name\tkind\nface\tface\n")
    (logs / "run" / "link.tsv").symlink_to(tmp_path / "secret.tsv")
    (logs / "run" / "points.tsv").write_text("1\t2\t3\n")
    wanted = {"good": "inside.tsv", "up": "../../secret.tsv", "link": "link.tsv"}
    wanted |= {"absolute": str(tmp_path / "secret.tsv")}
    embeddings = (
        f'embeddings {{ tensor_name: "{name}" tensor_path: "points.tsv" metadata_path: "{path}" }}'
        for name, path in wanted.items()
    )
    (logs / "run" / "projector_config.pbtxt").write_text("\n".join(embeddings))
    writer = EventWriter(logs / "run")  # TensorBoard shows only folders with events as runs
    writer.scalar("loss", 1.0, 0)
    writer.close()

    def ask(name):
        url = f"{address}data/plugin/projector/metadata?run=run&name={name}&num_rows=10"
        try:
            return urllib.request.urlopen(url, timeout=30).read().decode()
        except urllib.error.HTTPError as error:
            return str(error.code)

    with serve(logs) as address:
        end = time.monotonic() + 60.0
        while "face" not in ask("good") and time.monotonic() < end:
            time.sleep(0.5)
        assert "face" in ask("good")
        for name in wanted.keys() - {"good"}:
            assert "secret\tsecret" not in ask(name)


@pytest.mark.slow
def test_an_open_host_gives_a_warning_and_an_address_of_another_machine_an_error(tmp_path, capsys):
    with serve(tmp_path, "0.0.0.0") as address:
        assert _is_up(f"http://127.0.0.1:{address.rstrip('/').rsplit(':', 1)[1]}/")
        assert "everyone who reaches 0.0.0.0 can open this run" in capsys.readouterr().err
    with (
        pytest.raises(UserError, match=r"does not start on 192\.0\.2\.1: .*Give --host"),
        serve(tmp_path, "192.0.2.1"),
    ):
        pass
    with serve(tmp_path):
        assert "warning" not in capsys.readouterr().err
