"""Knowledge written from the bank or by a model: what is asked, what is mended, what is kept of where it comes from."""

import json
import re
from pathlib import Path

import numpy as np
import pytest
from endpoint import Endpoint, completion

from craft.core.errors import CraftError
from craft.core.images import image_row, write_images
from craft.knowledge.schema import Knowledge
from craft.knowledge.settings import KnowledgeSettings
from craft.knowledge.write import write_knowledge

BANK = Path(__file__).parents[2] / "data/knowledge"
FUNDUS = Knowledge.load(BANK / "fundus.yaml")
LABELS = ["no_dr", "proliferative_dr"]
FAULT = "colour fundus photograph of a patient with a long history of diabetic retinopathy"


def entry(label: str) -> dict:
    """What a good model writes of a label: the reviewed entry."""
    return FUNDUS.labels[label].model_dump(mode="json", exclude={"name"})


def text_of(request: dict) -> str:
    """The question in a request."""
    content = request["messages"][1]["content"]
    return content if isinstance(content, str) else content[-1]["text"]


def write_well(request: dict):
    """Answers with the reviewed entry of the label that is asked for."""
    name = re.search(r"Label: (.+?)\. Other labels", text_of(request))[1]
    return completion(next(entry(label) for label, known in FUNDUS.labels.items() if known.name == name))


def write_badly(request: dict):
    """The same, with one description that no image shows, until the finding is quoted."""
    answer = json.loads(json.loads(write_well(request)[2])["choices"][0]["message"]["content"])
    if "'history' cannot be seen in an image" not in text_of(request):
        answer["descriptions"][0] = FAULT
    return completion(answer)


@pytest.fixture
def settings_of(tmp_path, monkeypatch):
    """Makes the settings of an endpoint, with the bank of the repository."""
    monkeypatch.setenv("TOY_KEY", "key")

    def settings_of(endpoint=None, **options):
        options = {"folder": str(BANK), "cache": str(tmp_path / "answers"), "retries": 0} | options
        url = endpoint.url if endpoint else "http://127.0.0.1:9/v1"
        return KnowledgeSettings(provider="openai", model="toy", base_url=url, key_variable="TOY_KEY", **options)

    return settings_of


def test_the_bank_is_copied_and_its_file_is_named_in_the_provenance(tmp_path):
    written = write_knowledge(KnowledgeSettings(folder=str(BANK)), "fundus", LABELS)
    written.save(tmp_path / "k.yaml", tmp_path / "k.json")
    assert (tmp_path / "k.yaml").read_text() == FUNDUS.select(LABELS).to_yaml()
    provenance = json.loads((tmp_path / "k.json").read_text())
    assert provenance["provider"] == "bank" and provenance["labels"] == LABELS and len(provenance["sha256"]) == 64
    assert provenance["shares_texts"] is False


def test_a_model_writes_every_label_and_a_replay_writes_the_same_bytes(settings_of, tmp_path, monkeypatch):
    with Endpoint(write_well) as endpoint:
        written = write_knowledge(settings_of(endpoint), "fundus", LABELS)
    written.refuse_findings()
    written.save(tmp_path / "k.yaml", tmp_path / "k.json")
    assert Knowledge.load(tmp_path / "k.yaml") == FUNDUS.select(LABELS)
    origin = json.loads((tmp_path / "k.json").read_text())["labels"]["no_dr"]
    assert {"provider", "model", "date", "prompt_sha256", "answer", "lint_repairs"} <= set(origin)
    monkeypatch.delenv("TOY_KEY")
    write_knowledge(settings_of(), "fundus", LABELS).save(tmp_path / "again.yaml", tmp_path / "again.json")
    assert (tmp_path / "again.yaml").read_bytes() == (tmp_path / "k.yaml").read_bytes()
    assert (tmp_path / "again.json").read_bytes() == (tmp_path / "k.json").read_bytes()


def test_the_question_names_the_label_the_others_and_the_words_of_the_bank(settings_of):
    with Endpoint(write_well) as endpoint:
        write_knowledge(settings_of(endpoint), "fundus", LABELS)
    asked = text_of(endpoint.requests[0])
    assert "Label: no diabetic retinopathy. Other labels: proliferative diabetic retinopathy." in asked
    assert (
        "6 to 10 phrases" in asked
        and "4 to 6 more phrases" in asked
        and "5 to 8 signs" in asked
        and "hard exudates" in asked
    )
    assert not any(text in asked for text in FUNDUS.labels["no_dr"].described().values()), (
        "the model is shown the answer"
    )


