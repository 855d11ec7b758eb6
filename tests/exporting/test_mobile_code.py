"""The code of the guide and of the two example apps: one source, and compiled as far as compilers can be had here."""

import pathlib
import re
import shutil
import subprocess

import numpy as np
import pytest
import tree_sitter
import tree_sitter_swift
from places import ROOT

from facevae.exporting.guide import ANDROID_GPU, ANDROID_RUNTIME, CODE, IOS_BRANCH
from facevae.face_finding import blazeface
from facevae.face_finding.files import FULL_RANGE, SHORT_RANGE
from facevae.face_finding.finder import CANDIDATE_SCORE, CLOSE_UP, FAR_OFF, LEAST_SCORE, PART, SURE
from facevae.face_finding.views import View

STUBS = pathlib.Path(__file__).with_name("android_stubs")
PROGRAM = pathlib.Path(__file__).with_name("kotlin_programs") / "Detections.kt"
ANDROID = ROOT / "examples" / "android" / "app"
IOS = ROOT / "examples" / "ios" / "Faces.swiftpm"
APPS = {
    ANDROID / "src" / "main" / "kotlin": {"FaceModel.kt", "MainActivity.kt"},
    IOS: {"ContentView.swift", "FaceModel.swift"},
}


@pytest.mark.parametrize("folder", APPS, ids=["android", "ios"])
def test_the_apps_are_made_of_the_code_of_the_guide(folder):
    files = {file.name for file in folder.iterdir() if file.suffix in (".kt", ".swift")}
    assert files - {"Package.swift"} == APPS[folder]
    for name in APPS[folder]:
        same = (folder / name).read_text(encoding="utf-8") == (CODE / name).read_text(encoding="utf-8")
        assert same, f"copy {CODE / name} to {folder}"


def test_the_apps_depend_on_the_versions_of_the_guide():
    assert f'implementation("{ANDROID_RUNTIME}")' in (ANDROID / "build.gradle.kts").read_text()
    assert ANDROID_GPU.rsplit(":")[-1] == ANDROID_RUNTIME.rsplit(":")[-1]
    assert f'branch: "{IOS_BRANCH}"' in (IOS / "Package.swift").read_text()


def kotlin_errors(folder, *files):
    """What the compiler says of some files, beside the stubs of LiteRT and Android; "" where all is well."""
    compiler = shutil.which("kotlinc")
    if compiler is None:
        pytest.skip("needs kotlinc: apt-get install kotlin")
    stubs = [str(stub) for stub in STUBS.rglob("*.*")]
    process = subprocess.run(
        [compiler, "-Werror", "-d", str(folder), *stubs, *map(str, files)], capture_output=True, text=True
    )
    lines = [line for line in process.stderr.splitlines() if "warning: Options -X" not in line]
    assert process.returncode == 0 or lines
    return "\n".join(lines)


@pytest.fixture(scope="module")
def classes(tmp_path_factory):
    """The compiled code of the guide, and a program that calls it."""
    folder = tmp_path_factory.mktemp("classes")
    assert kotlin_errors(folder, *CODE.glob("*.kt"), PROGRAM) == ""
    return folder


@pytest.mark.slow
def test_the_kotlin_code_compiles(classes):
    compiled = {file.stem for file in (classes / "com" / "example" / "faces").iterdir()}
    assert {"FaceModel", "FaceFinder", "MainActivity", "PlayServicesKt"} <= compiled


@pytest.mark.slow
def test_the_compiler_finds_a_call_that_litert_does_not_have(tmp_path):
    wrong = tmp_path / "FaceModel.kt"
    wrong.write_text((CODE / "FaceModel.kt").read_text().replace(".readFloat()", ".readFloats()"))
    assert "unresolved reference: readFloats" in kotlin_errors(tmp_path / "classes", wrong)


