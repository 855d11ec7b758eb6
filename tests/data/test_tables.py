"""CelebA's tables: what is read, repaired and refused, and that the log names the line."""

import logging
import os

import numpy as np
import pytest

from facevae.data.tables import read_attribute_table, read_partition_table
from facevae.errors import UserError

CSV = "image_id,Smiling,Young\n000001.jpg,1,-1\n000002.jpg,-1,1\n000003.jpg,1,1\n"
TXT = "3\nSmiling Young\n000001.jpg  1 -1\n000002.jpg -1  1\n000003.jpg  1  1\n"
EXPECTED = {"000001.jpg": [1, 0], "000002.jpg": [0, 1], "000003.jpg": [1, 1]}


def write(tmp_path, content, name="list_attr_celeba.csv"):
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def rows(table):
    return {name: table.values[row].tolist() for name, row in table.row_of.items()}


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("list_attr_celeba.csv", CSV),
        ("list_attr_celeba.csv", CSV.replace("\n", "\r\n")),
        ("list_attr_celeba.csv", "\ufeff" + CSV),
        ("list_attr_celeba.csv", "\n" + CSV.replace("000002", "\n000002") + "\n\n"),
        ("list_attr_celeba.csv", CSV.replace(",", " , ")),
        ("list_attr_celeba.csv", CSV.replace("000002.jpg", '"000002.jpg"')),
        ("list_attr_celeba.csv", CSV.replace("-1", "0")),
        ("list_attr_celeba.txt", TXT),
        ("list_attr_celeba.txt", TXT.replace("\n", "\r\n")),
        ("list_attr_celeba.txt", "\ufeff" + TXT),
        ("list_attr_celeba.txt", TXT.removeprefix("3\n")),
        ("LIST_ATTR_CELEBA.CSV", CSV),
        ("CelebAMask-HQ-attribute-anno.txt", TXT),
        ("list_attr_celeba.csv", CSV.replace(",", ";")),
        ("list_attr_celeba.csv", "\ufeff" + CSV.replace(",", ";").replace("\n", "\r\n")),
        ("list_attr_celeba.csv", CSV.replace(",", "\t")),
        ("list_attr_celeba.csv", CSV.encode("utf-16")),
        ("list_attr_celeba.csv", b"\xfe\xff" + CSV.encode("utf-16-be")),
        ("list_attr_celeba.txt", TXT.encode("utf-16")),
        ("list_attr_celeba.csv", CSV.replace("000002.jpg", ".\\000002.jpg")),
    ],
)
def test_every_way_of_writing_the_table_is_read_alike(tmp_path, caplog, name, content):
    table = read_attribute_table(write(tmp_path, content, name))
    assert table.columns == ("Smiling", "Young")
    assert rows(table) == EXPECTED
    assert not table.refused
    assert not caplog.records


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("000009.jpg,1", "expected 2 values after the name, received 1"),
        ("000009.jpg,1,1,1", "expected 2 values after the name, received 3"),
        ("000009.jpg,1,yes", "expected values -1, 0, 1, received 'yes'"),
        ("000009.jpg,1,", "expected values -1, 0, 1, received ''"),
        ("000009.jpg,1,nan", "received 'nan'"),
        ("000009.jpg,1,1.0", "received '1.0'"),
        ("000009.jpg", "received 0"),
    ],
)
def test_wrong_row_is_named_with_its_line_and_moves_no_other(tmp_path, caplog, row, reason):
    first, *rest = CSV.splitlines()
    path = write(tmp_path, "\n".join([first, rest[0], row, *rest[1:]]))
    with caplog.at_level(logging.WARNING):
        table = read_attribute_table(path)
    assert rows(table) == EXPECTED
    assert reason in table.refused["000009.jpg"]
    (record,) = caplog.records
    assert f"{path}, line 3 (000009.jpg)" in record.getMessage()
    assert reason in record.getMessage()


def test_the_same_row_twice_is_repaired_and_named(tmp_path, caplog):
    table = read_attribute_table(write(tmp_path, CSV + "000002.jpg,-1,1\n"))
    assert rows(table) == EXPECTED
    assert not table.refused
    assert "line 5 (000002.jpg): a second row, the same as that of line 3; ignored" in caplog.text


@pytest.mark.parametrize("times", [1, 2])
def test_two_rows_that_contradict_each_other_leave_the_picture_out(tmp_path, caplog, times):
    table = read_attribute_table(write(tmp_path, CSV + "000002.jpg,1,1\n" * times))
    assert rows(table) == {name: row for name, row in EXPECTED.items() if name != "000002.jpg"}
    assert "different from that of line 3" in table.refused["000002.jpg"]
    assert "line 5 (000002.jpg)" in caplog.text


def test_a_wrong_row_and_a_right_one_for_the_same_picture_leave_it_out(tmp_path):
    for content in (CSV + "000002.jpg,1\n", CSV.replace("000002.jpg,-1,1", "000002.jpg,1\n000002.jpg,-1,1")):
        table = read_attribute_table(write(tmp_path, content))
        assert set(table.refused) == {"000002.jpg"}
        assert "000002.jpg" not in table.row_of


