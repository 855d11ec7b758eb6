import pytest

from facevae.command_line.text_table import aligned, markdown


def test_columns_are_as_wide_as_their_widest_cell_and_no_line_ends_in_blanks():
    rows = [("file", "size", "per face"), ("decoder", "1.25 MB", "3 ms"), ("encoder", "10 MB", "")]
    assert aligned(rows) == [
        "file        size  per face",
        "decoder  1.25 MB      3 ms",
        "encoder    10 MB",
    ]
    assert aligned([]) == []
    with pytest.raises(ValueError, match="shorter"):
        aligned([("a", "b"), ("c",)])


def test_a_table_has_a_column_for_each_header():
    lines = markdown(("", "a", "b"), [("x", 1, 2), ("y", 3, 4)]).splitlines()
    assert lines == ["|  | a | b |", "| --- | --: | --: |", "| x | 1 | 2 |", "| y | 3 | 4 |"]


def test_columns_may_hold_text_or_numbers_in_any_order():
    assert markdown(("index", "name"), [(0, "Bald")], "rl") == "| index | name |\n| --: | --- |\n| 0 | Bald |"
