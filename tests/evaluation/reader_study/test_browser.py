"""A reader in a real browser: from the first page through all pairs, over a reload, to the file that is analysed."""

import json
from pathlib import Path

import pytest
from fake_study import write_study

from craft.evaluation.reader_study.analysis import analyse_study
from craft.evaluation.reader_study.responses import read_key, read_responses

CHROMIUM = Path("/usr/bin/chromium")
playwright = pytest.importorskip("playwright.sync_api", reason="the package playwright is missing (extra `test`)")
if not CHROMIUM.is_file():
    pytest.skip(f"there is no browser {CHROMIUM}", allow_module_level=True)


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    """Folder and key of a study of six pairs."""
    folder = tmp_path_factory.mktemp("browser")
    return folder, write_study(folder, pairs_per_label=1, repeats=1, attention_checks=1)


@pytest.fixture(scope="module")
def browser():
    with playwright.sync_playwright() as library:
        started = library.chromium.launch(executable_path=str(CHROMIUM), args=["--no-sandbox"])
        yield started
        started.close()


@pytest.fixture
def page(browser, small):
    """The page of the study from a file, without a network; what it asks for or complains of fails the test."""
    context, faults = browser.new_context(offline=True), []
    page = context.new_page()
    page.set_default_timeout(120_000)
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("console", lambda message: faults.append(message.text))
    page.on("request", lambda request: faults.append(request.url) if request.url.startswith("http") else None)
    page.on("dialog", lambda dialog: dialog.accept())
    page.goto((small[0] / "index.html").as_uri())
    yield page
    context.close()
    assert faults == []


def begin(page, reader: str) -> None:
    page.get_by_label("Your reader code").fill(reader)
    page.get_by_role("button", name="Begin").click()


def current_pair(page, key: dict) -> dict:
    """What the pair that is shown is."""
    words = page.locator("#count").inner_text().split()
    assert words[0] == "Pair" and int(words[3]) == len(key["pairs"])
    return key["pairs"][int(words[1]) - 1]


def better_side(pair: dict) -> str:
    """The side that a reader chooses who likes the method and sees damage."""
    if pair["damaged"]:
        return {"left": "Right", "right": "Left"}[pair["damaged"]]
    return "Left" if pair["left"]["method"] == "craft" else "Right"


def choose(page, group: str, option: str) -> None:
    """Click an option of the group of that name, as a screen reader tells both."""
    page.get_by_role("group", name=group).get_by_role("radio", name=option, exact=True).check()


def answer_pair(page, pair: dict) -> None:
    choose(page, "Which image shows", better_side(pair))
    choose(page, "How sure are you?", "4")
    for side in ("Left", "Right"):
        choose(page, f"{side} looks real?", "5" if side == better_side(pair) else "1")
    for sign in page.get_by_role("group", name="is true of").all():
        sign.get_by_role("radio", name="both").check()
    page.locator("button.end").click()


def test_a_reader_goes_through_all_pairs_over_a_reload_to_a_file_that_is_analysed(page, small, tmp_path):
    folder, key = small
    begin(page, "reader-1")
    for _ in range(2):
        answer_pair(page, current_pair(page, key))
    page.reload()
    assert "2 of 6 answers of reader reader-1" in page.locator("main").inner_text()
    page.get_by_role("button", name="Resume").click()
    assert page.locator("#count").inner_text() == "Pair 3 of 6"
    page.get_by_role("button", name="Back").click()
    kept = page.get_by_role("group", name="Which image shows").get_by_role("radio", name=better_side(key["pairs"][1]))
    assert kept.is_checked()
    page.locator("button.end").click()
    page.get_by_role("button", name="Pause").click()
    page.get_by_role("button", name="Resume").click()
    while page.locator("#answer").count():
        answer_pair(page, current_pair(page, key))
    with page.expect_download() as download:
        page.get_by_role("button", name="Download answers").click()
    download.value.save_as(tmp_path / "answers.json")
    assert download.value.suggested_filename == f"reader-study-{key['study']}-reader-1.json"

    known = read_key(folder / "key.json")
    responses = read_responses(known, [tmp_path / "answers.json"])
    assert set(responses[0].answers) == {pair["pair"] for pair in key["pairs"]}
    table = analyse_study(known, responses).query("dataset == 'all' and label == 'all' and reader == 'all'")
    found = {(row.metric, row.method): row.value for row in table.itertuples()}
    assert found["win_rate", "craft"] == 1 and found["agreement_within", ""] == 1
    assert (found["realism", "craft"], found["realism", "lora"], found["signs", "lora"]) == (5, 1, 1)


def test_an_unanswered_question_keeps_a_reader_on_the_pair(page, small):
    begin(page, "reader-2")
    choose(page, "Which image shows", "Left")
    page.locator("button.end").click()
    assert page.locator("#count").inner_text() == "Pair 1 of 6"
    assert page.locator("#progress").get_attribute("value") == "0"


def test_keys_choose_and_go_on(page, small):
    begin(page, "reader-3")
    page.keyboard.press("r")
    page.keyboard.press("4")
    chosen = [each.get_attribute("value") for each in page.locator("#answer input:checked").all()]
    assert chosen == ["right", "4"]
    for number in ("real-left", "real-right"):
        page.locator(f"[name={number}]").first.focus()
        page.keyboard.press("Space")
    for number in range(2):
        page.locator(f"[name=item{number}]").first.focus()
        page.keyboard.press("Space")
    page.keyboard.press("Enter")
    assert page.locator("#count").inner_text() == "Pair 2 of 6"


def test_images_and_groups_have_names_for_screen_readers(page):
    begin(page, "reader-4")
    assert [image.get_attribute("alt") for image in page.locator("img").all()] == [
        "Left image of this pair",
        "Right image of this pair",
    ]
    assert page.locator("fieldset").count() == page.locator("fieldset > legend").count() == 6
    assert page.evaluate("document.activeElement.tagName") == "H1"


def test_a_browser_that_keeps_nothing_says_so_and_works(browser, small, tmp_path):
    context = browser.new_context(offline=True)
    context.add_init_script("Storage.prototype.setItem = () => { throw new Error('no'); };")
    page = context.new_page()
    page.set_default_timeout(120_000)
    page.goto((small[0] / "index.html").as_uri())
    assert "This browser keeps nothing" in page.get_by_role("alert").inner_text()
    begin(page, "reader-5")
    answer_pair(page, current_pair(page, small[1]))
    page.get_by_role("button", name="Pause").click()
    with page.expect_download() as download:
        page.get_by_role("button", name="Download the answers so far").click()
    download.value.save_as(tmp_path / "some.json")
    context.close()
    assert len(json.loads((tmp_path / "some.json").read_text())["answers"]) == 1
