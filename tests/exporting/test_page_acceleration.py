"""WebGPU: taken where it draws the same pixels faster, and never else."""

import pytest
from page_visit import CHROMIUM, Visit

pytestmark = pytest.mark.slow

# The decoder of the page is made slow, and compared with another that stands for the graphics processor's.
CHOOSE = """async ({delay, shift, broken, fastEnough}) => {
    const {model} = await import("./app.js");
    const {chooseAccelerator} = await import("./accelerator.js");
    const {loadNetwork} = await import("./model.js");
    const wait = milliseconds => new Promise(resolve => setTimeout(resolve, milliseconds));
    const plain = model.decoder.run.bind(model.decoder);
    model.decoder.run = async (...inputs) => { await wait(30); return plain(...inputs) };
    const compile = async () => {
        if (broken) throw new Error("no shaders");
        const gpu = await loadNetwork(model.card.files.decoder);
        const run = gpu.run.bind(gpu);
        gpu.run = async (signature, tensors) => {
            await wait(delay);
            const outputs = await run(signature, tensors);
            const data = outputs.image.data.bind(outputs.image);
            outputs.image.data = async () => (await data()).map(value => value + shift);
            return outputs;
        };
        return gpu;
    };
    const said = await chooseAccelerator(model, fastEnough, compile);
    return [said, model.drawer !== model.decoder] }"""
SAME_AND_FASTER = {"delay": 0, "shift": 0.0, "broken": False, "fastEnough": 0}


@pytest.mark.parametrize(
    ("case", "taken", "words"),
    [
        ({}, True, "WebGPU, faster"),
        ({"shift": 0.9 / 255}, True, "WebGPU, faster"),
        ({"shift": 1.5 / 255}, False, "other pixels"),
        ({"shift": None}, False, "other pixels"),
        ({"delay": 60}, False, "not faster"),
        ({"broken": True}, False, "no shaders"),
        ({"fastEnough": 10_000}, False, "fast enough"),
    ],
)
def test_the_faster_of_equal_decoders_draws(visit, case, taken, words):
    case = SAME_AND_FASTER | case
    if case["shift"] is None:
        case["shift"] = float("nan")
    said, replaced = visit.page.evaluate(CHOOSE, case)
    assert words in said
    assert replaced is taken
    visit.page.click(".tile >> nth=0")
    assert visit.pixels().shape == (32, 32, 3)


def test_a_software_webgpu_draws_the_same_pixels_within_one_level(exported, served):
    playwright = pytest.importorskip("playwright.sync_api", reason="needs playwright to drive Chromium")
    flags = ["--headless=new", "--no-sandbox", "--enable-unsafe-webgpu", "--enable-features=Vulkan"]
    flags += ["--use-webgpu-adapter=swiftshader", "--use-vulkan=swiftshader", "--ignore-gpu-blocklist"]
    script = """async () => {
        const {model} = await import("./app.js");
        const {compared} = await import("./accelerator.js");
        const {loadNetwork} = await import("./model.js");
        const {getWebGpuDevice} = await import("./litert/index.js");
        if (!getWebGpuDevice()) return null;
        const gpu = await loadNetwork(model.card.files.decoder, undefined, "webgpu");
        return [gpu.isFullyAccelerated, 255 * (await compared(model, gpu)).difference] }"""
    # The driver of the other tests runs in this thread; a second one needs one of its own.
    from concurrent.futures import ThreadPoolExecutor

    def measure(address):
        with playwright.sync_playwright() as driver:
            browser = driver.chromium.launch(executable_path=CHROMIUM, args=flags)
            visit = Visit(browser.new_page(), address)
            found = visit.page.evaluate(script)
            browser.close()
            return found

    with ThreadPoolExecutor(1) as pool:
        found = pool.submit(measure, served(exported[1])).result()
    if found is None:
        pytest.skip("needs a Chromium whose SwiftShader offers WebGPU")
    accelerated, levels = found
    assert accelerated
    assert levels <= 1.0
