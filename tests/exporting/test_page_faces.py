"""What one does with faces on the page: the sheet, sliders, undo, the shelf, morphing, links, saving."""

import numpy as np
import pytest
from page_visit import Visit
from PIL import Image

pytestmark = pytest.mark.slow


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


def test_first_come_twelve_different_faces_and_more_on_demand(visit):
    first = visit.sheet()
    assert len(first) == 12
    assert len({face.tobytes() for face in first}) == 12
    assert all(np.ptp(face) > 10 for face in first)
    assert visit.page.locator("#earlier").is_disabled()
    visit.page.click("#more")
    second = visit.sheet()
    assert not {face.tobytes() for face in first} & {face.tobytes() for face in second}
    visit.page.click("#earlier")
    np.testing.assert_array_equal(visit.sheet(), first)


def test_a_lower_temperature_brings_the_same_faces_closer_to_each_other(visit):
    spread = {}
    for temperature in (1.2, 0.3):
        visit.slide("#temperature", temperature)
        spread[temperature] = visit.sheet().astype(float).std(axis=0).mean()
    assert spread[0.3] < 0.8 * spread[1.2]


def test_a_tapped_face_is_worked_on_and_back_leads_to_the_sheet(visit):
    page = visit.page
    assert page.locator("#face").is_hidden()
    third = visit.sheet()[2]
    page.click(".tile >> nth=2")
    page.wait_for_selector("#face:visible")
    # `sample` draws the tile, `edit` the face: other graphs of the same decoder.
    assert np.abs(visit.pixels().astype(int) - third).max() <= 1
    page.go_back()
    page.wait_for_selector("#faces:visible")
    assert page.locator("#face").is_hidden()


def test_sliders_change_the_face_and_neutral_brings_it_back(visit):
    visit.page.click(".tile >> nth=0")
    before = visit.pixels()
    assert visit.page.locator("#neutral").is_disabled()
    visit.slide("#attributes input", 1.5)
    assert (visit.pixels() != before).any()
    visit.page.click("#neutral")
    np.testing.assert_array_equal(visit.pixels(), before)
    visit.page.click("#tab-dimensions")
    visit.slide("#dimensions .sliders input", 3.0)
    assert (visit.pixels() != before).any()
    assert visit.page.locator("#neutral").is_enabled()
    visit.page.click("#neutral")
    np.testing.assert_array_equal(visit.pixels(), before)
    assert visit.page.locator("#neutral").is_disabled()


def test_variations_show_both_ends_as_pictures_and_no_numbers(visit):
    visit.page.click(".tile >> nth=0")
    visit.page.click("#tab-dimensions")
    visit.page.wait_for_timeout(500)
    low, high = (
        visit.pixels(f"#dimensions .slider:first-child canvas:{place}-of-type") for place in ("first", "last")
    )
    assert np.abs(low.astype(int) - high).max() > 10
    visible = visit.page.locator("#dimensions .sliders").inner_text()
    assert not any(character.isdigit() for character in visible)


def test_undo_and_redo_lead_through_every_face(visit):
    page = visit.page
    page.click(".tile >> nth=0")
    start = visit.pixels()
    visit.slide("#attributes input", 1.5)
    edited = visit.pixels()
    page.click("#all-faces")
    page.click(".tile >> nth=5")
    other = visit.pixels()
    page.click("#undo")
    np.testing.assert_array_equal(visit.pixels(), edited)
    page.keyboard.press("Control+z")
    np.testing.assert_array_equal(visit.pixels(), start)
    page.keyboard.press("Control+Shift+z")
    np.testing.assert_array_equal(visit.pixels(), edited)
    page.click("#redo")
    np.testing.assert_array_equal(visit.pixels(), other)
    assert page.locator("#redo").is_disabled()


def test_kept_faces_stay_over_a_reload_and_morph_into_each_other(visit):
    page = visit.page
    kept = []
    for tile in (0, 5):
        page.click(f".tile >> nth={tile}")
        kept.append(visit.pixels().astype(int))
        page.click("#keep")
        page.click("#all-faces")
    page.goto(visit.address)
    page.reload()
    visit.until_ready()
    page.click(".tile >> nth=1")
    page.click("#tab-shelf")
    assert page.locator("#kept li").count() == 2
    for share, face in ((0, kept[0]), (1, kept[1])):
        visit.slide("#morph-share", share)
        assert np.abs(visit.pixels() - face).max() <= 1  # links store 16 bits
    visit.slide("#morph-share", 0.5)
    between = visit.pixels()
    assert all(np.abs(between - face).max() > 2 for face in kept)
    page.click("#kept li:first-child .tile")
    assert np.abs(visit.pixels() - kept[0]).max() <= 1
    page.click("#kept li:first-child button.quiet")
    assert page.locator("#kept li").count() == 1
    assert page.locator("#morph").is_hidden()