@pytest.mark.slow
@pytest.mark.parametrize(("name", "detector"), [("WHOLE", FULL_RANGE), ("CLOSE", SHORT_RANGE)])
def test_the_kotlin_face_finder_computes_as_python_does(classes, name, detector):
    random, eyes = np.random.default_rng(0), np.array([0.39 + 0.5j, 0.61 + 0.52j])
    at = blazeface.anchors(detector)
    raw = random.normal(0.0, 4.0, (len(at), 16)).astype(np.float32)
    raw[:, 2:4] = 10.0 + 3.0 * np.abs(raw[:, 2:4])  # boxes wide enough to overlap
    logits = random.normal(-6.0, 2.0, len(at)).astype(np.float32)
    logits[random.choice(len(at), 40, replace=False)] = random.normal(1.0, 2.0, 40)
    lines = [name, *(" ".join(map(str, values.ravel())) for values in (raw, logits)), "0.39 0.5 0.61 0.52"]
    process = subprocess.run(
        ["kotlin", "-cp", str(classes), "com.example.faces.DetectionsKt"],
        input="\n".join(lines) + "\n",
        capture_output=True,
        text=True,
    )
    settings, count, *printed = process.stdout.splitlines()
    assert settings == f"{CANDIDATE_SCORE} {LEAST_SCORE} {CLOSE_UP} {SURE} {FAR_OFF} {PART}"

    scores = 1.0 / (1.0 + np.exp(-logits))
    seen = np.flatnonzero(scores >= CANDIDATE_SCORE)
    faces, best = blazeface.averaged(blazeface.decoded(raw[seen], at[seen], detector.side), scores[seen])
    assert int(count) == len(faces) > 10, process.stderr
    rows = [np.array(line.split(), float) for line in printed]
    for number, (face, score) in enumerate(zip(faces, best, strict=True)):
        found, turned, around, again, aligning = rows[5 * number : 5 * number + 5]
        np.testing.assert_allclose(found, [*face.ravel(), score], atol=1e-3)
        mirrored = face[[0, 1, 3, 2, 4, 5, 7, 6]]
        mirrored[[0, *range(2, 8)], 0] = 128.0 - mirrored[[0, *range(2, 8)], 0]
        np.testing.assert_allclose(turned[:16], mirrored.ravel(), atol=1e-3)
        points = face[:, 0] + 1j * face[:, 1].astype(float)
        left, right = points[2], points[3]
        across = CLOSE_UP * face[1, 0] * (right - left) / abs(right - left)
        view = View.around(complex(points[0]), complex(across), 128)
        np.testing.assert_allclose(around, as_numbers(view.turn, view.origin), atol=1e-3)
        there = view.to_photograph(points)
        np.testing.assert_allclose(
            again[[0, 1, *range(4, 16)]], as_numbers(*there[[0, *range(2, 8)]]), atol=1e-3
        )
        np.testing.assert_allclose(again[2], abs(view.turn) * face[1, 0], atol=1e-3)
        # The two equations that define the crop: it takes the eyes to their places.
        turn, origin = complex(*aligning[:2]), complex(*aligning[2:])
        np.testing.assert_allclose(turn * 64.0 * eyes + origin, [left, right], atol=1e-3)
    parts = View.overlapping(1200, 1000, PART, 192)
    assert len(parts) == 4
    for view, part in zip(parts, rows[-7:-3], strict=True):
        np.testing.assert_allclose(part, as_numbers(view.turn, view.origin), atol=1e-3)
    moved = np.hypot(*np.moveaxis(faces[:, 2:4] - faces[0, 2:4], -1, 0)).max(axis=1)
    assert rows[-3] == (moved > FAR_OFF * faces[:, 1, 0]).sum()
    whole = View.whole(1200, 900, 192)
    np.testing.assert_allclose(rows[-2], as_numbers(whole.turn, whole.origin))
    away = np.abs(faces[:, 0] - detector.side / 2.0).max(axis=-1)
    assert rows[-1] == away.argmin()


def test_the_swift_face_finder_has_the_detectors_and_settings_of_python():
    source = (CODE / "FaceFinder.swift").read_text()
    assert re.findall(r"^let \w+: CGFloat = ([\d.]+)", source, re.MULTILINE) == [
        str(CANDIDATE_SCORE),
        str(LEAST_SCORE),
        str(CLOSE_UP),
        str(SURE),
        str(FAR_OFF),
        str(PART),
    ]
    both = (FULL_RANGE, SHORT_RANGE)
    assert re.findall(r'case \w+ = "(\w+)"', source) == [file.file.removesuffix(".tflite") for file in both]
    assert f"self == .whole ? {FULL_RANGE.side} : {SHORT_RANGE.side} " in source
    grids = [str(list(detector.grids)) for detector in both]
    assert f"self == .whole ? {grids[0]} : {grids[1]} " in source


def as_numbers(*points):
    """x and y of complex points."""
    return [part for point in points for part in (point.real, point.imag)]


def swift_mistakes(source):
    """The lines that are not Swift, from 1. Only grammar: names and types are a compiler's work."""
    parser = tree_sitter.Parser(tree_sitter.Language(tree_sitter_swift.language()))
    found, nodes = [], [parser.parse(source).root_node]
    while nodes:
        node = nodes.pop()
        if node.type == "ERROR" or node.is_missing:
            found.append(node.start_point[0] + 1)
        nodes += [child for child in node.children if child.has_error or child.is_missing]
    return sorted(found)


@pytest.mark.parametrize("file", [*CODE.glob("*.swift"), IOS / "Package.swift"], ids=lambda file: file.name)
def test_the_swift_code_follows_the_grammar(file):
    assert swift_mistakes(file.read_bytes()) == []


def test_a_mistake_in_swift_is_found():
    source = (CODE / "FaceModel.swift").read_bytes()
    assert swift_mistakes(source.replace(b"guard drawn else {", b"guard drawn {")) != []


def test_the_signatures_that_the_code_names_are_those_of_an_export():
    from facevae.exporting.graphs import Graphs

    for name in ("FaceModel.kt", "FaceModel.swift"):
        called = set(re.findall(r'(?:call|run)\("(\w+)"', (CODE / name).read_text()))
        assert {"edit", "sample"} < called
        assert any(signature.startswith("encode") for signature in called)
        assert all(callable(getattr(Graphs, signature, None)) for signature in called), called
