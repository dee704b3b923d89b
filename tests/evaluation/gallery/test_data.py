"""What the gallery knows of every image, and what it must not know."""

import hashlib
import json
import shutil

import pandas as pd
import pytest
from fake_gallery import HOSTILE, LABELS, METHODS, PER_LABEL, PRIVATE

from craft.core.errors import CraftError
from craft.core.images import read_images
from craft.evaluation.auditing.results import ANSWERS
from craft.evaluation.gallery.records import LETTERS, image_records
from craft.evaluation.gallery.results import files_shown
from craft.evaluation.gallery.settings import GalleryJob
from craft.evaluation.gallery.write import PAGE, as_script
from craft.evaluation.results import Results
from craft.evaluation.scoring.results import SCORES

PNG, CHUNKS = b"\x89PNG\r\n\x1a\n", {b"IHDR", b"IDAT", b"IEND"}


@pytest.fixture(scope="module")
def data(gallery):
    text = (gallery / "data.js").read_text(encoding="utf-8")
    return json.loads(text.removeprefix("const GALLERY = ").removesuffix(";\n"))


def of(data, dataset, method):
    return [image for image in data["images"] if (image["dataset"], image["method"]) == (dataset, method)]


def test_every_generated_image_is_there_and_real_ones_only_where_they_may_be_shown(data):
    counts = pd.DataFrame(data["images"]).groupby(["dataset", "method"]).size().to_dict()
    generated = {(dataset, method): 2 * PER_LABEL for dataset in LABELS for method in METHODS}
    generated |= {(dataset, "gan"): 4 * PER_LABEL for dataset in LABELS}
    assert counts == generated | {("chest", "real"): 2 * PER_LABEL, ("chest", "decoded"): 2 * PER_LABEL}


def test_scores_are_those_of_the_held_out_evaluator(data, gallery_run):
    scores = pd.read_parquet(gallery_run.folder / "skin/craft/seed0" / SCORES.name)
    held_out = scores[scores["role"] == "held_out"].set_index("image_id")
    assert (data["evaluator"], data["scores"][0]) == ("siglip_regnet", "CAS")
    for image in of(data, "skin", "craft"):
        row = held_out.loc[f"{image['number']:06d}"]
        assert image["label"] == row["label"]
        assert image["scores"][0] == pytest.approx(row["cas"], abs=1e-4)
        assert image["scores"][4] == pytest.approx(row["plausibility"], abs=1e-4)


def test_answers_of_every_auditor_stand_in_the_order_of_the_checklist(data, gallery_run):
    audit = gallery_run.read(ANSWERS)
    image = of(data, "skin", "lora")[3]
    rows = audit[(audit["dataset"] == "skin") & (audit["method"] == "lora") & (audit["image_id"] == "000003")]
    assert set(image["answers"]) == {"biomarkers", "mllm"}
    items = data["datasets"]["skin"]["labels"][image["label"]]["items"]
    for auditor, letters in image["answers"].items():
        asked = rows[rows["auditor"] == auditor].set_index("item")["answer"]
        assert [LETTERS[asked[item]] for item in items] == list(letters)


def test_pictures_are_the_images_of_their_rows(data, gallery, gallery_run):
    table = read_images(gallery_run.folder / "skin/gan/seed0/images.parquet")
    for image in of(data, "skin", "gan"):
        assert (gallery / image["file"]).read_bytes() == table["image"][image["number"]]["bytes"]
    assert all((gallery / image["file"]).is_file() for image in data["images"])


def test_the_nearest_seen_image_is_shown_only_where_it_may_be(data, gallery, gallery_run):
    neighbours = pd.read_parquet(gallery_run.folder / "chest/neighbours.parquet").query("method == 'craft'")
    ids = dict(zip(neighbours["image_id"], neighbours["features_neighbour"], strict=True))
    seen = read_images(gallery_run.folder / "chest/images.parquet").set_index("image_id")["image"]
    for image in of(data, "chest", "craft"):
        assert (gallery / image["nearest"]["file"]).read_bytes() == seen[ids[f"{image['number']:06d}"]]["bytes"]
    assert all(set(image["nearest"]) == {"distance", "split", "copied"} for image in of(data, "skin", "craft"))
    assert all(image["nearest"] is None for image in of(data, "chest", "decoded"))
    assert not (gallery / "images/skin/seen").exists()


def test_no_pixel_of_images_that_may_not_be_shown_is_in_the_folder(gallery, gallery_run):
    def digests(images):
        return {hashlib.sha256(image).hexdigest() for image in images}

    hidden = read_images(gallery_run.folder / "skin/images.parquet")["image"].map(lambda cell: cell["bytes"])
    assert not digests(hidden) & digests(path.read_bytes() for path in gallery.rglob("*.png"))


def test_no_file_names_a_patient_a_raw_file_or_a_report(gallery):
    for path in gallery.rglob("*"):
        assert not any(private in str(path) for private in PRIVATE)
        if path.is_file():
            content = path.read_bytes()
            assert not [private for private in (*PRIVATE, "patient_id", "origin") if private.encode() in content], path


def test_pictures_hold_pixels_and_nothing_else(gallery):
    for path in gallery.rglob("*.png"):
        content, place, chunks = path.read_bytes(), len(PNG), set()
        assert content.startswith(PNG)
        while place < len(content):
            length, kind = int.from_bytes(content[place : place + 4], "big"), content[place + 4 : place + 8]
            chunks.add(kind)
            place += length + 12
        assert chunks <= CHUNKS, path


def test_prompts_are_those_of_the_run_alone(data):
    assert {data["prompts"][image["prompt"]] for image in of(data, "skin", "craft")} == {f"a prompt {HOSTILE}"}
    assert {data["prompts"][image["prompt"]] for image in of(data, "skin", "gan")} == {""}
    assert {data["prompts"][image["prompt"]] for image in of(data, "chest", "real")} == {""}


def test_no_text_ends_the_script_or_begins_markup(gallery, data):
    assert "<" not in (gallery / "data.js").read_text(encoding="utf-8")
    assert HOSTILE in data["datasets"]["skin"]["labels"]["melanoma"]["name"]
    assert as_script({"text": "</script>\u2028"}) == 'const GALLERY = {"text":"\\u003c/script>\\u2028"};\n'


def test_the_page_refers_to_nothing_outside_its_folder():
    for path in PAGE.iterdir():
        assert "//" not in path.read_text(encoding="utf-8").replace("// ", ""), path


def test_files_that_are_read_are_files_of_the_run(gallery_run):
    files = files_shown(gallery_run)
    assert len(files) == len(set(files)) and all(file.is_file() for file in files)


def test_an_image_without_a_score_is_one_sentence(gallery_run, tmp_path):
    folder = shutil.copytree(gallery_run.folder, tmp_path / "run")
    path = folder / "chest/lora/seed0" / SCORES.name
    frame = pd.read_parquet(path)
    frame[frame["image_id"] != "000005"].to_parquet(path)
    settings = GalleryJob.model_validate(gallery_run.run.model_dump())
    with pytest.raises(CraftError, match=r"no score of the image '000005' of .*--forcerun score_images"):
        list(image_records(Results(folder, settings), "chest"))
