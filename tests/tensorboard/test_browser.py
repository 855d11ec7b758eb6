"""What TensorBoard shows in a real Chromium while a training runs."""

import io
import shutil
import time

import numpy as np
import pytest
from callback_helpers import faces_of, train
from PIL import Image

from callbacks import (
    AttributeEditPictures,
    CustomScalarsLayout,
    EmbeddingProjector,
    HyperParameters,
    LatentFigures,
    LatentStatistics,
    ReconstructionPictures,
    RunText,
    SamplePictures,
    Scalars,
)
from facevae.tensorboard.server import serve

pytestmark = pytest.mark.slow

FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
TIMEOUT = 120.0  # seconds; the machine may be busy


@pytest.fixture(scope="module")
def browser(playwright_driver):
    path = shutil.which("chromium") or shutil.which("google-chrome")
    if path is None:
        pytest.skip("needs Chromium: apt-get install chromium")
    browser = playwright_driver.chromium.launch(executable_path=path, args=FLAGS)
    yield browser
    browser.close()


@pytest.fixture
def page(browser):
    page = browser.new_page(viewport={"width": 1500, "height": 1100})
    page.set_default_timeout(1000.0 * TIMEOUT)
    yield page
    page.close()


class Run:
    """A training on blobs that can be continued, and the address of its server."""

    def __init__(self, folder, pictures):
        self.folder, self.pictures = folder, pictures
        self.model, self.epochs = None, 0
        self.faces = faces_of(pictures, attributes=2)

    def train(self, epochs):
        log_dir, faces = self.folder / "faces", self.faces
        callbacks = [
            Scalars(self.folder, 8),
            CustomScalarsLayout(log_dir),
            HyperParameters(log_dir, {"latent_dim": 4, "network": "linear"}, "blobs"),
            RunText(log_dir, {"1 what this is": "A *training* of blobs."}),
            ReconstructionPictures(faces, log_dir),
            SamplePictures(faces, log_dir),
            AttributeEditPictures(faces, log_dir),
            LatentStatistics(faces, log_dir),
            LatentFigures(faces, log_dir),
            EmbeddingProjector(faces, log_dir, prior_samples=10),
        ]
        last = self.epochs + epochs
        self.model = train(self.pictures, callbacks, 4, last, self.epochs, self.model)
        self.epochs = last


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """Two epochs of training, and the address of the server."""
    random = np.random.default_rng(0)
    pictures = np.broadcast_to(random.integers(60, 255, (40, 1, 1, 3), np.uint8), (40, 16, 16, 3)).copy()
    run = Run(tmp_path_factory.mktemp("logs"), pictures)
    run.train(2)
    with serve(run.folder) as address:
        run.address = address
        yield run


def _until(page, condition, what):
    """Waits until `condition()` is true and returns its value; fails after `TIMEOUT`."""
    end = time.monotonic() + TIMEOUT
    while time.monotonic() < end:
        found = condition()
        if found:
            return found
        page.wait_for_timeout(300)  # processes the page's events, which time.sleep would not
    pytest.fail(f"the page does not show {what} within {TIMEOUT:.0f} s")


def _open(page, address, tab):
    page.goto(f"{address}#{tab}")
    page.reload()


def test_the_grids_of_the_first_and_the_last_epoch_are_shown(page, run):
    _open(page, run.address, "images")
    page.get_by_text("1 reconstructions/of validation faces").first.wait_for()
    card = page.locator("tf-image-loader").first
    text = "card => card.shadowRoot.textContent.replace(/\\s+/g, ' ')"
    picture = (
        "card => { const i = card.shadowRoot.querySelector('img'); return i && i.complete && i.naturalWidth }"
    )
    sources = set()
    for step in (2, 1):
        slider = card.locator("paper-slider")
        slider.evaluate(
            "(slider, index) => { slider.value = index; slider.immediateValue = index; }", step - 1
        )
        _until(page, lambda step=step: f"step {step} " in card.evaluate(text), f"step {step}")
        _until(page, lambda: card.locator("img").get_attribute("src") not in sources, "another grid")
        width = _until(page, lambda: card.evaluate(picture), "the grid")
        assert width > 8 * 16
        sources.add(card.locator("img").get_attribute("src"))
    assert len(sources) == 2
    groups = ("2 samples", "5 attribute edits", "6 latents")
    assert all(page.get_by_text(group, exact=True).first.is_visible() for group in groups)


