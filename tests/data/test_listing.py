"""Everything in a folder is accounted for: read, or counted with its reason and what to do."""

import io
import json
import os

import numpy as np
import pytest
from PIL import Image

from facevae.data import listing as listing_module
from facevae.data.listing import Listing
from facevae.evaluation.image_sets import ImageSet, write_png

HEIC = b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(100)
ZIP = b"PK\3\4" + bytes(100)


def photograph(number, side=40):
    """An image of many colours, another one for each number."""
    y, x = np.mgrid[:side, :side]
    phases = np.random.default_rng(number).uniform(0, 6, 6)
    waves = [np.sin(x / (3 + phases[c])) * np.cos(y / (4 + phases[c + 3])) for c in range(3)]
    return Image.fromarray(np.stack([127 + 100 * wave for wave in waves], axis=-1).astype(np.uint8))


def mask(number, mode="L", value=255):
    """A rectangle, as segmentation masks are: one grey level on black."""
    pixels = np.zeros((40, 40), np.uint8)
    pixels[5:20, 3 : 9 + number % 20] = value
    return Image.fromarray(pixels).convert(mode)


def encoded(image, kind="JPEG", **options):
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def fill(folder, files):
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
    return folder


def photographs(names):
    return {name: encoded(photograph(number)) for number, name in enumerate(names)}


def said(folder):
    return "\n".join(Listing(folder).account.lines())


def test_pictures_are_known_by_their_content_whatever_their_suffix(tmp_path):
    kinds = {
        **{"a.jpg": "JPEG", "b.jpe": "JPEG", "c": "JPEG", "d.avif": "AVIF", "e.heic": "JPEG", "f.txt": "PNG"},
        **{"g.jpg_original": "JPEG", "h.jpg!d": "WEBP", "i.part": "GIF", "j.dat": "BMP", "k.dng": "JPEG"},
        **{"l.1": "TIFF", "m.csv": "PPM", "n.AVIFS": "AVIF"},
    }
    fill(tmp_path, {name: encoded(photograph(0), kind) for name, kind in kinds.items()})
    listing = Listing(tmp_path)
    assert sorted(listing.pictures) == sorted(kinds)
    assert not listing.left_out
    assert not listing.account.lines()


def test_kinds_that_are_not_read_are_counted_in_a_line_each_with_what_to_do(tmp_path):
    files = {f"IMG_{number}.HEIC": HEIC for number in range(60)}
    files |= {
        "a/x.cr2": b"II*\0\x10\0\0\0CR",
        "a/y.nef": b"MM\0*\0\0\0\x08",
        "clip.mp4": b"\0\0\0\x18ftypisom",
    }
    files |= {"faces.zip": ZIP, "more": ZIP, "drawing.svg": "<svg/>", "notes.txt": "text", "empty": ""}
    lines = said(fill(tmp_path, files)).splitlines()
    assert lines[0] == "60 HEIC files were not read: convert them to JPEG (first: IMG_0.HEIC)"
    assert "2 camera raws were not read: develop them to JPEG or TIFF (first: a/x.cr2)" in lines
    assert "2 zip archives were not read: unpack them (first: faces.zip)" in lines
    assert "1 video was not read: save frames of it as JPEG or PNG (first: clip.mp4)" in lines
    assert "1 SVG file was not read: convert it to JPEG or PNG (first: drawing.svg)" in lines
    assert lines[-1] == "2 other files were not read: no suffix 1, .txt 1"


def test_a_suffix_of_pictures_with_other_content_is_left_out_by_name(tmp_path):
    listing = Listing(fill(tmp_path, {"a.heif": bytes(100), "b.nef": b""}))
    assert set(listing.left_out) == {"a.heif", "b.nef"}
    assert "not a picture of a known kind" in listing.left_out["a.heif"]


def test_sidecar_files_are_not_all_opened(tmp_path, monkeypatch):
    opened = []
    kind_of_file = listing_module.kind_of_file
    monkeypatch.setattr(
        listing_module, "kind_of_file", lambda path: opened.append(path) or kind_of_file(path)
    )
    fill(tmp_path, {f"{number}.txt": "a caption" for number in range(1200)})
    fill(tmp_path, {f"{number}": "no suffix" for number in range(1100)})
    fill(tmp_path, photographs(f"{number}.jpg" for number in range(20)))
    listing = Listing(tmp_path)
    assert len(opened) == 1000 + 1100
    assert len(listing.pictures) == 20
    assert listing.account.lines() == ["2,300 other files were not read: .txt 1,200, no suffix 1,100"]


