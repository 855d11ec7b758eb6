"""A served folder, and the exported page in a real browser."""

import pathlib
import threading

import pytest
from finished_run import write_run
from page_visit import CHROMIUM, FLAGS, Visit

from facevae.exporting.server import bind


@pytest.fixture
def served():
    """A function that serves a folder on loopback and returns the address."""
    servers = []

    def start(folder: pathlib.Path) -> str:
        server = bind(folder, port=0)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        servers.append(server)
        return f"http://127.0.0.1:{server.server_port}/"

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


@pytest.fixture(scope="session")
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


@pytest.fixture(scope="session")
def chromium(playwright_driver):
    """A browser for all tests of the page."""
    browser = playwright_driver.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
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
