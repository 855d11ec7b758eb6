"""The check that the table of whole commands is still true."""

import pytest
from places import BENCHMARKS


@pytest.fixture
def whole_commands(monkeypatch):
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    import whole_commands

    return whole_commands


def test_a_ratio_that_has_grown_or_is_not_in_the_table_fails(whole_commands, capsys):
    whole_commands.check({"export.py": 6.0}, {"export.py": 4.0})
    assert capsys.readouterr().out == "export.py: 6.0 times the import, 4.0 in the table\n"
    for ratio, expected in ((6.1, {"export.py": 4.0}), (1.0, {}), (float("nan"), {"export.py": 4.0})):
        with pytest.raises(SystemExit, match=r"export\.py: expected at most 1\.5 times the ratio"):
            whole_commands.check({"export.py": ratio}, expected)


def test_the_table_that_it_writes_is_the_one_that_it_reads(whole_commands, monkeypatch, tmp_path):
    table = tmp_path / "whole_commands.md"
    monkeypatch.setattr(whole_commands, "TABLE", table)
    times = {"import tensorflow": (2.0, 4.0), "export.py": (9.0, 18.0)}
    monkeypatch.setattr(whole_commands, "measured", lambda run, scratch: dict(times))
    for flags in (["run"], ["run", "--check"]):
        monkeypatch.setattr("sys.argv", ["whole_commands.py", *flags])
        whole_commands.main()
    expected = {"import tensorflow": 1.0, "export.py": 4.5}
    assert whole_commands.recorded(table, "synthetic faces, 64×64") == expected
    times["export.py"] = (9.0, 40.0)
    with pytest.raises(SystemExit, match="export"):
        whole_commands.main()
    with pytest.raises(SystemExit, match="expected the section 'photographs'"):
        whole_commands.recorded(table, "photographs")


def test_a_command_that_fails_is_named(whole_commands):
    with pytest.raises(SystemExit, match="failed:\nboom"):
        whole_commands.seconds(("sh", "-c", "echo boom >&2; exit 1"), {})
