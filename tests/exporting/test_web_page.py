"""The web page in a real browser, its folder, and the server."""

import json
import os
import re
import shutil

import numpy as np
import pytest
from finished_run import write_run

from facevae.errors import UserError
from facevae.exporting import web_page

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
FLAGS = [
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
]
# LiteRT.js 2.5.3 logs through console.error. Only these lines of it are ignored.
RUNTIME_LINES = re.compile(
    "|".join(
        [
            r"INFO: \[environment\.cc:36\] Creating LiteRT environment with options",
            r"INFO: \[accelerator_registry\.cc:54\] RegisterAccelerator: ptr=0x[0-9a-f]+, name=GPU WebGPU",
            r"INFO: \[accelerator_registry\.cc:54\] RegisterAccelerator: ptr=0x[0-9a-f]+, name=CpuAccelerator",
            r"INFO: \[gpu_registry\.cc:87\] Statically linked GPU accelerator registered\.",
            r"INFO: \[cpu_registry\.cc:75\] XNNPACK CPU accelerator registered\.",
            r"INFO: \[compiled_model\.cc:812\] Flatbuffer model initialized directly from incoming litert model\.",
            r"INFO: Created TensorFlow Lite XNNPACK delegate for CPU\.",
            # Browsers have no NPU accelerator; the runtime logs this warning at every start.
            r"WARNING: \[npu_registry\.cc:34\] NPU accelerator could not be loaded and registered: "
            r"kLiteRtStatusErrorInvalidArgument\.",
        ]
    )
)


# -----------------------------------------------------------------------------------------------------------------
# The folder
# -----------------------------------------------------------------------------------------------------------------


def test_the_lock_names_one_version_with_its_hash_and_no_address():
    lock = json.loads((web_page.SOURCES / "package-lock.json").read_text())
    wanted = json.loads((web_page.SOURCES / "package.json").read_text())["dependencies"]["@litertjs/core"]
    package = lock["packages"]["node_modules/@litertjs/core"]
    assert package["version"] == wanted
    for name, entry in lock["packages"].items():
        assert "resolved" not in entry
        assert not name or entry["integrity"].startswith("sha512-")


