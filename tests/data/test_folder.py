"""Folders: what is found, which row belongs to which picture, what is left out."""

import os
import shutil

import numpy as np
import pytest
from folders_of_faces import HEADER, attributes_of, fill, opened

from facevae.data.folder import FolderSource
from facevae.errors import UserError


def test_pictures_in_any_nesting_in_the_order_of_their_names(tmp_path):
    names = ["b.JPG", "a/c.png", "a/b/d.webp", "z 画/e.jpeg"]
    source = opened(fill(tmp_path, [*names, "notes.txt", ".hidden.jpg", "__MACOSX/a.jpg", "a/.cache/x.jpg"]))
    examples = list(source.examples())
    assert [example.name for example in examples] == sorted(names)
    assert [example.encoded for example in examples] == [str(tmp_path / name) for name in sorted(names)]
    assert all(example.attributes is None and example.split == 0 for example in examples)
    assert len(source) == 4
    assert source.attribute_names == ()


@pytest.mark.parametrize("nesting", ["", "img_align_celeba/", "img_align_celeba/img_align_celeba/"])
@pytest.mark.parametrize("tables", ["kaggle", "official"])
def test_celeba_layouts(tmp_path, nesting, tables):
    fill(tmp_path, [f"{nesting}00000{number}.jpg" for number in (1, 2, 3)])
    if tables == "kaggle":
        (tmp_path / "list_attr_celeba.csv").write_text(
            f"{HEADER}\n000001.jpg,1,-1\n000002.jpg,-1,1\n000003.jpg,1,1\n"
        )
        (tmp_path / "list_eval_partition.csv").write_text(
            "image_id,partition\n000001.jpg,2\n000002.jpg,1\n000003.jpg,0\n"
        )
    else:
        fill(tmp_path, ["Anno/x", "Eval/x"])
        (tmp_path / "Anno/list_attr_celeba.txt").write_text(
            "3\nSmiling Young\n000001.jpg  1 -1\n000002.jpg -1  1\n000003.jpg  1  1\n"
        )
        (tmp_path / "Eval/list_eval_partition.txt").write_text("000001.jpg 2\n000002.jpg 1\n000003.jpg 0\n")
    source = opened(tmp_path)
    assert source.attribute_names == ("Smiling", "Young")
    assert list(attributes_of(source).values()) == [[1, 0], [0, 1], [1, 1]]
    assert [example.split for example in source.examples()] == [2, 1, 0]
    assert all(example.attributes.dtype == np.uint8 for example in source.examples())
    assert not source.left_out


def test_rows_are_matched_by_name_and_not_by_place(tmp_path):
    random = np.random.default_rng(0)
    values = {f"{number:06d}.jpg": random.choice([-1, 1], 2) for number in range(200)}
    fill(tmp_path, values)
    shuffled = random.permutation(list(values))
    lines = [f"{name},{values[name][0]},{values[name][1]}" for name in shuffled]
    (tmp_path / "list_attr_celeba.csv").write_text("\n".join([HEADER, *lines]))
    for name, attributes in attributes_of(opened(tmp_path)).items():
        assert attributes == (values[name] > 0).tolist()


def test_pictures_without_a_row_are_left_out_and_rows_without_a_picture_named(tmp_path, caplog):
    fill(tmp_path, ["a.jpg", "b.jpg", "c.jpg"])
    (tmp_path / "list_attr_celeba.csv").write_text(
        f"{HEADER}\na.jpg,1,-1\nc.jpg,-1,1\nx.jpg,1,1\ny.jpg,1,1\n"
    )
    source = opened(tmp_path)
    assert attributes_of(source) == {"a.jpg": [1, 0], "c.jpg": [0, 1]}
    assert source.left_out == {"b.jpg": "no row of its own in list_attr_celeba.csv"}
    assert "2 rows have no picture here (first: x.jpg)" in caplog.text
    assert len(source) == 2


def test_pictures_missing_in_the_partition_are_left_out(tmp_path):
    fill(tmp_path, ["a.jpg", "b.jpg"])
    (tmp_path / "list_eval_partition.csv").write_text("image_id,partition\na.jpg,1\n")
    source = opened(tmp_path)
    assert [(example.name, example.split) for example in source.examples()] == [("a.jpg", 1)]
    assert source.left_out == {"b.jpg": "no row of its own in list_eval_partition.csv"}