def test_an_item_may_name_a_biomarker_of_the_bank_and_no_other(settings_of, tmp_path):
    raw = FUNDUS.model_dump(mode="json")
    raw["labels"]["no_dr"]["checklist"][0]["biomarker"] = "low red_lesions"
    (tmp_path / "fundus.yaml").write_text(Knowledge.model_validate(raw).to_yaml())
    answers = [entry("no_dr"), entry("no_dr")]
    answers[0]["checklist"][1]["biomarker"], answers[1]["checklist"][0]["biomarker"] = "low invented", "low red_lesions"
    with Endpoint(*map(completion, answers)) as endpoint:
        knowledge = write_knowledge(settings_of(endpoint, folder=str(tmp_path)), "fundus", ["no_dr"]).knowledge
    assert "- low red_lesions: there are no haemorrhages on the retina" in text_of(endpoint.requests[0])
    assert "`checklist.1.biomarker" in endpoint.requests[1]["messages"][-1]["content"]
    assert knowledge.labels["no_dr"].checklist[0].biomarker == "low red_lesions"


def test_a_fault_that_the_linter_finds_is_quoted_and_mended(settings_of):
    with Endpoint(write_badly) as endpoint:
        written = write_knowledge(settings_of(endpoint), "fundus", ["no_dr"])
    assert len(endpoint.requests) == 2 and FAULT in text_of(endpoint.requests[1])
    assert written.findings == [] and written.knowledge == FUNDUS.select(["no_dr"])
    assert written.provenance["labels"]["no_dr"]["lint_repairs"] == 1


def test_faults_that_stay_keep_the_text_out_of_a_run(settings_of):
    faulty = entry("no_dr")
    faulty["descriptions"][0] = FAULT
    with Endpoint(completion(faulty)) as endpoint:
        written = write_knowledge(settings_of(endpoint, re_asks=1), "fundus", ["no_dr"])
    assert len(endpoint.requests) == 2 and len(written.findings) == 1
    assert written.provenance["findings"] == [f"no_dr: {written.findings[0].message}"]
    with pytest.raises(CraftError, match=r"openai:toy wrote for 'no_dr' has faults, the first of 1: 'history'"):
        written.refuse_findings()


def test_too_few_descriptions_are_asked_for_again(settings_of):
    short = entry("no_dr")
    short["descriptions"] = short["descriptions"][:2]
    with Endpoint(completion(short), completion(entry("no_dr"))) as endpoint:
        write_knowledge(settings_of(endpoint), "fundus", ["no_dr"])
    assert "at `descriptions`: List should have at least 5 items" in endpoint.requests[1]["messages"][-1]["content"]


def test_a_modality_without_a_bank_is_written_too(settings_of, tmp_path):
    phrases = {"coarse_prompts": ["a photograph of the retina", "an image of the fundus", "the back of an eye"]}
    answer = entry("no_dr")
    for item in answer["checklist"]:
        item["biomarker"] = None
    with Endpoint(completion(phrases), completion(answer)) as endpoint:
        knowledge = write_knowledge(
            settings_of(endpoint, folder=str(tmp_path)), "wide_field", ["clear_retina"]
        ).knowledge
    assert (
        knowledge.coarse_prompts == phrases["coarse_prompts"]
        and knowledge.labels["clear_retina"].name == "clear retina"
    )
    assert "wide field" in text_of(endpoint.requests[0]) and "Label: clear retina" in text_of(endpoint.requests[1])
    with pytest.raises(CraftError, match="the labels of 'wide_field' have to be named"):
        write_knowledge(settings_of(folder=str(tmp_path)), "wide_field")


@pytest.fixture
def table(tmp_path) -> Path:
    """An image table with three training images of one label, two of another, and a test image."""
    rows = [
        image_row(np.full((8, 8, 3), value, np.uint8), label=label, split=split, origin="toy")
        for value, (label, split) in enumerate(
            [("no_dr", "train")] * 3 + [("proliferative_dr", "train")] * 2 + [("no_dr", "test")]
        )
    ]
    write_images(tmp_path / "images.parquet", rows)
    return tmp_path / "images.parquet"


def test_reference_images_are_training_images_of_the_label(settings_of, table):
    with Endpoint(write_well) as endpoint:
        given = settings_of(endpoint, reference_images=2, images_may_leave=True)
        write_knowledge(given, "fundus", LABELS, table)
    contents = [request["messages"][1]["content"] for request in endpoint.requests]
    assert [[part["type"] for part in content] for content in contents] == [["image_url", "image_url", "text"]] * 2
    assert "The 2 images show this label" in text_of(endpoint.requests[0])
    urls = [{part["image_url"]["url"] for part in content[:-1]} for content in contents]
    assert len(urls[0] | urls[1]) == 4


def test_reference_images_that_are_missing_are_named(settings_of, table):
    given = settings_of(reference_images=1, images_may_leave=True)
    with pytest.raises(CraftError, match="no training image of label 'nonproliferative_dr' to show"):
        write_knowledge(given, "fundus", ["nonproliferative_dr"], table)
    with pytest.raises(CraftError, match="name an image table with --images"):
        write_knowledge(given, "fundus", LABELS)
