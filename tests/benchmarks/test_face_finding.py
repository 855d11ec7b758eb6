"""The faces of real photographs are found as surely, and their eyes as nearly, as benchmarks/face_finding.md says."""

import sys

import keras
import numpy as np
import pytest
from PIL import Image
from places import BENCHMARKS

from facevae.model import VAE

COUNT = 320  # photographs of each size, the benchmark's own
LEAST_FOUND = {"large": 0.99, "medium": 0.99, "small": 0.92}
MOST_ERROR = {0.5: 1.0, 0.95: 2.0}  # pixels of 64, of each share of the faces
MOST_RATIO = 1.1  # of reconstruction errors, aligned by the eyes found and by the known ones
MOST_OTHERS = 0.1  # of the photographs, places without a face that are taken for one


@pytest.fixture(scope="module")
def face_finding():
    sys.path.insert(0, str(BENCHMARKS))
    try:
        import face_finding
    finally:
        sys.path.remove(str(BENCHMARKS))
    return face_finding


@pytest.fixture(scope="module")
def results(real_faces, face_finding):
    return face_finding.measure(real_faces, COUNT)


@pytest.mark.slow
def test_faces_of_photographs_are_found_and_their_eyes_nearly(results):
    assert set(results) == set(LEAST_FOUND)
    for kind, measured in results.items():
        assert measured.count == COUNT
        assert len(measured.eye_errors) >= LEAST_FOUND[kind] * measured.count
        assert measured.extra <= MOST_OTHERS * measured.count
        for share, most in MOST_ERROR.items():
            assert np.quantile(measured.eye_errors, share) <= most


@pytest.mark.slow
def test_faces_found_are_reconstructed_as_those_of_celebas_own_alignment(results, real_faces, face_finding):
    paths = sorted((real_faces / "img_align_celeba").glob("*.jpg"))[:1000]
    keras.utils.set_random_seed(0)
    model = VAE(image_size=64, latent_dim=64, width=16)
    model.compile(keras.optimizers.Adam(2e-3))
    faces = [face_finding.original_crop(np.asarray(Image.open(path).convert("RGB"))) for path in paths]
    model.fit(np.stack(faces), batch_size=32, epochs=8, verbose=0)
    for measured in results.values():
        known, found = face_finding.reconstruction_errors(model, measured.crops)
        assert found <= MOST_RATIO * known


@pytest.mark.slow
def test_the_speed_of_preparation_is_measured_with_and_without_alignment(real_faces, face_finding, tmp_path):
    table = tmp_path / "table.md"
    face_finding.write_speed(real_faces, 6, 1, table)
    _, _, plain, aligned = [line for line in table.read_text().splitlines() if line.startswith("|")]
    rates = [float(row.split("|")[2]) for row in (plain, aligned)]
    assert "--align off" in plain
    assert "--align on" in aligned
    assert rates[0] > rates[1] > 0