def test_without_npm_one_line_says_so_and_nothing_is_written(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", "")
    monkeypatch.setenv("FACEVAE_CACHE", str(tmp_path / "cache"))
    (tmp_path / "export").mkdir()
    (note,) = web_page.write_page(tmp_path / "export", {}, "decoder_float32.tflite", None)
    assert note == (
        "No web page: npm, which installs its runtime, was not found. Install Node.js and export again."
    )
    assert list((tmp_path / "export").iterdir()) == []


@pytest.fixture
def npm(tmp_path, monkeypatch):
    """A function that installs a shell script as `npm`; the cache is empty."""

    def npm(script: str) -> None:
        (tmp_path / "bin").mkdir(exist_ok=True)
        (tmp_path / "bin" / "npm").write_text(f"#!/bin/sh\n{script}\n")
        (tmp_path / "bin" / "npm").chmod(0o755)

    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{os.environ['PATH']}")
    monkeypatch.setenv("FACEVAE_CACHE", str(tmp_path / "cache"))
    return npm


def test_the_runtime_is_installed_once_and_whole(tmp_path, npm):
    (tmp_path / "cache" / ".web-of-0.1").mkdir(parents=True)
    os.utime(tmp_path / "cache" / ".web-of-0.1", (0, 0))
    npm("mkdir -p node_modules/@litertjs; echo no network >&2; exit 1")
    with pytest.raises(UserError, match=r"npm could not install its runtime \(no network\)"):
        web_page.installed_runtime()
    assert [path.name for path in (tmp_path / "cache").iterdir() if path.is_dir()] == []
    npm("test -f package-lock.json && mkdir -p node_modules/@litertjs")
    runtime = web_page.installed_runtime()
    npm("exit 1")
    assert web_page.installed_runtime() == runtime
    assert runtime.is_dir()
    (folder,) = (path for path in (tmp_path / "cache").iterdir() if path.is_dir())
    assert runtime == folder / "node_modules" / "@litertjs"


def test_folders_of_others_in_the_cache_stay(tmp_path, npm):
    cache = tmp_path / "cache"
    for name in (".web-projects/shop/index.html", ".web-x/package/thesis.tex", ".web-y/package.json"):
        (cache / name).parent.mkdir(parents=True)
        (cache / name).write_text("years of work")
        os.utime(cache / name.split("/")[0], (0, 0))
    npm("test -f package-lock.json && mkdir -p node_modules/@litertjs")
    folder = web_page.installed_runtime().parents[1]
    assert len(list(cache.rglob("*/*.*"))) >= 3
    assert [path.read_text() for path in cache.glob(".web-*/**/*") if path.is_file()] == ["years of work"] * 3
    shutil.rmtree(folder / "node_modules")
    (folder / "notes").write_text("years of work")
    with pytest.raises(UserError, match="holds files of others: 'notes'"):
        web_page.installed_runtime()
    assert (folder / "notes").read_text() == "years of work"


# -----------------------------------------------------------------------------------------------------------------
# The page in Chromium
# -----------------------------------------------------------------------------------------------------------------


class Visit:
    """A page, the errors in its console, and its requests to other addresses."""

    def __init__(self, page, address):
        self.page, self.errors, self.foreign = page, [], []
        page.on("console", lambda message: self._note_message(message.type, message.text))
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on("request", lambda request: self._note_request(request.url, address))
        page.goto(address)
        page.wait_for_selector("#save:not([disabled])", timeout=60_000)

    def _note_message(self, kind, text):
        if kind == "error" and not RUNTIME_LINES.fullmatch(text):
            self.errors.append(text)

    def _note_request(self, url, address):
        if not url.startswith((address, "data:", f"blob:{address}")):
            self.foreign.append(url)

    def pixels(self, canvas="face"):
        """uint8[size, size, 3] of a canvas."""
        script = """id => { const c = document.getElementById(id);
            return [c.width, [...c.getContext("2d").getImageData(0, 0, c.width, c.width).data]] }"""
        size, values = self.page.evaluate(script, canvas)
        return np.array(values, np.uint8).reshape(size, size, 4)[..., :3]

    def slide(self, selector, value):
        script = """(input, value) => { input.value = value;
            input.dispatchEvent(new Event("input", {bubbles: true})) }"""
        self.page.locator(selector).first.evaluate(script, value)
        self.page.wait_for_timeout(300)


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    """A run whose export has a page with the float32 decoder."""
    from facevae.exporting.export import export_run
    from facevae.run.opened_run import OpenedRun

    if CHROMIUM is None:
        pytest.skip("needs Chromium (Debian's package chromium)")
    run = write_run(tmp_path_factory.mktemp("runs") / "run")
    export = export_run(OpenedRun(run.path), ("float32",), checked_latents=8)
    if not (export.folder / "web").exists():
        pytest.skip(export.notes[-1])
    return run, export.folder / "web"


@pytest.fixture(scope="module")
def chromium():
    """A browser for all tests of the page."""
    playwright = pytest.importorskip("playwright.sync_api", reason="needs playwright to drive Chromium")
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def visit(exported, chromium, served):
    """The page at the size of a phone; after each test there must be no errors and no requests to other addresses."""
    page = chromium.new_page(viewport={"width": 360, "height": 640})
    visit = Visit(page, served(exported[1]))
    yield visit
    page.close()
    assert visit.errors == []
    assert visit.foreign == []


@pytest.mark.slow
def test_the_page_decodes_as_python_does(visit, exported):
    import facevae

    model = facevae.load(exported[0].path)
    latent = np.random.default_rng(0).normal(size=8).astype(np.float32)
    script = """async latent => {
        const {loadNetwork, FaceModel} = await import("./model.js");
        const card = await (await fetch("model.json")).json();
        const model = new FaceModel(card, await loadNetwork(card.files.decoder));
        const face = {latent: Float32Array.from(latent), strengths: new Float32Array(card.attributes.length)};
        return [...await model.render(face)].map(value => Math.round(255 * value)) }"""
    levels = np.array(visit.page.evaluate(script, latent.tolist())).reshape(32, 32, 3)
    expected = 255.0 * np.asarray(model.decode(latent[None]))[0]
    assert np.abs(levels - expected).max() <= 1.0


@pytest.mark.slow
def test_new_faces_sliders_and_morphing_change_the_picture(visit):
    page = visit.page
    first = visit.pixels()
    assert np.ptp(first) > 10
    page.click("#new-face")
    page.wait_for_timeout(300)
    second = visit.pixels()
    assert (second != first).any()
    visit.slide("#attributes .sliders input", 1.5)
    edited = visit.pixels()
    assert (edited != second).any()
    page.click("#reset-attributes")
    page.wait_for_timeout(300)
    np.testing.assert_array_equal(visit.pixels(), second)
    page.click("#tab-dimensions")
    visit.slide("#dimensions .sliders input", 3.0)
    assert (visit.pixels() != second).any()
    page.click("#reset-dimensions")
    page.click("#tab-morph")
    page.wait_for_timeout(300)
    visit.slide("#morph-share", 1)
    np.testing.assert_array_equal(visit.pixels(), visit.pixels("morph-end"))
    visit.slide("#morph-share", 0.5)
    between = visit.pixels()
    visit.slide("#morph-share", 0)
    np.testing.assert_array_equal(visit.pixels(), visit.pixels("morph-start"))
    assert (between != visit.pixels()).any()
    assert re.fullmatch(r"\d+\.\d ms per face, on this device", page.locator("#status").inner_text())


@pytest.mark.slow
def test_a_page_opened_by_double_click_says_how_it_is_opened(exported, chromium):
    page = chromium.new_page(viewport={"width": 390, "height": 844})
    page.goto((exported[1] / "index.html").as_uri())
    page.wait_for_selector("#not-running", state="visible", timeout=10_000)
    assert "export.py RUN --serve" in page.locator("#not-running").inner_text()
    page.close()


@pytest.mark.slow
def test_a_page_that_runs_says_nothing_of_it(visit):
    assert visit.page.locator("#not-running").count() == 0


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
    visit.page.wait_for_timeout(1500)
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
        return visit.pixels("photo-canvas")[256, 256].astype(int)

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
    spread = np.ptp(visit.pixels("photo-canvas")[100, :, 0].astype(int))  # above the guides
    visit.page.mouse.move(*middle)
    visit.page.mouse.wheel(0, -400)
    visit.page.wait_for_timeout(200)
    assert np.ptp(visit.pixels("photo-canvas")[100, :, 0].astype(int)) < 0.7 * spread
    visit.page.keyboard.press("Escape")
    visit.page.wait_for_selector("#photo-dialog:not([open])", state="attached")


@pytest.mark.slow
def test_a_file_that_is_no_picture_is_named(visit, tmp_path):
    (tmp_path / "notes.png").write_text("no picture")
    visit.page.set_input_files("#photo-file", tmp_path / "notes.png")
    visit.page.wait_for_selector("#status.error")
    assert (
        "Expected a picture that this browser can read, received notes.png"
        in visit.page.locator("#status").inner_text()
    )
    (error,) = visit.errors
    assert "notes.png" in error
    visit.errors.clear()


@pytest.mark.slow
def test_the_picture_is_saved(visit, tmp_path):
    from PIL import Image

    with visit.page.expect_download() as download:
        visit.page.click("#save")
    download.value.save_as(tmp_path / "face.png")
    saved = np.asarray(
        Image.open(tmp_path / "face.png").convert("RGB").resize((32, 32), Image.Resampling.BOX)
    )
    assert np.abs(saved - visit.pixels().astype(float)).mean() < 12.0


@pytest.mark.slow
def test_the_keyboard_reaches_everything(visit):
    page = visit.page
    page.locator("#new-face").focus()
    before = visit.pixels()
    page.keyboard.press("Enter")
    page.wait_for_timeout(300)
    assert (visit.pixels() != before).any()
    page.locator("#tab-attributes").focus()
    page.keyboard.press("ArrowRight")
    assert page.locator("#dimensions").is_visible()
    assert page.evaluate("document.activeElement.id") == "tab-dimensions"
    page.keyboard.press("Tab")
    before = visit.pixels()
    for _ in range(40):
        page.keyboard.press("ArrowRight")
    page.wait_for_timeout(300)
    assert (visit.pixels() != before).any()


@pytest.mark.slow
@pytest.mark.parametrize(("width", "height"), [(360, 640), (1280, 800)])
def test_nothing_overflows_the_window(visit, width, height):
    visit.page.set_viewport_size({"width": width, "height": height})
    overflow = visit.page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
    assert overflow <= 0
    for button in ("#new-face", "#photo", "#save", "#tab-morph"):
        box = visit.page.locator(button).bounding_box()
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= width
        assert box["y"] + box["height"] <= height
