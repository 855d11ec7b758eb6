"""The benchmark that owners of a GPU run on their machine, and the tables that benchmarks write."""

import subprocess
import sys

import pytest
from places import BENCHMARKS

PEER = """
import argparse, json
parser = argparse.ArgumentParser()
for name in ("mode", "size", "batch", "steps"):
    parser.add_argument("--" + name)
print(json.dumps({**vars(parser.parse_args()), "images_per_second": 7.0}))
"""


@pytest.fixture
def measuring(monkeypatch):
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    import measuring

    return measuring


def test_a_section_is_replaced_and_the_others_stay(measuring, tmp_path):
    path = tmp_path / "table.md"
    for heading, text in (("64", "old"), ("128", "kept"), ("64", "new")):
        measuring.write_section(path, "# Title\n\nMade by hand.\n", heading, text)
    assert path.read_text() == "# Title\n\nMade by hand.\n\n## 128\n\nkept\n\n## 64\n\nnew\n"


def test_sides_take_turns_and_a_failing_one_is_named(measuring, tmp_path):
    log = tmp_path / "log"
    say = "import json, sys; open(sys.argv[1], 'a').write(sys.argv[2]); print(json.dumps({'images_per_second': 1}))"
    sides = {name: [sys.executable, "-c", say, str(log), name] for name in "ab"}
    results = measuring.in_turns(sides, rounds=3)
    assert log.read_text() == "ababab"
    assert [len(runs) for runs in results.values()] == [3, 3]
    with pytest.raises(SystemExit, match="boom"):
        measuring.run_side([sys.executable, "-c", "raise ValueError('boom')"])


@pytest.mark.slow
def test_training_speed_makes_its_table_with_a_peer(tmp_path):
    (tmp_path / "peer.py").write_text(PEER)
    table = tmp_path / "table.md"
    command = [sys.executable, str(BENCHMARKS / "training_speed.py"), "--shapes", "32x4", "--rounds", "1"]
    command += ["--steps", "5", "--table", str(table), "--keras-peer", str(tmp_path / "peer.py")]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    rows = [
        line.split(" | ") for line in table.read_text().splitlines() if "peer" in line or "| facevae" in line
    ]
    ours, peer = (float(row[1]) for row in rows[-2:])
    assert peer == 7
    assert float(rows[-1][3].rstrip("| ")) == pytest.approx(ours / 7, rel=0.1)
    assert "32×32, batches of 4" in table.read_text()
    assert "in float32, XLA off" in table.read_text()
