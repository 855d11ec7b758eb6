"""The installed page: it starts without a network, and announces newer versions."""

import json
import shutil

import pytest
from page_visit import Visit

from facevae.exporting.compression import ENCODINGS

pytestmark = pytest.mark.slow
KEPT = "body[data-offline]"


@pytest.fixture
def context(chromium):
    context = chromium.new_context(viewport={"width": 360, "height": 640})
    yield context
    context.close()


def write_version(folder, version):
    """Gives a page another version, as another export would."""
    path = folder / "offline-files.js"
    old = json.loads((folder / "model.json").read_text())["page_version"]
    for name in ("offline-files.js", "model.json"):
        path = folder / name
        path.write_text(path.read_text().replace(old, version))
        for suffix, _ in ENCODINGS.values():
            (folder / f"{name}{suffix}").unlink(missing_ok=True)


def test_after_one_visit_the_page_starts_without_a_network(exported, context, served):
    page = context.new_page()
    visit = Visit(page, served(exported[1]))
    page.wait_for_selector(KEPT, timeout=30_000)
    context.set_offline(True)
    page.goto(visit.address)
    visit.until_ready()
    assert len(visit.sheet()) == 12
    page.click(".tile >> nth=0")
    page.click("#tab-dimensions")
    assert visit.pixels().shape == (32, 32, 3)
    # Only the encoder is not kept before its first use; the page says so in words.
    assert [error for error in visit.errors if "Failed to load resource" not in error] == []


def test_the_manifest_can_be_installed(exported, context, served):
    page = context.new_page()
    Visit(page, served(exported[1]))
    page.wait_for_selector(KEPT, timeout=30_000)
    devtools = context.new_cdp_session(page)
    assert devtools.send("Page.getInstallabilityErrors")["installabilityErrors"] in (
        [],
        [{"errorId": "in-incognito", "errorArguments": []}],
    )
    manifest = devtools.send("Page.getAppManifest")
    assert manifest["errors"] == []
    sizes = {icon["sizes"] for icon in json.loads(manifest["data"])["icons"]}
    assert {"192x192", "512x512"} <= sizes


def test_a_newer_version_is_announced_and_comes_with_a_reload(exported, context, served, tmp_path):
    folder = tmp_path / "web"
    shutil.copytree(exported[1], folder)
    page = context.new_page()
    visit = Visit(page, served(folder))
    page.wait_for_selector(KEPT, timeout=30_000)
    assert page.locator("#update").is_hidden()
    write_version(folder, "0123456789abcdef")
    page.evaluate("navigator.serviceWorker.getRegistration().then(registration => registration.update())")
    page.wait_for_selector("#update:not([hidden])", timeout=30_000)
    with page.expect_navigation():
        page.click("#update button")
    visit.until_ready()
    assert page.evaluate("import('./app.js').then(app => app.model.card.page_version)") == "0123456789abcdef"
    page.wait_for_function("caches.keys().then(names => names.length === 1)")
    assert page.evaluate("caches.keys()")[0].endswith("0123456789abcdef")


def test_another_export_at_the_same_address_is_shown_at_once(exported, context, served, tmp_path):
    folder = tmp_path / "web"
    shutil.copytree(exported[1], folder)
    page = context.new_page()
    visit = Visit(page, served(folder))
    page.wait_for_selector(KEPT, timeout=30_000)
    write_version(folder, "fedcba9876543210")
    page.goto(visit.address)
    visit.until_ready()
    assert page.evaluate("import('./app.js').then(app => app.model.card.page_version)") == "fedcba9876543210"
    assert page.locator("#update").is_hidden()
