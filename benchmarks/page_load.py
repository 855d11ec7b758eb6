"""Measures how the exported web page loads in Chromium: python benchmarks/page_load.py EXPORT.

Bytes, requests and the time to the first face, on connections of several speeds, with Brotli, with gzip and without
compression; and what axe-core, which npm installs, finds in the page's views. The table goes to page_load.md.
"""

import argparse
import json
import pathlib
import shutil
import statistics
import sys
import tempfile
import threading

from measuring import HERE, machine, write_section
from playwright.sync_api import Browser, Page, sync_playwright
from tqdm import tqdm

from facevae.exporting.server import bind
from facevae.exporting.web_page import installed_packages

TITLE = "# Loading the web page\n\nMade by `python benchmarks/page_load.py EXPORT`, see there.\n"
AXE = HERE.parent / "tests" / "exporting" / "axe"
FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking"]
# bits a second and milliseconds of latency, as browsers' developer tools name them
SPEEDS = {"unlimited": (None, 0), "4G, 9 Mbit/s": (9e6, 60), "slow 4G, 1.6 Mbit/s": (1.6e6, 150)}
# Which compressed copies the server lacks.
ENCODINGS = {"Brotli": (), "gzip": (".br",), "none": (".br", ".gz")}
READY = "body[data-ready]"


def parse_command_line() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("export", type=pathlib.Path, help="an export folder, with web/ in it")
    parser.add_argument("--rounds", type=int, default=3, help="loads of each kind (default: 3)")
    parser.add_argument(
        "--chromium", default=shutil.which("chromium"), help="the browser (default: chromium)"
    )
    parser.add_argument(
        "--table", type=pathlib.Path, default=HERE / "page_load.md", help="where the table goes"
    )
    return parser.parse_args()


def serve_without(page: pathlib.Path, folder: pathlib.Path, suffixes: tuple[str, ...]) -> str:
    """The address of a copy of the page in `folder` without some of the compressed copies; served until the end."""
    shutil.copytree(page, folder)
    for path in folder.rglob("*"):
        if path.suffix in suffixes:
            path.unlink()
    server = bind(folder, port=0)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return f"http://127.0.0.1:{server.server_port}/"


def load(browser: Browser, address: str, speed: float | None, latency: float) -> dict:
    """One first visit, in a browser that has seen nothing: bytes, requests, seconds to the first face and sheet."""
    context = browser.new_context(viewport={"width": 360, "height": 640})
    page = context.new_page()
    devtools = context.new_cdp_session(page)
    devtools.send("Network.enable")
    if speed:
        rates = {"downloadThroughput": speed / 8, "uploadThroughput": speed / 8}
        devtools.send("Network.emulateNetworkConditions", {"offline": False, "latency": latency, **rates})
    received: list[float] = []
    devtools.on("Network.loadingFinished", lambda event: received.append(event["encodedDataLength"]))
    page.goto(address, wait_until="commit")
    page.wait_for_selector(READY, timeout=180_000)
    mark = "name => performance.getEntriesByName(name)[0].startTime / 1000"
    found = {
        "bytes": sum(received),
        "requests": len(received),
        "face": page.evaluate(mark, "face drawn"),
        "sheet": page.evaluate(mark, "sheet drawn") - page.evaluate(mark, "model loaded"),
    }
    context.close()
    return found


def accessibility(browser: Browser, address: str) -> dict[str, int]:
    """How many of axe-core's rules each view breaks, in light and dark."""
    axe = (installed_packages(AXE) / "axe-core" / "axe.min.js").read_text(encoding="utf-8")
    found: dict[str, int] = {}

    def judge(page: Page, view: str) -> None:
        page.wait_for_timeout(200)
        page.evaluate(axe)
        found[view] = len(page.evaluate("axe.run()")["violations"])

    for scheme in ("light", "dark"):
        page = browser.new_page(viewport={"width": 360, "height": 640}, color_scheme=scheme)
        page.goto(address)
        page.wait_for_selector(READY, timeout=60_000)
        judge(page, f"sheet, {scheme}")
        page.click(".tile >> nth=0")
        for tab in ("attributes", "dimensions", "shelf"):
            if page.locator(f"#tab-{tab}").is_visible():
                page.click(f"#tab-{tab}")
                judge(page, f"{tab}, {scheme}")
        page.close()
    return found


def described(
    results: dict[tuple[str, str], list[dict]], findings: dict[str, int], card: dict, rounds: int
) -> str:
    """The section of the table's file."""

    def middle(encoding: str, speed: str, key: str) -> float:
        return statistics.median(found[key] for found in results[encoding, speed])

    rows = [
        f"| compression | MB | requests | {' | '.join(SPEEDS)} |",
        f"| --- |{' --: |' * (2 + len(SPEEDS))}",
    ]
    for encoding in ENCODINGS:
        first = next(iter(SPEEDS))
        size, requests = middle(encoding, first, "bytes") / 1e6, middle(encoding, first, "requests")
        times = [f"{middle(encoding, speed, 'face'):.1f}" for speed in SPEEDS]
        rows.append(f"| {encoding} | {size:.2f} | {requests:.0f} | {' | '.join(times)} |")
    size, decoder = card["image_size"], card["files"]["decoder"]
    sheet = middle("Brotli", "unlimited", "sheet")
    return (
        f"{machine()}. A model of {size}×{size} pixels, {card['latent_dim']} latent dimensions, `{decoder}`. "
        f"Seconds to the first face of a first visit, medians of {rounds}.\n\n" + "\n".join(rows) + "\n\n"
        f"The sheet of twelve is complete {sheet:.2f} s after the model's arrival. Browsers take Brotli from https and "
        f"from this machine, gzip from other addresses.\n\naxe-core's findings: {sum(findings.values())} in "
        f"{len(findings)} views ({'; '.join(f'{view}: {count}' for view, count in findings.items())})."
    )


def main() -> None:
    flags = parse_command_line()
    card = json.loads((flags.export / "web" / "model.json").read_text(encoding="utf-8"))
    kinds = [(encoding, speed) for encoding in ENCODINGS for speed in SPEEDS]
    results: dict[tuple[str, str], list[dict]] = {kind: [] for kind in kinds}
    with tempfile.TemporaryDirectory() as scratch, sync_playwright() as driver:
        addresses = {
            name: serve_without(flags.export / "web", pathlib.Path(scratch) / name, suffixes)
            for name, suffixes in ENCODINGS.items()
        }
        browser = driver.chromium.launch(executable_path=flags.chromium, args=FLAGS)
        with tqdm(total=flags.rounds * len(kinds), unit="load", leave=False) as progress:
            for _ in range(flags.rounds):
                for encoding, speed in kinds:
                    progress.set_postfix_str(f"{encoding}, {speed}")
                    found = load(browser, addresses[encoding], *SPEEDS[speed])
                    results[encoding, speed].append(found)
                    progress.update()
        findings = accessibility(browser, addresses["Brotli"])
        browser.close()
    size = card["image_size"]
    text = described(results, findings, card, flags.rounds)
    write_section(flags.table, TITLE, f"{size}×{size}, {card['training_data']['name']}", text)


if __name__ == "__main__":
    sys.exit(main())
