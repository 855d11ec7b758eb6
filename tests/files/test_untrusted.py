"""JSON and arrays from others: read if complete, else refused with a reason, without running code or filling memory."""

import io
import os
import pickle
import re
import tracemalloc
import zipfile

import numpy as np
import pytest
from places import ROOT

from facevae.files.untrusted import read_arrays, read_json

PACKAGES = ("facevae", "callbacks")


class Marks:
    """Unpickled, this makes a folder."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.mkdir, (self.path,)


def npy(array, shape=None, dtype=None):
    """The content of a .npy file, whose header may claim another shape and type."""
    buffer = io.BytesIO()
    claimed = {"descr": dtype or array.dtype.str, "fortran_order": False, "shape": shape or array.shape}
    np.lib.format.write_array_header_1_0(buffer, claimed)
    return buffer.getvalue() + array.tobytes()


def write_zip(path, members, compression=zipfile.ZIP_STORED):
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


def test_arrays_are_what_was_saved(tmp_path):
    arrays = {
        "numbers": np.arange(24, dtype=np.float32).reshape(2, 3, 4),
        "fortran": np.asfortranarray(np.arange(6).reshape(2, 3)),
        "text": np.array('{"epochs": 3}'),
        "scalar": np.array(7),
        "none": np.zeros((0, 5), np.uint8),
    }
    np.savez(tmp_path / "a.npz", **arrays)
    read = read_arrays(tmp_path / "a.npz")
    assert read.keys() == arrays.keys()
    for name, array in arrays.items():
        np.testing.assert_array_equal(read[name], array)
        assert read[name].dtype == array.dtype


def bomb(path):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        archive.writestr("a.npy", npy(np.zeros(2**26, np.uint8)))  # 64 MiB in 65 kB


HOSTILE = {
    "compressed": (bomb, "a.npy is compressed"),
    "header of 4 TB": (
        lambda path: write_zip(path, {"a.npy": npy(np.zeros(4, np.float32), (10**12,))}),
        "claims",
    ),
    "negative shape": (
        lambda path: write_zip(path, {"a.npy": npy(np.zeros(4, np.uint8), (-2, -2))}),
        "claims",
    ),
    "empty type": (lambda path: write_zip(path, {"a.npy": npy(np.zeros(0), (10**12,), "<U0")}), "holds"),
    "records": (lambda path: write_zip(path, {"a.npy": npy(np.zeros(2, "f4,f4"), None, "|V8")}), "holds"),
    "no header": (lambda path: write_zip(path, {"a.npy": b"\x93NUMPY\x01\x00\x04\x00((((" * 3}), "no header"),
    "not an array": (lambda path: write_zip(path, {"a.npy": b"no array"}), "magic string"),
    "another version": (lambda path: write_zip(path, {"a.npy": b"\x93NUMPY\x03\x00" + bytes(90)}), "format"),
    "no archive": (lambda path: path.write_bytes(b"PK\x03\x04 and nothing more"), "not a complete archive"),
    "nothing": (lambda path: path.write_bytes(b""), "not a complete archive"),
    "too many members": (
        lambda path: write_zip(path, {f"{number:060d}": b"" for number in range(12_000)}),
        "too many members",
    ),
    "a folder": (lambda path: path.mkdir(), "regular file"),
    "a pipe": (lambda path: os.mkfifo(path), "regular file"),
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_hostile_arrays_are_refused_before_they_take_memory(tmp_path, kind):
    make, reason = HOSTILE[kind]
    path = tmp_path / "a.npz"
    make(path)
    tracemalloc.start()
    with pytest.raises(ValueError, match=reason):
        read_arrays(path)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 8_000_000


def test_a_file_that_is_larger_than_expected_is_not_read(tmp_path):
    np.savez(tmp_path / "a.npz", a=np.zeros(1000))
    with pytest.raises(ValueError, match=r"8,\d\d\d bytes, expected at most 5,000"):
        read_arrays(tmp_path / "a.npz", 5000)


def test_pickled_objects_are_refused_and_not_run(tmp_path):
    marker = tmp_path / "executed"
    np.savez(tmp_path / "a.npz", a=np.array([Marks(str(marker))], dtype=object))
    with np.load(tmp_path / "a.npz", allow_pickle=True) as stored:
        stored["a"]
    assert marker.exists()  # with allow_pickle the code runs
    marker.rmdir()
    with pytest.raises(ValueError, match="holds object"):
        read_arrays(tmp_path / "a.npz")
    (tmp_path / "b.npz").write_bytes(pickle.dumps(Marks(str(marker))))
    with pytest.raises(ValueError, match="not a complete archive"):
        read_arrays(tmp_path / "b.npz")
    assert not marker.exists()


def test_damaged_arrays_are_refused_or_read_and_nothing_else(tmp_path):
    np.savez(tmp_path / "a.npz", a=np.arange(50, dtype=np.float32), text=np.array("some words"))
    whole = (tmp_path / "a.npz").read_bytes()
    random = np.random.default_rng(0)
    refused = 0
    for number in range(400):
        content = bytearray(whole)
        if number % 2:
            content = content[: random.integers(len(content))]
        else:
            for place in random.integers(0, len(content), 3):
                content[place] ^= 1 << random.integers(8)
        (tmp_path / "b.npz").write_bytes(content)
        try:
            read_arrays(tmp_path / "b.npz")
        except ValueError as error:
            assert str(error)  # noqa: PT017
            refused += 1
    assert refused > 300


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"[" * 100_000, "nested too deeply"),
        (b'{"a":' * 100_000, "nested too deeply"),
        (b"", "Expecting value"),
        (b"\xc3(", "utf"),
        (b"9" * 10_000, "integer string"),
        (b" " * (2**20 + 1), "expected at most 1,048,576"),
    ],
)
def test_hostile_json_is_refused_with_a_reason(tmp_path, content, reason):
    (tmp_path / "a.json").write_bytes(content)
    with pytest.raises(ValueError, match=reason):
        read_json(tmp_path / "a.json")


def test_a_pipe_for_json_does_not_hang(tmp_path):
    os.mkfifo(tmp_path / "a.json")
    with pytest.raises(ValueError, match="regular file"):
        read_json(tmp_path / "a.json")


def test_nothing_in_the_package_unpickles_evaluates_or_executes():
    root = ROOT
    sources = [path for name in PACKAGES for path in (root / name).rglob("*.py")] + list(root.glob("*.py"))
    assert len(sources) > 60
    forbidden = re.compile(
        r"^\s*(import|from)\s+(pickle|marshal|shelve|dill|joblib|cloudpickle|yaml)\b"
        r"|allow_pickle=True|\bnp\.load\((?!.*allow_pickle=False)|(?<![\w.])(eval|exec)\(|shell=True"
        r"|enable_unsafe_deserialization|safe_mode=False",
        re.MULTILINE,
    )
    found = {str(path): match[0] for path in sources if (match := forbidden.search(path.read_text("utf-8")))}
    assert not found
