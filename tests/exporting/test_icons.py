"""The web page's icons."""

import numpy as np
from PIL import Image

from facevae.exporting.icons import SIDES, write_icons


def test_icons_show_the_faces(tmp_path):
    faces = np.stack([np.full((8, 8, 3), level, np.float32) for level in (0.0, 0.2, 0.6, 1.0)])
    listed = write_icons(tmp_path, faces)
    assert {icon["src"] for icon in listed} == {f"icon-{side}.png" for side in SIDES}
    assert [icon["src"] for icon in listed if icon["purpose"] == "maskable"] == ["icon-512.png"]
    large = np.asarray(Image.open(tmp_path / "icon-512.png"))
    assert large.shape == (512, 512, 3)
    quarters = [large[y, x, 0] for y in (100, 400) for x in (100, 400)]
    assert quarters == [0, 51, 153, 255]
    assert np.asarray(Image.open(tmp_path / "icon-32.png")).max() == 0
