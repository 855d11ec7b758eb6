"""Faces are found in photographs and in the camera's picture, on the page as in Python."""

import sys

import numpy as np
import pytest
from face_photographs import straight_faces
from page_visit import CHROMIUM, FLAGS, Visit
from PIL import Image
from places import BENCHMARKS

from facevae.data import alignment
from facevae.face_finding import FaceFinder
from facevae.synthetic_faces import render

LEAST_RATE = 15.0  # frames a second


@pytest.fixture(scope="module")
def composites():
    sys.path.insert(0, str(BENCHMARKS))
    try:
        import face_composites
    finally:
        sys.path.remove(str(BENCHMARKS))
    return face_composites


@pytest.fixture(scope="module")
def photograph(composites):
    """uint8[480, 640, 3], a turned face in a texture."""
    face = render(straight_faces(1, seed=5), 256)[0]
    return composites.composite(face, np.random.default_rng(3), 1.1, (640, 480), steepest=12.0).pixels


@pytest.fixture(scope="module")
def small(composites):
    """uint8[900, 1200, 3], a face with eyes 21 pixels apart."""
    face = render(straight_faces(8), 160)[4]
    return composites.composite(face, np.random.default_rng(0), 0.6, (1200, 900)).pixels


@pytest.fixture(scope="module")
def video(photograph, tmp_path_factory):
    """The photograph as a film for a camera that does not exist."""
    path = tmp_path_factory.mktemp("video") / "face.y4m"
    planes = np.asarray(Image.fromarray(photograph).convert("YCbCr"))
    frame = planes[..., 0].tobytes() + b"".join(
        np.ascontiguousarray(planes[::2, ::2, plane]).tobytes() for plane in (1, 2)
    )
    path.write_bytes(b"YUV4MPEG2 W640 H480 F30:1 Ip A1:1 C420jpeg\n" + 30 * (b"FRAME\n" + frame))
    return path


@pytest.fixture
def camera_page(exported, chromium, served):
    """A function that opens the page in a browser of its own flags, at the face that one works with."""
    browsers = []

    def start(*flags, permissions=("camera",)):
        browsers.append(chromium.browser_type.launch(executable_path=CHROMIUM, args=[*FLAGS, *flags]))
        context = browsers[-1].new_context(
            viewport={"width": 360, "height": 640}, permissions=list(permissions)
        )
        visit = Visit(context.new_page(), served(exported[1]))
        visit.page.click("#faces button")
        return visit

    yield start
    for browser in browsers:
        browser.close()


def film(video):
    return ("--use-fake-device-for-media-stream", f"--use-file-for-fake-video-capture={video}")


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["large", "small"])  # the small one is seen in a part of the photograph only
def test_the_page_finds_the_face_where_python_does_and_places_it(visit, photograph, small, tmp_path, kind):
    photograph = small if kind == "small" else photograph
    Image.fromarray(photograph).save(tmp_path / "photo.png")
    (expected,) = FaceFinder().find(photograph)
    visit.page.set_input_files("#photo-file", tmp_path / "photo.png")
    visit.page.wait_for_selector("#photo-dialog[open]", timeout=60_000)
    shown = visit.canvas("#photo-canvas")
    frame = alignment.training_frame("synthetic_faces", "square", 512)
    aligned = alignment.align_found(photograph, expected.eyes, frame, 512)
    # But for the guides, which are drawn over it.
    assert np.median(np.abs(shown.astype(float) - aligned)) < 4.0
    visit.page.click("#photo-use")
    visit.page.wait_for_selector('body[data-view="work"]')


@pytest.mark.slow
def test_where_no_face_is_found_the_page_says_so_and_shows_no_empty_border(visit, tmp_path):
    Image.new("RGB", (300, 200), (40, 160, 80)).save(tmp_path / "green.png")
    visit.page.set_input_files("#photo-file", tmp_path / "green.png")
    visit.page.wait_for_selector("#photo-dialog[open]", timeout=60_000)
    assert visit.page.locator("#photo-found").inner_text() == "No face was found: place it by hand."
    visit.page.locator("#photo-canvas").press("-")
    for _ in range(20):
        visit.page.keyboard.press("-")
    corner = visit.canvas("#photo-canvas")[:20, :20].reshape(-1, 3)
    assert np.abs(corner - [40, 160, 80]).max() <= 3
    visit.page.keyboard.press("Escape")


@pytest.mark.slow
def test_a_model_of_drawings_says_so_before_a_photograph_is_chosen(visit):
    visit.page.click("#faces button")
    visit.page.wait_for_selector('body[data-view="work"]')
    assert visit.page.locator("#stage .drawings").is_visible()
    assert "a photo comes out as a drawing" in visit.page.locator("#stage .drawings").inner_text()


@pytest.mark.slow
def test_the_camera_shows_the_face_and_what_the_model_makes_of_it(camera_page, video, photograph):
    visit = camera_page(*film(video))
    page = visit.page
    page.click("#camera")
    page.wait_for_selector("#camera-freeze:not([disabled])", timeout=60_000)
    page.wait_for_function(
        "parseFloat(document.getElementById('camera-rate').textContent) > 0", timeout=30_000
    )
    page.wait_for_timeout(4000)
    rate = float(page.locator("#camera-rate").inner_text().split()[0])
    assert rate >= LEAST_RATE
    (found,) = FaceFinder().find(photograph)
    frame = alignment.training_frame("synthetic_faces", "square", 32)
    aligned = alignment.align_found(photograph, found.eyes, frame, 32)
    assert np.abs(visit.canvas("#camera-face").astype(float) - aligned).mean() < 16.0
    assert np.ptp(visit.pixels("#camera-decoded")) > 10
    page.click("#camera-freeze")
    page.wait_for_selector("#camera-dialog:not([open])", state="attached")
    assert (
        page.evaluate("document.getElementById('camera-video').srcObject.getTracks()[0].readyState")
        == "ended"
    )
    assert visit.errors == []
    assert visit.foreign == []


@pytest.mark.slow
@pytest.mark.parametrize(
    ("flags", "permissions", "message"),
    [
        ((), ("camera",), "No camera was found"),
        (
            ("--use-fake-device-for-media-stream", "--deny-permission-prompts"),
            (),
            "The camera is not allowed here",
        ),
    ],
)
def test_no_camera_and_no_permission_are_one_line_each(camera_page, flags, permissions, message):
    visit = camera_page(*flags, permissions=permissions)
    visit.page.click("#camera")
    visit.page.wait_for_selector("#error:not([hidden])")
    assert visit.page.locator("#error p").inner_text().startswith(message)
    assert not visit.page.locator("#camera-dialog").is_visible()
