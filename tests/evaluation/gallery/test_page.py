"""The page in a browser, opened as a file: filter, sort, look at an image, by mouse and by keyboard."""

import shutil

import pytest
from fake_gallery import HOSTILE, PER_LABEL

sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed: `pip install -e .[test]`")
CHROMIUM = shutil.which("chromium")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="there is no `chromium` on the PATH")

ALL = {"chest": 5 * 2 * PER_LABEL + 2 * PER_LABEL, "skin": 4 * 2 * PER_LABEL}


@pytest.fixture(scope="module")
def tab():
    """A tab of a browser, what is asked for in it, and the errors of its scripts."""
    asked, errors = [], []
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = browser.new_page()
        # other work may keep the machine busy
        page.set_default_timeout(120_000)
        page.on("request", lambda request: asked.append(request.url))
        page.on("pageerror", lambda error: errors.append(error))
        yield page, asked, errors
        browser.close()


@pytest.fixture
def page(tab, gallery):
    """The page, opened anew; whatever it asks for outside its folder, and every error of its script, fails the test."""
    page, asked, errors = tab
    asked.clear()
    page.set_viewport_size({"width": 1280, "height": 860})
    page.goto((gallery / "index.html").as_uri())
    yield page
    own = gallery.as_uri()
    assert [url for url in asked if not url.startswith((f"{own}/", "data:,"))] == [] and errors == []
    assert any(url.endswith(".png") for url in asked)


def cards(page):
    return page.locator("#grid button")


def scores_of(page):
    return [float(text) for text in page.locator("#grid .score").all_inner_texts()]


def focused(page):
    return page.evaluate("[...document.querySelectorAll('#grid button')].indexOf(document.activeElement)")


def test_all_images_are_counted_and_some_are_drawn(page):
    total = sum(ALL.values())
    assert page.locator("#count").inner_text() == f"{total} of {total} images"
    assert 0 < cards(page).count() < total
    image = cards(page).first.locator("img")
    assert image.get_attribute("alt") == "normal, Test images"
    image.evaluate("image => image.decode()")


def test_scrolling_draws_all_images(page):
    page.get_by_label("Dataset").select_option("Skin")
    page.get_by_label("Method").select_option("Gan")
    drawn = "document.querySelectorAll('#grid button').length"
    end = "scrollTo(0, document.documentElement.scrollHeight)"
    page.wait_for_function(f"() => {{ {end}; return {drawn} === {4 * PER_LABEL}; }}")


def test_filters_leave_what_was_chosen_and_offer_what_is_left(page):
    page.get_by_label("Dataset").select_option("Skin")
    methods = page.get_by_label("Method").locator("option").all_inner_texts()
    assert methods == ["all", "LoRA", "CRAFT", "Gan"], "real images of a dataset that hides them are offered"
    page.get_by_label("Method").select_option("CRAFT")
    page.get_by_label("Label").select_option("naevus")
    assert page.locator("#count").inner_text().startswith(f"{PER_LABEL} of ")
    assert set(page.locator("#grid .method").all_inner_texts()) == {"CRAFT"}
    page.get_by_label("Dataset").select_option("Chest")
    assert page.get_by_label("Label").input_value() == "", "a label that the dataset lacks is still chosen"


def test_a_filter_without_a_choice_is_hidden(page):
    assert page.get_by_label("Seed").is_hidden() and page.get_by_label("Modality").is_hidden()


@pytest.mark.parametrize("score", ["CAS", "Plausibility"])
def test_sorting_goes_both_ways(page, score):
    page.get_by_label("Sort by").select_option(score)
    falling = scores_of(page)
    page.get_by_label("Order").select_option("lowest first")
    rising = scores_of(page)
    assert falling == sorted(falling, reverse=True) and rising == sorted(rising)
    assert falling[0] > rising[0]


def test_an_image_opens_with_all_that_is_known_of_it_and_escape_closes_it(page):
    page.get_by_label("Dataset").select_option("Chest")
    page.get_by_label("Method").select_option("CRAFT")
    cards(page).nth(1).click()
    dialog = page.get_by_role("dialog", name="normal")
    text = dialog.inner_text()
    for told in ("CRAFT · Chest · seed 0 · image 2", "siglip_regnet (held out)", "CAS", "Plausibility", "biomarkers"):
        assert told in text
    assert f"a prompt {HOSTILE}" in text and "sign 0 of normal is present" in text and "Distance 0." in text
    assert dialog.get_by_role("img").count() == 2
    for image in dialog.get_by_role("img").all():
        image.evaluate("image => image.decode()")
    page.keyboard.press("Escape")
    assert dialog.is_hidden() and focused(page) == 1


def test_the_nearest_image_of_a_hidden_dataset_is_told_and_not_shown(page):
    page.get_by_label("Dataset").select_option("Skin")
    cards(page).first.click()
    dialog = page.get_by_role("dialog")
    assert "Distance 0." in dialog.inner_text() and dialog.get_by_role("img").count() == 1


def test_texts_of_users_stay_text(page):
    page.get_by_label("Label").select_option(f"melanoma {HOSTILE}")
    cards(page).first.click()
    assert HOSTILE in page.get_by_role("dialog").inner_text()
    assert page.title() == "Gallery of the run"
    assert page.locator("script").count() == 2 and page.locator("img[src=x]").count() == 0


def test_the_keyboard_alone_reaches_everything(page):
    page.get_by_label("Sort by").focus()
    page.keyboard.press("ArrowDown")
    assert page.get_by_label("Sort by").input_value() == "0"
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    assert focused(page) == 0
    columns = page.evaluate("getComputedStyle(document.getElementById('grid')).gridTemplateColumns.split(' ').length")
    for key, place in (("ArrowRight", 1), ("ArrowDown", 1 + columns), ("ArrowLeft", columns), ("ArrowUp", 0)):
        page.keyboard.press(key)
        assert focused(page) == place, key
    page.keyboard.press("End")
    assert focused(page) == sum(ALL.values()) - 1
    page.keyboard.press("Home")
    page.keyboard.press("Enter")
    title = page.locator("dialog p.quiet").first.inner_text()
    page.keyboard.press("ArrowRight")
    assert page.locator("dialog p.quiet").first.inner_text() != title
    page.keyboard.press("Escape")
    assert page.get_by_role("dialog").is_hidden() and focused(page) == 1


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_stands_out_from_its_ground(page, scheme):
    page.emulate_media(color_scheme=scheme)
    ink, ground = (
        page.evaluate(f"getComputedStyle(document.body).{name}.match(/\\d+/g).map(Number)")
        for name in ("color", "backgroundColor")
    )
    assert abs(sum(ink) - sum(ground)) > 450 and (sum(ink) > sum(ground)) == (scheme == "dark")


def test_nothing_is_wider_than_a_phone(page):
    page.set_viewport_size({"width": 360, "height": 740})
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    cards(page).nth(70 if cards(page).count() > 70 else 0).click()
    assert page.evaluate("document.getElementById('dialog').scrollWidth") <= 360
