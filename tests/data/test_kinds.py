"""What a file is, by its first bytes."""

import io

import numpy as np
import pytest
from PIL import Image

from facevae.data.images import FORMATS
from facevae.data.kinds import HEIC, RAW, TAR, VIDEO, ZIP, kind_of


def iso_media(*brands):
    """The start of a file of ISO/IEC 14496-12: its first brand, then the compatible ones."""
    return (
        (8 + 4 + 4 * len(brands)).to_bytes(4, "big") + b"ftyp" + brands[0] + bytes(4) + b"".join(brands[1:])
    )


@pytest.mark.parametrize("kind", FORMATS)
def test_every_format_that_is_decoded_is_a_picture_by_its_content(kind):
    buffer = io.BytesIO()
    Image.fromarray(np.zeros((16, 16, 3), np.uint8)).save(buffer, kind)
    assert kind_of(buffer.getvalue()[:512]).is_read


@pytest.mark.parametrize(
    ("start", "name", "kind"),
    [
        (iso_media(b"heic", b"mif1", b"heic"), "a.jpg", HEIC),
        (iso_media(b"mif1", b"heic"), "a.heif", HEIC),
        (iso_media(b"crx ", b"crx ", b"isom"), "a.cr3", RAW),
        (b"II*\0\x10\0\0\0CR\2\0", "a.cr2", RAW),
        (b"II*\0\x08\0\0\0", "a.NEF", RAW),
        (b"MM\0*\0\0\0\x08", "a.dng", RAW),
        (b"FUJIFILMCCD-RAW 0201", "a.raf", RAW),
        (iso_media(b"isom", b"mp41"), "a.mp4", VIDEO),
        (iso_media(b"qt  "), "a.mov", VIDEO),
        (b"\x1a\x45\xdf\xa3", "a.webm", VIDEO),
        (b"RIFF\0\0\0\0AVI LIST", "a.avi", VIDEO),
        (b"PK\3\4", "list_attr_celeba.csv", ZIP),
        (bytes(257) + b"ustar\x0000", "faces", TAR),
    ],
)
def test_kinds_that_are_named(start, name, kind):
    assert kind_of(start, name) is kind


@pytest.mark.parametrize("brands", [(b"avif", b"mif1"), (b"mif1", b"avif"), (b"avis", b"msf1")])
def test_avif_is_told_from_heic_by_its_brands(brands):
    assert kind_of(iso_media(*brands)).is_read


@pytest.mark.parametrize(
    ("start", "advice"),
    [
        (b"\xff\x0a\0", "1 JPEG XL file: convert it to JPEG or PNG"),
        (b"8BPS\0\1", "1 Photoshop file: convert it to JPEG or PNG"),
        (b'<?xml version="1.0"?>\n<!-- x --><svg xmlns=', "1 SVG file: convert it to JPEG or PNG"),
        (b"%PDF-1.7", "1 PDF file: save the pictures in it as JPEG or PNG"),
        (b"version https://git-lfs.github.com", "1 Git LFS pointer: get the pictures themselves"),
        (b"\xef\xbb\xbf\n<!DOCTYPE html>", "1 web page: a download was probably answered with a page"),
    ],
)
def test_advice(start, advice):
    kind = kind_of(start)
    assert f"{kind.counted(1)}: {kind.advice_for(1)}".startswith(advice)
    assert f"{kind.counted(60)}".startswith("60 ")


@pytest.mark.parametrize(
    "start",
    [
        b"",
        b"P1 0\nP2 1\n",  # a table of splits
        b"BM is how this text begins, which no bitmap does",
        b"image_id,Smiling\n",
        b"PK\3\4 but a spreadsheet",
        b"\0\0\0\x18ftypM4A ",
        bytes(512),
    ],
)
def test_what_is_none_of_them(start):
    assert kind_of(start, "table.xlsx") is None
