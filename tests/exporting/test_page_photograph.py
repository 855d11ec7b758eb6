"""A photograph becomes a face on the page."""

import numpy as np
import pytest


@pytest.mark.slow
def test_a_photograph_under_the_guides_becomes_its_reconstruction(visit, exported, tmp_path):
    from PIL import Image

    import facevae

    model = facevae.load(exported[0].path)
    small = np.random.default_rng(1).integers(0, 256, (4, 4, 3), dtype=np.uint8)
    picture = Image.fromarray(small).resize((96, 96), Image.Resampling.BICUBIC)
    # Stored rotated, with the EXIF orientation that cameras write: the page must turn it upright.
    exif = Image.Exif()
    exif[0x0112] = 6
    picture.transpose(Image.Transpose.ROTATE_90).save(tmp_path / "photo.jpg", exif=exif, quality=98)
    visit.page.set_input_files("#photo-file", tmp_path / "photo.jpg")
    visit.page.wait_for_selector("#photo-dialog[open]")
    visit.page.click("#photo-use")
    visit.page.wait_for_selector('body[data-view="work"]')
    visit.page.wait_for_timeout(300)
    upright = np.asarray(picture.resize((32, 32), Image.Resampling.BOX))
    expected = 255.0 * np.asarray(model(upright[None]))[0]
    turned = 255.0 * np.asarray(model(np.rot90(upright)[None].copy()))[0]
    error, wrong = (np.abs(visit.pixels() - other).mean() for other in (expected, turned))
    assert error < 2.0
    assert error < 0.2 * wrong


@pytest.mark.slow
def test_placing_moves_and_zooms_by_pointer_wheel_and_keys(visit, tmp_path):
    from PIL import Image

    gradient = np.zeros((300, 300, 3), np.uint8)
    gradient[..., 0] = np.linspace(0, 255, 300)
    gradient[..., 1] = np.linspace(0, 255, 300)[:, None]
    Image.fromarray(gradient).save(tmp_path / "photo.png")
    visit.page.set_input_files("#photo-file", tmp_path / "photo.png")
    visit.page.wait_for_selector("#photo-dialog[open]")
    canvas = visit.page.locator("#photo-canvas")
    box = canvas.bounding_box()
    middle = (box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)

    def centre():
        return visit.canvas("#photo-canvas")[256, 256].astype(int)

    before = centre()
    visit.page.mouse.move(*middle)
    visit.page.mouse.down()
    visit.page.mouse.move(middle[0] + box["width"] / 4, middle[1])
    visit.page.mouse.up()
    dragged = centre()
    assert abs(before[0] - dragged[0] - 64) <= 4  # a quarter of the picture to the right
    assert abs(before[1] - dragged[1]) <= 4
    canvas.press("ArrowDown")
    assert centre()[1] < dragged[1]
    spread = np.ptp(visit.canvas("#photo-canvas")[100, :, 0].astype(int))  # above the guides
    visit.page.mouse.move(*middle)
    visit.page.mouse.wheel(0, -400)
    visit.page.wait_for_timeout(200)
    assert np.ptp(visit.canvas("#photo-canvas")[100, :, 0].astype(int)) < 0.7 * spread
    visit.page.keyboard.press("Escape")
    visit.page.wait_for_selector("#photo-dialog:not([open])", state="attached")


@pytest.mark.slow
def test_a_file_that_is_no_picture_is_named(visit, tmp_path):
    (tmp_path / "notes.png").write_text("no picture")
    visit.page.set_input_files("#photo-file", tmp_path / "notes.png")
    visit.page.wait_for_selector("#error:not([hidden])")
    assert (
        "Expected a picture that this browser can read, received notes.png"
        in visit.page.locator("#error").inner_text()
    )
    (error,) = visit.errors
    assert "notes.png" in error
    visit.errors.clear()