def test_the_histograms_are_drawn(page, run):
    _open(page, run.address, "histograms")
    page.get_by_text("latents/KL of each dimension").first.wait_for()
    # One outline per epoch.
    outlines = page.locator("vz-histogram-timeseries").first.locator(
        "path.histogram-outline, .histogram path"
    )
    _until(page, lambda: outlines.count() >= 2, "a histogram per epoch")


def test_the_custom_scalars_are_shown_in_charts(page, run):
    _open(page, run.address, "custom_scalars")
    for title in (
        "loss: training and validation",
        "active units",
        "learning rate",
    ):
        page.get_by_text(title, exact=True).first.wait_for()
    _until(page, lambda: page.get_by_text("Matches (1)").count() >= 2, "the curves")


def test_the_hparams_table_has_the_run_with_its_configuration(page, run):
    _open(page, run.address, "hparams")
    for text in ("blobs", "latent_dim", "linear"):
        page.get_by_text(text, exact=True).first.wait_for()


def test_the_text_is_shown(page, run):
    _open(page, run.address, "text")
    page.get_by_text("1 what this is").first.wait_for()
    page.locator("em", has_text="training").first.wait_for()


def _projector(page):
    frame = _until(
        page, lambda: next((f for f in page.frames if "projector_binary" in f.url), None), "the projector"
    )
    frame.get_by_text("Points: 44").first.wait_for()
    return frame


def _choose(page, frame, label, text):
    """Chooses an entry of one of the projector's lists by its label."""
    menus = frame.locator("vz-projector-data-panel paper-dropdown-menu")
    labels = menus.evaluate_all("menus => menus.map(menu => menu.label)")
    menu = menus.nth(next(index for index, found in enumerate(labels) if label in found))
    menu.click()
    entry = _until(
        page,
        lambda: next(
            (
                i
                for i in frame.locator("paper-item").all()
                if i.is_visible() and i.inner_text().startswith(text)
            ),
            None,
        ),
        f"the entry {text}",
    )
    entry.click()
    _until(page, lambda: menu.evaluate("menu => menu.value").startswith(text), f"{text} as chosen")


def _colours(page):
    """The number of pixels in the view that are clearly coloured, as thumbnails are: neither white nor grey."""
    pixels = np.asarray(Image.open(io.BytesIO(page.screenshot())).convert("RGB")).astype(int)[
        160:1000, 340:1180
    ]
    return int((np.ptp(pixels, axis=-1) > 40).sum())


def test_the_projector_shows_thumbnails_colours_and_new_epochs(page, run):
    sprites = []
    page.on("response", lambda r: sprites.append(r.status) if "sprite_image" in r.url else None)
    _open(page, run.address, "projector")
    frame = _projector(page)
    newest = f"0 newest: epoch {run.epochs}"
    menus = frame.locator("vz-projector-data-panel paper-dropdown-menu")
    assert menus.first.evaluate("menu => menu.value") == newest  # the newest opens first
    _until(page, lambda: sprites and set(sprites) == {200}, "the thumbnails")
    _until(page, lambda: _colours(page) > 2000, "coloured thumbnails")

    legend = "legend => legend.shadowRoot.textContent.replace(/\\s+/g, ' ')"
    expected = f"yes {int(run.faces.attributes[:, 1].sum()) + 1}"  # with their centroid
    for epoch in (newest, "epoch 1", "with N(0, 1)"):
        if epoch != newest:
            _choose(page, frame, "tensors found", epoch)
            frame.get_by_text("Points: 44").first.wait_for()
        _choose(page, frame, "Color by", "Attribute_1")
        shown = frame.locator("vz-projector-legend").first
        _until(page, lambda shown=shown: expected in shown.evaluate(legend), "how many have the attribute")

    run.train(1)
    page.reload()
    frame = _projector(page)
    menus = frame.locator("vz-projector-data-panel paper-dropdown-menu")
    expected = f"0 newest: epoch {run.epochs}"
    _until(
        page, lambda: menus.first.evaluate("menu => menu.value") == expected, "the new epoch after a reload"
    )
