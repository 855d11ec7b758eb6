"""The page at every size, by keyboard, for screen readers, in light and dark."""

import pathlib

import pytest
from page_visit import Visit
from places import ROOT

pytestmark = pytest.mark.slow
AXE = pathlib.Path(__file__).parent / "axe"
SIZES = [(360, 640), (640, 360), (768, 1024), (1440, 900)]


@pytest.fixture(scope="module")
def axe():
    """The script of axe-core, which npm installs."""
    from facevae.errors import UserError
    from facevae.exporting.web_page import installed_packages

    try:
        return (installed_packages(AXE) / "axe-core" / "axe.min.js").read_text()
    except UserError as error:
        pytest.skip(f"needs axe-core from npm ({error})")


def findings(page, axe):
    """What axe-core finds: each rule with the elements that break it. The script is run past the page's own policy."""
    page.evaluate(axe)
    found = page.evaluate("axe.run()")["violations"]
    return [(rule["id"], [node["html"][:120] for node in rule["nodes"]]) for rule in found]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_on_any_view(exported, chromium, served, axe, scheme):
    context = chromium.new_context(viewport={"width": 360, "height": 640}, color_scheme=scheme)
    page = context.new_page()
    Visit(page, served(exported[1]))
    assert findings(page, axe) == []
    page.click(".tile >> nth=0")
    page.click("#keep")
    page.click("#all-faces")
    page.click(".tile >> nth=1")
    page.click("#keep")
    for tab in ("#tab-attributes", "#tab-dimensions", "#tab-shelf"):
        page.click(tab)
        page.wait_for_timeout(100)
        assert findings(page, axe) == [], tab
    for opener, dialog in (("#save", "#save-dialog"), ("#about-open", "#about")):
        page.click(opener)
        assert findings(page, axe) == [], opener
        page.click(f"{dialog} form button")
    page.set_viewport_size({"width": 1440, "height": 900})
    page.wait_for_timeout(200)
    assert findings(page, axe) == []
    context.close()


@pytest.mark.parametrize(("width", "height"), SIZES)
def test_everything_is_within_the_window_and_sliders_have_room(visit, width, height):
    page = visit.page
    page.set_viewport_size({"width": width, "height": height})

    def within(*selectors):
        for selector in selectors:
            box = page.locator(selector).first.bounding_box()
            assert box is not None, selector
            assert box["x"] >= 0
            assert box["y"] >= 0
            assert box["x"] + box["width"] <= width + 0.5, selector
            assert box["y"] + box["height"] <= height + 0.5, selector

    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    within("#more", "#temperature", ".tile:first-child", ".tile:last-child")
    page.click(".tile >> nth=0")
    within("#face", "#keep", "#save", "#photo", "#neutral", "#undo", "#tab-shelf")
    page.click("#about-open")
    within("#about-title")  # not scrolled to the button at the end
    page.click("#about form button")
    page.set_input_files("#photo-file", ROOT / "docs" / "images" / "faces.png")
    page.wait_for_selector("#photo-dialog[open]")
    within("#photo-title", "#photo-canvas", "#photo-zoom", "#photo-turn", "#photo-use", "#photo-cancel")
    page.click("#photo-cancel")
    assert page.locator("#attributes").bounding_box()["height"] >= 180
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


@pytest.mark.parametrize(("width", "height"), SIZES)
def test_a_note_covers_no_button(visit, width, height):
    page = visit.page
    page.set_viewport_size({"width": width, "height": height})
    page.click(".tile >> nth=0")
    page.click("#keep")
    page.wait_for_selector("#status:not(:empty)")
    note = page.locator("#status").bounding_box()
    assert note["x"] >= 0
    assert note["x"] + note["width"] <= width
    assert note["y"] + note["height"] <= height
    buttons = page.locator("button:visible, canvas:visible")
    assert buttons.count() >= 10
    for box in (button.bounding_box() for button in buttons.all()):
        apart_across = box["x"] + box["width"] <= note["x"] or note["x"] + note["width"] <= box["x"]
        apart_down = box["y"] + box["height"] <= note["y"] or note["y"] + note["height"] <= box["y"]
        assert apart_across or apart_down, (box, note)


def test_large_windows_show_sheet_face_and_sliders_together(visit):
    visit.page.set_viewport_size({"width": 1440, "height": 900})
    for selector in ("#faces", "#face", "#attributes"):
        assert visit.page.locator(selector).is_visible()


def test_the_keyboard_reaches_everything(visit):
    page = visit.page
    focused = "document.activeElement.getAttribute('aria-label') ?? document.activeElement.id"
    page.locator(".tile").first.focus()
    for key, label in (
        ("End", "Face 12"),
        ("Home", "Face 1"),
        ("ArrowDown", "Face 4"),
        ("ArrowRight", "Face 5"),
    ):
        page.keyboard.press(key)
        assert page.evaluate(focused) == label
    page.keyboard.press("Enter")
    page.wait_for_selector("#face:visible")
    page.locator("#tab-attributes").focus()
    for key, tab in (("End", "tab-shelf"), ("Home", "tab-attributes"), ("ArrowRight", "tab-dimensions")):
        page.keyboard.press(key)
        assert page.evaluate("document.activeElement.id") == tab
        assert page.locator(f"[aria-labelledby={tab}]").is_visible()
    page.keyboard.press("Home")
    slider = page.locator("#attributes input").first
    slider.focus()
    before = visit.pixels()
    page.keyboard.press("End")
    assert slider.input_value() == slider.get_attribute("max")
    assert (visit.pixels() != before).any()


def test_a_value_is_announced_by_its_slider_alone(visit):
    page = visit.page
    page.click(".tile >> nth=0")
    assert page.locator("output").count() == 0
    assert page.locator("#attributes [aria-live], #attributes [role=status]").count() == 0
    visit.slide("#attributes input", 1.0)
    assert page.locator("#attributes input").first.get_attribute("aria-valuetext") == "+1.0"


def test_an_error_goes_with_its_cause(visit, tmp_path):
    from PIL import Image

    (tmp_path / "notes.png").write_text("no picture")
    Image.new("RGB", (64, 64), "grey").save(tmp_path / "photo.png")
    visit.page.set_input_files("#photo-file", tmp_path / "notes.png")
    visit.page.wait_for_selector("#error:not([hidden])")
    visit.page.set_input_files("#photo-file", tmp_path / "photo.png")
    visit.page.wait_for_selector("#photo-dialog[open]")
    visit.page.click("#photo-use")
    visit.page.wait_for_selector("#error", state="hidden")
    visit.errors.clear()


def test_reduced_motion_stops_what_moves(exported, chromium, served):
    context = chromium.new_context(reduced_motion="reduce")
    page = context.new_page()
    Visit(page, served(exported[1]))
    style = "getComputedStyle(document.querySelector('.tile'))"
    assert page.evaluate(f"{style}.transitionProperty") in ("none", "all")
    assert page.evaluate(f"{style}.transitionDuration") == "0s"
    context.close()
