"""The faces of real photographs are found as surely, and their eyes as nearly, as benchmarks/face_finding.md says."""

import numpy as np
import pytest
from places import BENCHMARKS

LEAST_FOUND = {"large": 0.99, "medium": 0.99, "small": 0.92}
MOST_ERROR = {0.5: 1.0, 0.95: 2.0}  # pixels of 64, of each share of the faces
MOST_OTHERS = 0.1  # of the photographs, places without a face that are taken for one


@pytest.fixture
def face_finding(monkeypatch):
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    import face_finding

    return face_finding


@pytest.mark.slow
def test_faces_of_photographs_are_found_and_their_eyes_nearly(real_faces, face_finding):
    results = face_finding.measure(real_faces, 100)
    assert set(results) == set(LEAST_FOUND)
    for kind, measured in results.items():
        assert measured.count == 100
        assert len(measured.eye_errors) >= LEAST_FOUND[kind] * measured.count
        assert measured.extra <= MOST_OTHERS * measured.count
        for share, most in MOST_ERROR.items():
            assert np.quantile(measured.eye_errors, share) <= most


@pytest.mark.slow
def test_the_speed_of_preparation_is_measured_with_and_without_alignment(real_faces, face_finding, tmp_path):
    table = tmp_path / "table.md"
    face_finding.write_speed(real_faces, 6, 1, table)
    _, _, plain, aligned = [line for line in table.read_text().splitlines() if line.startswith("|")]
    rates = [float(row.split("|")[2]) for row in (plain, aligned)]
    assert "--align off" in plain
    assert "--align on" in aligned
    assert rates[0] > rates[1] > 0
