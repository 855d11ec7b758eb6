"""What the page says where it cannot start, and while it loads."""

import pytest
from page_visit import READY, Visit

pytestmark = pytest.mark.slow


def said(page):
    page.wait_for_selector("#not-running.explained", timeout=10_000)
    return page.locator("#not-running").inner_text()


def test_a_page_opened_by_double_click_says_how_it_is_opened(exported, chromium):
    page = chromium.new_page(viewport={"width": 390, "height": 844})
    page.goto((exported[1] / "index.html").as_uri())
    text = said(page)
    assert "opened as a file" in text
    assert "export.py RUN --serve" in text
    page.close()


def test_a_page_that_runs_says_nothing_of_it(visit):
    assert visit.page.locator("#not-running").count() == 0


def test_a_browser_without_webassembly_is_told_so(exported, chromium, served):
    page = chromium.new_page()
    page.add_init_script("delete globalThis.WebAssembly")
    page.goto(served(exported[1]))
    page.wait_for_timeout(500)
    assert "WebAssembly" in page.locator("body").inner_text()
    page.close()


@pytest.mark.parametrize("blocked", ["app.js", "sheet.js"])
def test_a_blocked_script_is_told_in_words(exported, chromium, served, blocked):
    page = chromium.new_page()
    page.route(f"**/{blocked}", lambda route: route.abort())
    page.goto(served(exported[1]))
    assert "could not be loaded" in said(page)
    page.close()


@pytest.mark.parametrize(
    ("blocked", "words"),
    [
        ("litert/index.js", "The runtime litert/index.js could not be loaded"),
        ("*.wasm", "litert/wasm/"),
        ("decoder_float32.tflite", "decoder_float32.tflite could not be loaded: there is no network"),
        ("model.json", "model.json could not be loaded"),
    ],
)
def test_a_file_that_does_not_come_is_told_in_words(exported, chromium, served, blocked, words):
    page = chromium.new_page()
    page.route(f"**/{blocked}", lambda route: route.abort())
    page.goto(served(exported[1]))
    page.wait_for_selector("#error:not([hidden])", timeout=20_000)
    text = page.locator("#error").inner_text()
    assert words in text
    assert "Aborted" not in text
    page.close()


def test_progress_is_shown_in_megabytes_while_the_model_loads(exported, chromium, served):
    page = chromium.new_page()
    devtools = page.context.new_cdp_session(page)
    devtools.send("Network.enable")
    speed = 500_000
    devtools.send(
        "Network.emulateNetworkConditions",
        {"offline": False, "latency": 20, "downloadThroughput": speed, "uploadThroughput": speed},
    )
    page.goto(served(exported[1]), wait_until="commit")
    shares = []
    while not page.locator(READY).count():
        shares.append(page.evaluate("document.getElementById('loading-share')?.value ?? 0"))
        text = page.locator("#loading-text").text_content()
        page.wait_for_timeout(150)
        if len(shares) > 200:
            raise AssertionError("the page has not started")
        if 0.3 < shares[-1] < 0.9:
            middle = text
    assert shares == sorted(shares)
    assert len({round(share, 2) for share in shares}) > 5
    loaded, total = (float(word) for word in middle.split(": ")[1].removesuffix(" MB").split(" of "))
    assert 0 < loaded < total < 3.8  # what is sent, not what it unpacks to
    page.close()


def test_the_first_face_takes_at_most_3_8_megabytes(exported, chromium, served):
    """The test's decoder is small: this bounds the page and its runtime, without the 1 MB of a real decoder."""
    page = chromium.new_page()
    devtools = page.context.new_cdp_session(page)
    devtools.send("Network.enable")
    received = []
    devtools.on("Network.loadingFinished", lambda event: received.append(event["encodedDataLength"]))
    visit = Visit(page, served(exported[1]))
    assert 1e6 < sum(received) < 2.7e6
    assert visit.foreign == []
    page.close()