def test_one_picture_among_files_of_a_suffix_has_all_of_them_opened(tmp_path):
    names = [f"{number:04d}.dat" for number in range(1500)]
    fill(tmp_path, dict.fromkeys(names[1:], "text"))
    fill(tmp_path, photographs([names[0], "2000.dat"]))
    assert sorted(Listing(tmp_path).pictures) == [names[0], "2000.dat"]


SERVICE = (
    *("@eaDir/a.jpg/SYNOPHOTO_THUMB_XL.jpg", "#recycle/a.jpg", "@Recycle/a.jpg", "__MACOSX/a.jpg"),
    *("$RECYCLE.BIN/a.jpg", "lost+found/a.jpg", "System Volume Information/a.jpg", "sub/@eaDir/a.jpg"),
    *("Catalog Previews.lrdata/0/a.jpg", "Mine.photoslibrary/resources/derivatives/a.jpg"),
)


def test_service_folders_are_not_entered(tmp_path):
    fill(tmp_path, photographs(["a.jpg", "Mine.photoslibrary/originals/0/b.jpg", *SERVICE]))
    listing = Listing(tmp_path)
    assert sorted(listing.pictures) == ["Mine.photoslibrary/originals/0/b.jpg", "a.jpg"]
    assert f"{len(SERVICE)} service folders were not read" in said(tmp_path)


def test_hidden_files_and_folders_are_counted(tmp_path):
    fill(tmp_path, {"._a.jpg": b"\0\5\x16\7" + bytes(60), ".thumbnails/a.jpg": b"", ".Trash-1000/b.jpg": b""})
    fill(tmp_path, photographs(["a.jpg"]))
    assert list(Listing(tmp_path).pictures) == ["a.jpg"]
    assert "2 hidden folders were not read (first: .Trash-1000)" in said(tmp_path)
    assert "1 hidden file was not read (first: ._a.jpg)" in said(tmp_path)


def test_pipes_devices_and_dangling_links_without_a_suffix_do_not_hang(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "zeros").symlink_to("/dev/zero")
    (tmp_path / "dangling").symlink_to("nowhere")
    assert said(tmp_path) == "3 other files were not read: no suffix 3"


# -----------------------------------------------------------------------------------------------------------------
# What facevae wrote itself
# -----------------------------------------------------------------------------------------------------------------

RUN = json.dumps({"format_version": 1, "config": {}, "data": None})


def test_runs_exports_and_prepared_faces_below_the_data_are_no_faces(tmp_path):
    fill(
        tmp_path,
        photographs(["a.jpg", "runs/one/figures/x.png", "runs/one/export/web/i.png", "app/web/i.png"]),
    )
    fill(tmp_path, {"runs/one/run.json": RUN, "cache/f-64/index.json": "{}", "cache/f-64/images.uint8": ""})
    fill(tmp_path, {"app/model_card.json": json.dumps({"card_version": 1, "signatures": {}})})
    assert list(Listing(tmp_path).pictures) == ["a.jpg"]
    assert "3 folders that facevae wrote were not read" in said(tmp_path)


def test_pictures_for_other_programs_are_no_faces(tmp_path):
    fill(tmp_path, photographs(["a.jpg", "fid/samples/000000.png", "fid/references/000000.png"]))  # of 0.1
    images = np.zeros((2, 16, 16, 3), np.uint8)
    write_png([ImageSet("samples", 2, lambda part: images[part])], tmp_path / "elsewhere")
    assert list(Listing(tmp_path).pictures) == ["a.jpg"]
    assert "3 folders that facevae wrote" in said(tmp_path)
    assert len(Listing(tmp_path / "elsewhere" / "samples").pictures) == 2  # named itself, it is meant


def test_a_folder_of_pictures_that_is_its_own_run_folder(tmp_path):
    fill(tmp_path, photographs(["a.jpg", "b/c.jpg", "figures/x.png", "logs/y.png"]) | {"run.json": RUN})
    assert sorted(Listing(tmp_path).pictures) == ["a.jpg", "b/c.jpg"]


def test_files_of_the_same_names_by_others_hide_no_faces(tmp_path):
    fill(tmp_path, photographs(["a/x.jpg", "b/x.jpg", "samples/000000.png", "figures/z.jpg"]))
    fill(tmp_path, {"a/run.json": "{}", "b/model_card.json": "no JSON"})
    assert len(Listing(tmp_path).pictures) == 4


# -----------------------------------------------------------------------------------------------------------------
# Masks
# -----------------------------------------------------------------------------------------------------------------

PARTS = ("hair", "skin", "l_eye", "nose", "u_lip")


