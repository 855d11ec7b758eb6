"""Damaged tables never put an attribute on the wrong face."""

import hypothesis
import pytest
from folders_of_faces import attributes_of, fill, opened
from hypothesis import strategies

from facevae.errors import UserError

NAMES = [f"{number:06d}.jpg" for number in range(8)]


TRUTH = {name: [number & 1, number >> 1 & 1, number >> 2 & 1] for number, name in enumerate(NAMES)}


ROWS = [",".join([name, *("1" if value else "-1" for value in values)]) for name, values in TRUTH.items()]


def assert_none_is_on_the_wrong_face(folder, content):
    """Every picture has its own attributes, or is left out by name, or the table is refused by name."""
    table = folder / "list_attr_celeba.csv"
    table.write_bytes(content)
    try:
        source = opened(folder)
    except UserError as error:
        assert "list_attr_celeba.csv" in str(error)  # noqa: PT017
        return
    found = attributes_of(source)
    assert found.keys() | source.left_out.keys() == set(NAMES)
    for name, attributes in found.items():
        assert attributes == TRUTH[name], name


# Every bit and every place in the slow one.
@pytest.mark.parametrize(("end", "step"), [("\n", 7), pytest.param("\r\n", 1, marks=pytest.mark.slow)])
def test_no_flipped_bit_and_no_cut_moves_an_attribute_to_another_face(tmp_path, end, step):
    fill(tmp_path, NAMES)
    whole = end.join(["image_id,A,B,C", *ROWS, ""]).encode()
    assert_none_is_on_the_wrong_face(tmp_path, whole)
    assert len(attributes_of(opened(tmp_path))) == 8
    for place in range(0, len(whole), step):
        assert_none_is_on_the_wrong_face(tmp_path, whole[:place])
        for bit in range(8):
            flipped = bytearray(whole)
            flipped[place] ^= 1 << bit
            assert_none_is_on_the_wrong_face(tmp_path, bytes(flipped))


def _at(change):
    return strategies.tuples(strategies.just(change), strategies.integers(0, 20), strategies.integers(0, 20))


DAMAGES = strategies.one_of(
    _at(lambda rows, a, b: rows[:a] + rows[a + 1 :]),  # a row missing
    _at(lambda rows, a, b: [*rows[:b], rows[a % len(rows)], *rows[b:]]),  # a row twice
    _at(lambda rows, a, b: [*rows[:a], f"extra{b}.jpg,1,1,1", *rows[a:]]),  # a row too many
    _at(lambda rows, a, b: [*rows[:a], "", *rows[a:]]),
    _at(lambda rows, a, b: rows[a:] + rows[:a]),  # another order
    _at(lambda rows, a, b: [*rows[:a], *rows[a:][::-1]]),
    _at(lambda rows, a, b: _change(rows, a, lambda row: row.replace("1", "abcdefg2 "[b % 9], 1))),
    _at(lambda rows, a, b: _change(rows, a, lambda row: row + ",1" * (b % 3))),  # a field too many
    _at(lambda rows, a, b: _change(rows, a, lambda row: row.rsplit(",", 1 + b % 2)[0])),  # one too few
    _at(lambda rows, a, b: _change(rows, a, lambda row: NAMES[b % 8] + row[row.find(",") :])),  # its name
    _at(lambda rows, a, b: _change(rows, a, lambda row: row.replace(",", ";\t ,"[b % 4]))),
    _at(lambda rows, a, b: _change(rows, a, lambda row: f'"{row}'[: 2 + b])),
    _at(lambda rows, a, b: _change(rows, a, lambda row: row + "\x0b\x0c\x1c\x85\u2028\0"[b % 6])),
)


def _change(rows, place, change):
    return [change(row) if number == place % len(rows) else row for number, row in enumerate(rows)]


@hypothesis.settings(
    max_examples=100,
    deadline=None,
    derandomize=True,
    suppress_health_check=[hypothesis.HealthCheck.function_scoped_fixture],
)
@hypothesis.given(
    damages=strategies.lists(DAMAGES, max_size=5),
    end=strategies.sampled_from(["\n", "\r\n", "\r"]),
    start=strategies.sampled_from(["", "\ufeff", "\n"]),
)
def test_no_damage_moves_an_attribute_to_another_face(tmp_path, damages, end, start):
    fill(tmp_path, NAMES)
    rows = list(ROWS)
    for change, a, b in damages:
        rows = change(rows, a, b) if rows else rows
    # A row that bears another's name while that one's own row is gone is a lie that no reader can see through.
    owners = {name: {",".join(row.split(",")[1:]) for row in rows if row.startswith(name)} for name in NAMES}
    own = {name: ",".join(row.split(",")[1:]) for name, row in zip(NAMES, ROWS, strict=True)}
    hypothesis.assume(all(not found or own[name] in found for name, found in owners.items()))
    content = start + end.join(["image_id,A,B,C", *rows, ""])
    assert_none_is_on_the_wrong_face(tmp_path, content.encode())