def test_wrong_rows_leave_their_picture_out_with_file_and_line(tmp_path):
    fill(tmp_path, ["a.jpg", "b.jpg", "c.jpg"])
    (tmp_path / "list_attr_celeba.csv").write_text(f"{HEADER}\na.jpg,1,-1\nb.jpg,1,x\nc.jpg,-1,1\n")
    source = opened(tmp_path)
    assert attributes_of(source) == {"a.jpg": [1, 0], "c.jpg": [0, 1]}
    assert source.left_out["b.jpg"].startswith("list_attr_celeba.csv, line 3: ")


def test_one_row_for_two_pictures_is_given_to_neither(tmp_path):
    fill(tmp_path, ["x/a.jpg", "y/a.jpg", "x/b.jpg"])
    (tmp_path / "list_attr_celeba.csv").write_text(f"{HEADER}\na.jpg,1,-1\nb.jpg,-1,1\n")
    source = opened(tmp_path)
    assert attributes_of(source) == {"x/b.jpg": [0, 1]}
    assert "the row a.jpg of list_attr_celeba.csv fits y/a.jpg as well" in source.left_out["x/a.jpg"]
    assert "the row a.jpg of list_attr_celeba.csv fits x/a.jpg as well" in source.left_out["y/a.jpg"]


def test_rows_may_name_relative_paths(tmp_path):
    fill(tmp_path, ["x/a.jpg", "y/a.jpg"])
    (tmp_path / "list_attr_celeba.csv").write_text(f"{HEADER}\nx/a.jpg,1,-1\ny/a.jpg,-1,1\n")
    assert attributes_of(opened(tmp_path)) == {"x/a.jpg": [1, 0], "y/a.jpg": [0, 1]}


def test_png_edition_is_matched_with_tables_that_say_jpg(tmp_path):
    fill(tmp_path, ["000001.png", "000002.png"])
    (tmp_path / "list_attr_celeba.csv").write_text(f"{HEADER}\n000001.jpg,1,-1\n000002.jpg,-1,1\n")
    assert attributes_of(opened(tmp_path)) == {"000001.png": [1, 0], "000002.png": [0, 1]}


def test_other_suffix_takes_no_row_where_names_fit(tmp_path):
    fill(tmp_path, ["000001.jpg", "000001.png", "000002.png"])
    (tmp_path / "list_attr_celeba.csv").write_text(f"{HEADER}\n000001.jpg,1,-1\n000002.jpg,-1,1\n")
    source = opened(tmp_path)
    assert attributes_of(source) == {"000001.jpg": [1, 0]}
    assert set(source.left_out) == {"000001.png", "000002.png"}


def test_rows_that_differ_only_in_their_suffix_match_no_picture_of_another_suffix(tmp_path):
    fill(tmp_path, ["a.webp", "b.webp"])
    (tmp_path / "list_attr_celeba.csv").write_text(f"{HEADER}\na.jpg,1,-1\na.png,-1,1\nb.jpg,1,1\n")
    source = opened(tmp_path)
    assert attributes_of(source) == {"b.webp": [1, 1]}
    assert source.left_out == {"a.webp": "no row of its own in list_attr_celeba.csv"}


@pytest.mark.parametrize(
    "shape",
    [
        "img_align_celeba/{}.jpg",  # the folder that is given
        "/home/somebody/celeba/img_align_celeba/{}.jpg",
        ".\\{}.jpg",
        "{}.JPG",
        "{}",
    ],
)
def test_rows_that_can_mean_one_picture_only_are_read(tmp_path, shape):
    folder = fill(tmp_path / "img_align_celeba", ["000001.jpg", "000002.jpg"])
    rows = f"{shape.format('000001')},1,-1\n{shape.format('000002')},-1,1\n"
    (folder / "list_attr_celeba.csv").write_text(f"{HEADER}\n{rows}")
    assert attributes_of(opened(folder)) == {"000001.jpg": [1, 0], "000002.jpg": [0, 1]}


