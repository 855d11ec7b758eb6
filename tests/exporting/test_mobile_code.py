"""The code of the guide and of the two example apps: one source, and compiled as far as compilers can be had here."""

import pathlib
import re
import shutil
import subprocess

import pytest
import tree_sitter
import tree_sitter_swift
from places import ROOT

from facevae.exporting.guide import ANDROID_GPU, ANDROID_RUNTIME, CODE, IOS_BRANCH

STUBS = pathlib.Path(__file__).with_name("android_stubs")
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
        [compiler, "-Werror", "-d", str(folder / "classes"), *stubs, *map(str, files)],
        capture_output=True,
        text=True,
    )
    lines = [line for line in process.stderr.splitlines() if "warning: Options -X" not in line]
    assert process.returncode == 0 or lines
    return "\n".join(lines)


@pytest.mark.slow
def test_the_kotlin_code_compiles(tmp_path):
    assert kotlin_errors(tmp_path, *CODE.glob("*.kt")) == ""
    assert (tmp_path / "classes" / "com" / "example" / "faces" / "MainActivity.class").exists()


@pytest.mark.slow
def test_the_compiler_finds_a_call_that_litert_does_not_have(tmp_path):
    wrong = tmp_path / "FaceModel.kt"
    wrong.write_text((CODE / "FaceModel.kt").read_text().replace(".readFloat()", ".readFloats()"))
    assert "unresolved reference: readFloats" in kotlin_errors(tmp_path, wrong)


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
