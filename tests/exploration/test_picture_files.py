"""Pictures as PNG, SVG and PDF: the pixels of grids unsmoothed, the letters of figures as letters."""

import base64
import io
import re
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from facevae import figures
from facevae.exploration.picture_files import write_animation, write_picture


@pytest.fixture
def picture():
    return np.random.default_rng(0).integers(0, 256, (40, 70, 3), dtype=np.uint8)


def images_in(pdf):
    """The images of a PDF in three colours: what is said of each, and its pixels. Their streams are those of a PNG."""
    found = []
    for head, body in re.findall(
        rb"<<([^>]*/Subtype /Image.*?)>>\s*stream\r?\n(.*?)\r?\nendstream", pdf, re.DOTALL
    ):
        width, height = (int(re.search(rb"/%s (\d+)" % name, head)[1]) for name in (b"Width", b"Height"))
        parts = {b"IHDR": struct.pack(">2I5B", width, height, 8, 2, 0, 0, 0), b"IDAT": body, b"IEND": b""}
        png = b"\x89PNG\r\n\x1a\n"
        for name, part in parts.items():
            png += struct.pack(">I", len(part)) + name + part + struct.pack(">I", zlib.crc32(name + part))
        found.append((head, np.asarray(Image.open(io.BytesIO(png)))))
    return found


def test_a_grid_of_pixels_is_the_same_in_png_and_svg(picture, tmp_path):
    write_picture(tmp_path / "grid.png", picture)
    np.testing.assert_array_equal(np.asarray(Image.open(tmp_path / "grid.png")), picture)
    write_picture(tmp_path / "grid.svg", picture)
    text = (tmp_path / "grid.svg").read_text()
    (embedded,) = re.findall(r"data:image/png;base64,([^\"]*)", text)
    with Image.open(io.BytesIO(base64.b64decode(embedded))) as inside:
        np.testing.assert_array_equal(np.asarray(inside.convert("RGB")), picture)
    assert "image-rendering:pixelated" in text
    assert 'viewBox="0 0 50.4 28.8"' in text  # points: as large as the PNG at 100 pixels an inch


def test_a_grid_of_pixels_in_a_pdf_has_its_own_size_and_no_loss(picture, tmp_path):
    write_picture(tmp_path / "grid.pdf", picture)
    content = (tmp_path / "grid.pdf").read_bytes()
    assert content.startswith(b"%PDF-")
    ((head, pixels),) = images_in(content)
    np.testing.assert_array_equal(pixels[::-1], picture)  # stored from below, and turned by the page
    assert b"/Interpolate" not in head


@pytest.mark.parametrize("form", ["svg", "pdf"])
def test_a_figure_keeps_its_lines_and_is_written_the_same_twice(form, tmp_path):
    random = np.random.default_rng(0)
    positions = random.standard_normal((50, 2)).astype(np.float32)
    sizes = []
    for attempt in range(2):
        panel = figures.map_by_attributes(positions, positions[:, :1] > 0, ["Young"], np.ones(1), "A map")
        path = tmp_path / f"{attempt}.{form}"
        write_picture(path, panel)
        content = path.read_bytes()
        sizes.append(len(content))
        assert b"/Subtype /Image" not in content
        assert b"<image" not in content
    assert sizes[0] == sizes[1]
    if form == "svg":
        assert content.count(b"<use ") > 50  # a mark for each face
        assert b"<dc:date>" not in content
    else:
        assert b"CreationDate" not in content


def test_many_points_are_one_image_in_a_figure_with_letters(tmp_path):
    positions = np.random.default_rng(0).standard_normal((2500, 2)).astype(np.float32)
    panel = figures.map_by_attributes(positions, positions[:, :1] > 0, ["Young"], np.ones(1), "A map")
    write_picture(tmp_path / "map.svg", panel)
    content = (tmp_path / "map.svg").read_bytes()
    assert content.count(b"<image") == 1
    assert content.count(b"<use ") < 500
    assert len(content) < 500_000


def test_an_animation_has_its_frames_and_durations(tmp_path):
    frames = np.stack([np.full((20, 30, 3), shade, np.uint8) for shade in (0, 100, 200)])
    write_animation(tmp_path / "film.webp", frames, [100, 200, 300])
    with Image.open(tmp_path / "film.webp") as animation:
        assert (animation.n_frames, animation.size, animation.info["loop"]) == (3, (30, 20), 0)
        for frame, duration in enumerate((100, 200, 300)):
            animation.seek(frame)
            animation.load()
            assert animation.info["duration"] == duration