def test_rows_that_name_a_folder_above_the_pictures(tmp_path):
    fill(tmp_path, ["archive/img/a.jpg", "archive/img/b.jpg"])
    (tmp_path / "list_attr_celeba.csv").write_text(f"{HEADER}\nimg/a.jpg,1,-1\nimg/b.jpg,-1,1\n")
    assert attributes_of(opened(tmp_path)) == {"archive/img/a.jpg": [1, 0], "archive/img/b.jpg": [0, 1]}


def test_folders_that_disagree_match_nothing(tmp_path):
    fill(tmp_path, ["left/a.jpg", "left/b.jpg"])
    (tmp_path / "list_attr_celeba.csv").write_text(f"{HEADER}\nright/a.jpg,1,-1\nright/b.jpg,-1,1\n")
    with pytest.raises(UserError, match="no row of its own"):
        opened(tmp_path)


def test_the_case_of_a_suffix_and_the_way_of_an_accent_do_not_matter_where_one_picture_fits(tmp_path):
    fill(tmp_path, ["a.jpg", "b.JPG", "c.jpg", "c.JPG", "e\u0301.jpg"])
    rows = "a.jpg,1,1\nb.jpg,1,-1\nc.jpg,-1,1\n\u00e9.jpg,-1,-1\n"
    (tmp_path / "list_attr_celeba.csv").write_text(f"{HEADER}\n{rows}", encoding="utf-8")
    source = opened(tmp_path)
    assert attributes_of(source) == {
        **{"a.jpg": [1, 1], "b.JPG": [1, 0], "c.jpg": [0, 1], "e\u0301.jpg": [0, 0]}
    }
    assert source.left_out == {"c.JPG": "no row of its own in list_attr_celeba.csv"}


def test_celebamask_hqs_table_is_read(tmp_path):
    fill(tmp_path, ["CelebA-HQ-img/0.jpg", "CelebA-HQ-img/1.jpg"])
    (tmp_path / "CelebAMask-HQ-attribute-anno.txt").write_text("2\nSmiling Young\n0.jpg  1 -1\n1.jpg -1  1\n")
    assert attributes_of(opened(tmp_path)) == {"CelebA-HQ-img/0.jpg": [1, 0], "CelebA-HQ-img/1.jpg": [0, 1]}


def test_a_stray_copy_beside_the_tables_takes_no_row_from_the_picture_that_it_is_named_after(tmp_path):
    fill(tmp_path, ["img/a.jpg", "img/b.jpg", "a.jpg"])
    (tmp_path / "list_attr_celeba.csv").write_text(f"{HEADER}\na.jpg,1,-1\nb.jpg,-1,1\n")
    source = opened(tmp_path)
    assert attributes_of(source) == {"img/b.jpg": [0, 1]}
    assert set(source.left_out) == {"a.jpg", "img/a.jpg"}


def test_tables_that_fit_no_picture_are_refused(tmp_path):
    fill(tmp_path, ["a.jpg"])
    (tmp_path / "list_attr_celeba.csv").write_text(f"{HEADER}\nb.jpg,1,-1\n")
    with pytest.raises(UserError, match=r"none of the 1 pictures can be used \(a.jpg: no row of its own in"):
        opened(tmp_path)


def test_two_tables_of_one_kind_are_refused(tmp_path):
    fill(tmp_path, ["one/a.jpg", "two/a.jpg"])
    for part in ("one", "two"):
        (tmp_path / part / "list_attr_celeba.csv").write_text(f"{HEADER}\na.jpg,1,-1\n")
    with pytest.raises(UserError, match=r"one/list_attr_celeba.csv and two/list_attr_celeba.csv"):
        opened(tmp_path)


