"""The page of a reader study: it tells no method, sides are balanced, a seed gives one page, the key is complete."""

import base64
import io
import json
import re
from collections import Counter

import numpy as np
import pytest
from fake_study import LABELS, make_job, write_inputs, write_study
from PIL import Image

from craft.core.errors import CraftError
from craft.core.images import decode_images, encode_png, read_images
from craft.evaluation.reader_study.page import make_study

METHODS = ("craft", "lora", "foundation", "real")
DATA = re.compile(r"data:image/png;base64,([A-Za-z0-9+/=]+)")


def shown_on(page: str) -> dict:
    """What the page knows."""
    return json.loads(re.search(r'<script type="application/json" id="study">(.*?)</script>', page, re.DOTALL)[1])


def files_on(page: str) -> list[bytes]:
    """The image files of the page, in its order."""
    return [base64.b64decode(DATA.fullmatch(source)[1]) for source in shown_on(page)["images"]]


def method_of(key: dict, shown: dict) -> dict[int, str]:
    """Whose each image of the page is, by its number there."""
    known = {pair["pair"]: pair for pair in key["pairs"]}
    sides = ("left", "right")
    return {pair[side]: known[pair["id"]][side]["method"] for pair in shown["pairs"] for side in sides}


@pytest.fixture(scope="module")
def page(study):
    return (study[0] / "index.html").read_text()


def test_the_page_names_no_method_and_no_seed(page):
    text = DATA.sub("", page).lower()
    # the notice says what plays the part of real images, and readers are asked how real an image looks
    for method in set(METHODS) - {"real"}:
        assert method not in text
    shown = shown_on(page)
    assert set(shown) == {"realism", "notice", "modalities", "labels", "pairs", "images", "study"}
    assert all(set(pair) == {"id", "dataset", "label", "left", "right"} for pair in shown["pairs"])
    assert all(re.fullmatch(r"[0-9a-f]{16}", pair["id"]) for pair in shown["pairs"])


def test_the_page_asks_nothing_of_a_network(page):
    text = DATA.sub("", page)
    assert not re.findall(r"https?:|//[a-z]|\bfetch\(|XMLHttpRequest|WebSocket|<link|@import|url\(", text)
    assert "default-src 'none'" in text and "Not for clinical use" in text


def test_image_files_are_equally_long_and_hold_nothing_but_pixels(page):
    files = files_on(page)
    assert len({len(file) for file in files}) == 1
    for file in files:
        image = Image.open(io.BytesIO(file))
        image.load()
        assert (image.format, image.mode, image.size, image.info) == ("PNG", "RGB", (32, 32), {})
        assert set(re.findall(rb"IHDR|IDAT|IEND|tEXt|iTXt|eXIf|tIME|pHYs|gAMA|paDd", file)) >= {b"IHDR", b"paDd"}
        assert not any(method.encode() in file for method in METHODS)


def test_sizes_that_would_tell_the_method_are_hidden(page, study):
    own = method_of(study[1], shown_on(page))
    pixels = [np.asarray(Image.open(io.BytesIO(file))) for file in files_on(page)]
    plain = {method: [len(encode_png(pixels[n])) for n in own if own[n] == method] for method in ("craft", "lora")}
    assert np.median(plain["lora"]) > 1.3 * np.median(plain["craft"]), "as usual files the methods could be told apart"
    assert len({len(file) for file in files_on(page)}) == 1