def test_a_link_reproduces_a_face_with_its_changes(visit, exported, chromium):
    visit.page.click(".tile >> nth=3")
    visit.slide("#attributes input", 1.0)
    link = visit.page.url
    assert "#face=" in link
    guest = chromium.new_page(viewport={"width": 360, "height": 640})
    seen = Visit(guest, link)
    assert guest.locator("#face").is_visible()
    assert np.abs(seen.pixels().astype(int) - visit.pixels()).max() <= 1
    value = guest.locator("#attributes input").first.input_value()
    assert float(value) == pytest.approx(1.0, abs=0.03)
    guest.close()


def test_a_link_to_another_models_face_is_explained_and_the_page_works(exported, chromium, served):
    page = chromium.new_page()
    visit = Visit(page, served(exported[1]) + "#face=00000000.AAAA")
    assert "a face of another model" in page.locator("#error").inner_text()
    assert len(visit.sheet()) == 12
    script = "location.hash = location.hash.replace('00000000', id)"
    model_id = page.evaluate("async () => (await import('./app.js')).model.card.model_id")
    page.evaluate(f"id => {{ {script} }}", model_id)
    page.wait_for_timeout(200)
    assert "not complete" in page.locator("#error").inner_text()
    page.close()


def test_saving_offers_the_true_size_and_an_enlarged_one(visit, tmp_path):
    visit.page.click(".tile >> nth=0")
    saved = {}
    for button, side in (("#save-true", 32), ("#save-enlarged", 256)):
        visit.page.click("#save")
        with visit.page.expect_download() as download:
            visit.page.click(button)
        assert download.value.suggested_filename == f"face-{side}.png"
        download.value.save_as(tmp_path / "face.png")
        saved[side] = np.asarray(Image.open(tmp_path / "face.png").convert("RGB"))
        assert saved[side].shape == (side, side, 3)
    np.testing.assert_array_equal(saved[32], visit.pixels())
    # Cubic convolution keeps means.
    smaller = saved[256].reshape(32, 8, 32, 8, 3).mean(axis=(1, 3))
    assert np.abs(smaller - saved[32]).mean() < 4.0


def test_enlarging_keeps_ramps_and_the_true_size_exactly(visit):
    script = """async side => {
        const {enlarged} = await import("./enlarge.js");
        const ramp = Float32Array.from({length: 16 * 16 * 3}, (_, i) => (Math.floor(i / 3) % 16) / 15);
        return [...enlarged(ramp, 16, side).data] }"""
    same = np.array(visit.page.evaluate(script, 16)).reshape(16, 16, 4)[0, :, 0]
    np.testing.assert_array_equal(same, np.round(np.arange(16) * 17))
    large = np.array(visit.page.evaluate(script, 160)).reshape(160, 160, 4)[80, :, 0]
    # Inside, where all four taps lie within the image, Keys' kernel reproduces straight lines.
    places = (np.arange(160) + 0.5) / 10 - 0.5
    inside = (places >= 1) & (places <= 14)
    assert np.abs(large - 17.0 * places)[inside].max() <= 0.51


def test_the_face_is_painted_at_the_pixels_of_the_device(exported, chromium, served):
    page = chromium.new_page(viewport={"width": 360, "height": 640}, device_scale_factor=2)
    Visit(page, served(exported[1]))
    page.click(".tile >> nth=0")
    page.wait_for_timeout(200)
    pixels, points = page.evaluate(
        "[document.getElementById('face').width, document.getElementById('face').clientWidth]"
    )
    assert pixels == 2 * points
    page.close()


def test_the_sheet_is_drawn_within_a_second_of_the_models_arrival(visit):
    script = "name => performance.getEntriesByName(name)[0].startTime"
    loaded, first, sheet = (
        visit.page.evaluate(script, name) for name in ("model loaded", "face drawn", "sheet drawn")
    )
    assert loaded < first < sheet < loaded + 1000