def test_links_that_loop_end_and_no_picture_comes_twice(tmp_path):
    fill(tmp_path, ["a/one.jpg", "b/two.jpg"])
    (tmp_path / "a" / "up").symlink_to(tmp_path, target_is_directory=True)
    (tmp_path / "self").symlink_to("self")
    (tmp_path / "again").symlink_to(tmp_path / "a", target_is_directory=True)
    (tmp_path / "b" / "same.jpg").symlink_to(tmp_path / "b" / "two.jpg")
    (tmp_path / "b" / "dangling.jpg").symlink_to(tmp_path / "nowhere.jpg")
    os.link(tmp_path / "b" / "two.jpg", tmp_path / "b" / "zwei.jpg")
    fill(tmp_path, ["three.jpg"])
    (tmp_path / "before.jpg").symlink_to(tmp_path / "three.jpg")  # the link is listed before what it leads to
    source = opened(tmp_path)
    inodes = [os.stat(example.encoded).st_ino for example in source.examples()]
    assert len(inodes) == len(set(inodes)) == 3
    assert "leads nowhere" in source.left_out["b/dangling.jpg"]
    assert sum("another name" in reason for reason in source.left_out.values()) == 3


def test_pipes_and_folders_named_like_pictures_do_not_hang(tmp_path):
    fill(tmp_path, ["a.jpg", "folder.jpg/b.jpg"])
    os.mkfifo(tmp_path / "pipe.jpg")
    source = opened(tmp_path)
    assert [example.name for example in source.examples()] == ["a.jpg", "folder.jpg/b.jpg"]
    assert source.left_out == {"pipe.jpg": "not a regular file"}


def test_folder_that_may_not_be_read_is_named(tmp_path, monkeypatch):
    fill(tmp_path, ["a.jpg", "locked/b.jpg"])
    scandir = os.scandir

    def refusing(path):  # the superuser, who may run this test, is refused nothing
        if os.fspath(path).endswith("locked"):
            raise PermissionError(13, "Permission denied", os.fspath(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refusing)
    source = opened(tmp_path)
    assert [example.name for example in source.examples()] == ["a.jpg"]
    assert source.left_out == {"locked": "a folder that cannot be read (Permission denied)"}


def test_folder_without_pictures_is_refused_by_name(tmp_path):
    fill(tmp_path, ["celeba.zip", "notes.txt"])
    with pytest.raises(
        UserError, match=r"expected a folder with pictures in it .* found none.*unpack"
    ) as caught:
        FolderSource(tmp_path)
    assert str(tmp_path) in str(caught.value)


def test_a_folder_of_what_cannot_be_read_says_what_it_holds(tmp_path):
    for number in range(3):
        (tmp_path / f"{number}.heic").write_bytes(b"\0\0\0\x18ftypheic\0\0\0\0mif1heic")
    (tmp_path / "celeba.zip").write_bytes(b"PK\3\4")
    with pytest.raises(UserError, match=r"3 HEIC files were not read: convert them to JPEG .*1 zip archive"):
        FolderSource(tmp_path)


def test_fingerprint_changes_with_names_sizes_times_and_tables_only(tmp_path):
    folder = fill(tmp_path / "faces", ["a.jpg", "b/c.jpg"])

    def fingerprint():
        source = FolderSource(folder)
        assert source.matches(source.fingerprint)
        return source.fingerprint

    seen = [fingerprint()]
    assert fingerprint() == seen[0]
    (folder / "notes.txt").write_text("not read")
    assert fingerprint() == seen[0]
    shutil.copytree(folder, tmp_path / "moved")  # keeps times
    assert FolderSource(tmp_path / "moved").fingerprint == seen[0]
    (folder / "a.jpg").write_bytes(b"more")
    seen.append(fingerprint())
    os.utime(folder / "a.jpg", ns=(0, 0))
    seen.append(fingerprint())
    (folder / "a.jpg").rename(folder / "z.jpg")
    seen.append(fingerprint())
    (folder / "list_attr_celeba.csv").write_text(f"{HEADER}\nz.jpg,1,-1\n")
    seen.append(fingerprint())
    source = opened(folder)
    assert source.matches(seen[-1])
    assert len(set(seen)) == len(seen)


def test_undecodable_names_are_kept(tmp_path):
    with open(os.fsencode(tmp_path) + b"/\xff.jpg", "wb"):
        pass
    source = opened(tmp_path)
    (example,) = source.examples()
    assert os.fsencode(example.name) == b"\xff.jpg"
    assert os.path.exists(example.encoded)