def test_the_place_of_an_image_in_the_page_tells_no_method(page, study):
    own = method_of(study[1], shown_on(page))
    first = [own[number] for number in sorted(own)][: len(own) // 2]
    assert 0.25 < np.mean([method == "craft" for method in first]) < 0.75


def test_sides_are_balanced_on_the_whole_and_within_every_label(study):
    main = [pair for pair in study[1]["pairs"] if pair["kind"] == "main"]
    assert len(main) == 3 * sum(map(len, LABELS.values()))
    left = Counter(pair["left"]["method"] for pair in main)
    assert abs(left["craft"] - left["lora"]) <= 1
    for dataset, labels in LABELS.items():
        for label in labels:
            own = [pair for pair in main if (pair["dataset"], pair["label"]) == (dataset, label)]
            assert len(own) == 3 and 1 <= sum(pair["left"]["method"] == "craft" for pair in own) <= 2


def test_repeats_come_later_with_their_sides_exchanged(study):
    pairs = study[1]["pairs"]
    place = {pair["pair"]: number for number, pair in enumerate(pairs)}
    repeats = [pair for pair in pairs if pair["kind"] == "repeat"]
    assert len(repeats) == 4
    for pair in repeats:
        first = pairs[place[pair["repeats"]]]
        assert (pair["left"], pair["right"]) == (first["right"], first["left"]) and first["kind"] == "main"
        assert place[pair["pair"]] > place[first["pair"]]


def test_every_image_stands_in_one_pair_alone_but_for_repeats(study):
    pairs = [pair for pair in study[1]["pairs"] if pair["kind"] != "repeat"]
    images = [(pair["dataset"], *pair[side].values()) for pair in pairs for side in ("left", "right")]
    assert len(images) == len(set(images))


def test_checks_show_a_damaged_image_whose_side_the_key_alone_names(page, study, tmp_path):
    folder, key = study
    shown, files = shown_on(page), files_on(page)
    checks = [pair for pair in key["pairs"] if pair["kind"] == "check"]
    assert len(checks) == 3
    tables = {}
    for number, each in enumerate(make_job().images):
        frame = read_images(folder / f"inputs/{number}.parquet")
        for name, pixels in zip(frame["image_id"], decode_images(frame), strict=True):
            tables[each.dataset, each.method, each.seed, name] = pixels
    for pair in key["pairs"]:
        entry = next(entry for entry in shown["pairs"] if entry["id"] == pair["pair"])
        for side in ("left", "right"):
            image = np.asarray(Image.open(io.BytesIO(files[entry[side]])))
            source = tables[(pair["dataset"], *(pair[side][name] for name in ("method", "seed", "image_id")))]
            off = (np.abs(image.astype(int) - source) > 0).mean()
            assert off > 0.4 if pair["damaged"] == side else off == 0


def test_the_key_holds_every_pair_of_the_page_in_its_order(page, study):
    shown, key = shown_on(page), study[1]
    assert [pair["id"] for pair in shown["pairs"]] == [pair["pair"] for pair in key["pairs"]]
    assert (key["study"], key["of"], key["against"]) == (shown["study"], "craft", ["lora"])
    assert shown["labels"]["skin"]["melanoma"]["items"] == [
        "sign 2 of melanoma is there",
        "sign 1 of melanoma is there",
    ]


def test_a_seed_gives_one_study_and_another_seed_another(study, tmp_path):
    folder, key = study
    again = write_study(tmp_path / "again")
    assert again == key and (tmp_path / "again/index.html").read_bytes() == (folder / "index.html").read_bytes()
    other = write_study(tmp_path / "other", seed=1)
    assert other["study"] != key["study"]
    assert not {pair["pair"] for pair in other["pairs"]} & {pair["pair"] for pair in key["pairs"]}


def test_real_images_and_several_methods_can_be_shown(tmp_path):
    key = write_study(tmp_path, against=["lora", "real"], pairs_per_label=2)
    main = [pair for pair in key["pairs"] if pair["kind"] == "main"]
    sides = Counter(frozenset(pair[side]["method"] for side in ("left", "right")) for pair in main)
    assert sides == {frozenset({"craft", "lora"}): 8, frozenset({"craft", "real"}): 8}


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"pairs_per_label": 9}, "needs more images of 'normal' in 'chest'"),
        ({"pairs_per_label": 1, "repeats": 9}, "cannot repeat 9 of its first half"),
    ],
)
def test_too_few_images_and_too_many_repeats_are_one_sentence(tmp_path, changes, sentence):
    job = make_job(**changes)
    with pytest.raises(CraftError, match=sentence):
        make_study(job, *write_inputs(tmp_path, job, per_label=4))


def test_a_method_stands_once_in_a_study():
    with pytest.raises(ValueError, match="'craft' stands under `of` and `against` more than once"):
        make_job(against=["craft"])