def test_celebamask_hq_layout(tmp_path):
    fill(tmp_path, photographs(f"CelebA-HQ-img/{number}.jpg" for number in range(40)))
    for number in range(40):
        for part in PARTS:
            name = f"CelebAMask-HQ-mask-anno/{number // 20}/{number:05d}_{part}.png"
            fill(tmp_path, {name: encoded(mask(number, "RGB"), "PNG")})
    listing = Listing(tmp_path)
    assert len(listing.pictures) == 40
    assert all(name.startswith("CelebA-HQ-img/") for name in listing.pictures)
    assert "200 masks were not read" in said(tmp_path)


@pytest.mark.parametrize(
    "name",
    [
        "labels/{}.png",
        "SegmentationClass/{}.png",
        "photos/{}_mask.png",
        "parsing maps/{}.png",
        "other/{}.png",
    ],
)
@pytest.mark.parametrize("mode", ["L", "P", "1", "RGBA"])
def test_masks_are_known_by_name_and_content(tmp_path, name, mode):
    fill(tmp_path, photographs(f"photos/{number}.jpg" for number in range(6)))
    fill(tmp_path, {name.format(n): encoded(mask(n, mode), "PNG") for n in range(6)})
    listing = Listing(tmp_path)
    assert sorted(listing.pictures) == [f"photos/{number}.jpg" for number in range(6)]


def test_soft_and_lossy_masks(tmp_path):
    soft = [mask(number).resize((200, 200), Image.Resampling.BICUBIC) for number in range(6)]
    fill(tmp_path, {f"masks/{n}.jpg": encoded(image, "JPEG", quality=75) for n, image in enumerate(soft)})
    fill(tmp_path, {f"alpha/{n}.png": encoded(image, "PNG") for n, image in enumerate(soft)})
    assert not Listing(tmp_path).pictures


def test_photographs_in_folders_named_like_masks_are_faces(tmp_path):
    names = [
        f"{folder}/{n}.png"
        for folder in ("with_mask", "labelled faces", "CelebAMask-HQ/img")
        for n in range(9)
    ]
    names += [f"{n}_hat.png" for n in range(9)]
    fill(tmp_path, {name: encoded(photograph(number), "PNG") for number, name in enumerate(names)})
    assert sorted(Listing(tmp_path).pictures) == sorted(names)


def test_photographs_among_masks_are_faces(tmp_path):
    fill(tmp_path, {f"labels/{n:03d}.png": encoded(mask(n), "PNG") for n in range(0, 200, 2)})
    names = [f"labels/{n:03d}.png" for n in range(1, 200, 2)]
    fill(tmp_path, {name: encoded(photograph(number), "PNG") for number, name in enumerate(names)})
    assert sorted(Listing(tmp_path).pictures) == names


def test_pictures_of_few_colours_are_faces_where_nothing_says_that_they_are_masks(tmp_path):
    names = ["a.png", "b.png", "small/a.png", "small/b.png"]
    fill(tmp_path, {name: encoded(mask(number), "PNG") for number, name in enumerate(names)})
    assert sorted(Listing(tmp_path).pictures) == names


# -----------------------------------------------------------------------------------------------------------------
# Tables under other names
# -----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "content", "advice"),
    [
        ("list_attr_celeba.csv.zip", ZIP, "this is a zip archive: unpack it"),
        ("list_eval_partition.csv.gz", b"\x1f\x8b\x08", "this is a compressed file: unpack it"),
        ("list_attr_celeba (1).csv", "image_id,A\n", "if it is such a table, give it that name"),
        ("Attributes.CSV", "image_id,A\n", "attributes are read from list_attr_celeba.csv"),
        ("list_attr_celeba.csv.bak", "image_id,A\n", "if it is such a table, give it that name"),
        ("labels.tsv", "image_id\tA\n", "attributes are read from list_attr_celeba.csv"),
        ("attributes.xlsx", ZIP, "this is a spreadsheet: save it as list_attr_celeba.csv"),
    ],
)
def test_tables_that_are_not_read_are_named_with_what_to_do(tmp_path, name, content, advice):
    fill(tmp_path, {name: content})
    assert said(tmp_path).startswith(f"{name} was not read: ")
    assert advice in said(tmp_path)


def test_tables_that_are_no_files_are_named(tmp_path):
    (tmp_path / "list_attr_celeba.csv").symlink_to("nowhere")
    os.mkfifo(tmp_path / "list_eval_partition.csv")
    lines = said(tmp_path).splitlines()
    assert lines[0].startswith("list_attr_celeba.csv was not read: a link that leads nowhere")
    assert lines[1] == "list_eval_partition.csv was not read: not a regular file"


def test_many_tables_are_named_in_part(tmp_path):
    fill(tmp_path, {f"{number}.csv": "x" for number in range(30)})
    assert len(said(tmp_path).splitlines()) == 6
    assert "25 more tables were not read" in said(tmp_path)
