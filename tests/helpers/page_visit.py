"""The exported page in a real browser."""

import re
import shutil

import numpy as np

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
READY = "body[data-ready]"


class Visit:
    """A page, the errors in its console, and its requests to other addresses."""

    def __init__(self, page, address, ready=True):
        self.page, self.address, self.errors, self.foreign = page, address, [], []
        page.on("console", lambda message: self._note_message(message.type, message.text))
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on("request", lambda request: self._note_request(request.url))
        page.goto(address)
        if ready:
            self.until_ready()

    def until_ready(self):
        self.page.wait_for_selector(READY, timeout=60_000)

    def _note_message(self, kind, text):
        if kind == "error" and not RUNTIME_LINES.fullmatch(text):
            self.errors.append(text)

    def _note_request(self, url):
        if not url.startswith((self.address, "data:", f"blob:{self.address}")):
            self.foreign.append(url)

    def settled(self):
        """Waits until nothing is drawn any more."""
        self.page.evaluate(
            "async () => { const {model, work, sheet} = await import('./app.js'); "
            "await sheet.draw(); await work.draw(); await model.turn }"
        )

    def pixels(self, selector="#face"):
        """uint8[size, size, 3]: what the model drew on a canvas, before it was enlarged."""
        self.settled()
        script = """async selector => {
            const {paintedOn} = await import("./face-canvas.js");
            const {pixels, size} = paintedOn(document.querySelector(selector));
            return [size, [...pixels].map(value => Math.round(255 * value))] }"""
        size, values = self.page.evaluate(script, selector)
        return np.array(values, np.uint8).reshape(size, size, 3)

    def canvas(self, selector):
        """uint8[side, side, 3]: the pixels of a canvas."""
        script = """selector => { const c = document.querySelector(selector);
            return [c.width, [...c.getContext("2d").getImageData(0, 0, c.width, c.width).data]] }"""
        side, values = self.page.evaluate(script, selector)
        return np.array(values, np.uint8).reshape(side, side, 4)[..., :3]

    def slide(self, selector, value):
        """Moves a slider and lets it go."""
        script = """(input, value) => { input.value = value;
            input.dispatchEvent(new Event("input", {bubbles: true}));
            input.dispatchEvent(new Event("change", {bubbles: true})) }"""
        self.page.locator(selector).first.evaluate(script, value)
        self.settled()

    def sheet(self):
        """uint8[12, size, size, 3]: the faces on the sheet."""
        count = self.page.locator("#faces .tile").count()
        return np.stack([self.pixels(f"#faces .tile:nth-child({i + 1}) canvas") for i in range(count)])