def test_minus_one_zero_and_one_together_are_refused(tmp_path):
    with pytest.raises(UserError, match=r"all three \(0 first in the row of 000002.jpg\)"):
        read_attribute_table(write(tmp_path, CSV.replace("000002.jpg,-1", "000002.jpg,0")))


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("", "empty file"),
        ("image_id,Smiling,Young\n", "it has no rows"),
        (
            "image_id,Smiling,Smiling\n000001.jpg,1,1\n",
            "line 1: expected a header that names each attribute once",
        ),
        ("000001.jpg,1,-1\n000002.jpg,-1,1\n", "line 1: expected a header"),
        ("image_id,,Young\n000001.jpg,1,1\n", "line 1: expected a header"),
        ("image_id;Smiling,Young\n000001.jpg;1,1\n", "line 1: expected one separator, received ',' and ';'"),
        (CSV.replace(",", ";").replace("1;", "1,0;"), r"line 2: expected values -1, 0, 1, received '1,0'"),
        (CSV.replace("1\n", "1.0\n"), r"line 2: expected values -1, 0, 1, received '-1.0'"),
        (CSV.replace("1\n", "2\n"), "most of this table cannot be used"),
        (CSV.encode("utf-16-le"), "line 1: expected a text file in UTF-8, or in UTF-16 with its mark"),
        (CSV.encode("utf-16")[:-1], "expected a text file in UTF-8"),
        (b"PK\3\4" + bytes(50), "expected a table, this is a zip archive. Unpack it, or remove it"),
        (b"\x1f\x8b\x08" + bytes(50), "this is a compressed file. Unpack it"),
        (b"\xff\xd8\xff\xe0", "expected a table, this is a picture"),
        ("<!DOCTYPE html><html>", "this is a web page. A download was probably answered with a page"),
        (CSV.encode() + b"\xff\xfe.jpg,1,1\n", "line 5: expected a text file in UTF-8"),
        (CSV + '"000004.jpg,1,1\n', "unexpected end of data"),
        (CSV + "x" * 200_000 + ",1,1\n", "line 5: field larger than field limit"),
    ],
)
def test_tables_that_cannot_be_understood_are_refused(tmp_path, content, reason):
    path = write(tmp_path, content)
    with pytest.raises(UserError, match=reason) as caught:
        read_attribute_table(path)
    assert str(path) in str(caught.value)


def test_a_refused_table_is_one_message_and_not_a_line_for_each_row(tmp_path, caplog):
    with pytest.raises(UserError, match=r"3 rows; list_attr_celeba.csv, line 2: .*'-5'"):
        read_attribute_table(write(tmp_path, CSV.replace("1\n", "5\n")))
    assert not caplog.records


def test_a_count_that_is_not_that_of_the_rows_is_named(tmp_path, caplog):
    table = read_attribute_table(write(tmp_path, TXT.replace("3\n", "202599\n"), "list_attr_celeba.txt"))
    assert rows(table) == EXPECTED
    assert "announces 202599 rows, 3 follow" in caplog.text


def test_a_count_of_thousands_of_digits_is_named_and_not_fatal(tmp_path, caplog):
    path = write(tmp_path, TXT.replace("3\n", "9" * 6000 + "\n"), "list_attr_celeba.txt")
    assert rows(read_attribute_table(path)) == EXPECTED
    assert "line 1: announces" in caplog.text


def test_an_enormous_table_is_refused_unread(tmp_path):
    path = write(tmp_path, CSV)
    os.truncate(path, 10**12)  # takes no room on the disk
    with pytest.raises(UserError, match=r"list_attr_celeba.csv: expected a table .*1,000,000,000,000 bytes"):
        read_attribute_table(path)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("list_eval_partition.csv", "image_id,partition\na.jpg,0\nb.jpg,1\nc.jpg,2\n"),
        ("list_eval_partition.txt", "a.jpg 0\nb.jpg 1\r\nc.jpg 2"),
    ],
)
def test_partition_tables(tmp_path, name, content):
    table = read_partition_table(write(tmp_path, content, name))
    assert rows(table) == {"a.jpg": [0], "b.jpg": [1], "c.jpg": [2]}


def test_unknown_partition_leaves_the_picture_out(tmp_path):
    content = "image_id,partition\na.jpg,0\nb.jpg,3\nc.jpg,2\n"
    table = read_partition_table(write(tmp_path, content, "list_eval_partition.csv"))
    assert set(table.refused) == {"b.jpg"}
    assert set(table.row_of) == {"a.jpg", "c.jpg"}


def test_partition_table_with_another_header_is_refused(tmp_path):
    path = write(tmp_path, "image_id,split\na.jpg,0\n", "list_eval_partition.csv")
    with pytest.raises(UserError, match="expected a name column and then partition, received 'split'"):
        read_partition_table(path)


def test_large_table_is_read_in_order(tmp_path):
    values = np.random.default_rng(0).choice([-1, 1], (5000, 40))
    lines = [f"{number:06d}.jpg," + ",".join(map(str, row)) for number, row in enumerate(values)]
    names = [f"A{number}" for number in range(40)]
    table = read_attribute_table(write(tmp_path, "\n".join([",".join(["image_id", *names]), *lines])))
    np.testing.assert_array_equal(table.values, values > 0)
