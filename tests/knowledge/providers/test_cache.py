"""Cached answers: replayed without the model, told apart by what was asked, and refused when tampered with."""

import json
from dataclasses import replace

import numpy as np
import pytest
from endpoint import Endpoint, completion
from pydantic import BaseModel
from tiny_language import QUESTION, Colours

from craft.core.errors import CraftError
from craft.knowledge.providers.registry import open_model
from craft.knowledge.settings import LanguageModelSettings

GOOD = {"colour": "brown", "count": 2}
SHOWN = replace(QUESTION, images=[np.zeros((8, 8, 3), np.uint8)])


@pytest.fixture
def settings(tmp_path, monkeypatch):
    """Settings of an endpoint that is not there."""
    monkeypatch.setenv("TOY_KEY", "key")
    return LanguageModelSettings(
        provider="openai",
        model="toy",
        base_url="http://127.0.0.1:9/v1",
        key_variable="TOY_KEY",
        cache=str(tmp_path / "answers"),
        retries=0,
    )


@pytest.fixture
def filled(settings, tmp_path):
    """The file of one stored answer."""
    with Endpoint(completion("no"), completion(GOOD)) as endpoint:
        open_model(settings.model_copy(update={"base_url": endpoint.url})).answer(QUESTION, Colours)
    (path,) = (tmp_path / "answers").iterdir()
    return path


def test_a_replay_needs_neither_key_nor_endpoint_and_keeps_the_provenance(settings, filled, monkeypatch):
    monkeypatch.delenv("TOY_KEY")
    before = filled.read_bytes()
    answer, provenance = open_model(settings).answer_with_provenance(QUESTION, Colours)
    assert answer == Colours(**GOOD) and filled.read_bytes() == before
    assert provenance == json.loads(before)["provenance"] | {"answer": filled.name}
    assert set(provenance) == {"provider", "model", "date", "prompt_sha256", "asked", "answer"}
    assert (provenance["provider"], provenance["model"], provenance["asked"]) == ("openai", "toy", 2)


def test_answers_with_images_are_replayed_where_images_may_not_leave(settings):
    with Endpoint(completion(GOOD)) as endpoint:
        allowed = settings.model_copy(update={"base_url": endpoint.url, "images_may_leave": True})
        answer = open_model(allowed).answer(SHOWN, Colours)
    assert open_model(settings).answer(SHOWN, Colours) == answer


class Shades(BaseModel):
    """Another structure that the same answer fits."""

    colour: str
    count: int


@pytest.mark.parametrize(
    ("question", "structure", "changes"),
    [
        (replace(QUESTION, text="another text"), Colours, {}),
        (replace(QUESTION, system="another system"), Colours, {}),
        (SHOWN, Colours, {"images_may_leave": True}),
        (QUESTION, Shades, {}),
        (QUESTION, Colours, {"model": "other"}),
        (QUESTION, Colours, {"temperature": 1.0}),
        (QUESTION, Colours, {"max_tokens": 9}),
    ],
    ids=["text", "system", "images", "structure", "model", "temperature", "limit"],
)
def test_whatever_the_answer_depends_on_makes_it_another_question(settings, filled, question, structure, changes):
    with Endpoint(completion(GOOD)) as endpoint:
        other = settings.model_copy(update={"base_url": endpoint.url} | changes)
        open_model(other).answer(question, structure)
    assert len(endpoint.requests) == 1 and len(list(filled.parent.iterdir())) == 2


def test_one_changed_pixel_makes_it_another_question(settings):
    image = np.zeros((8, 8, 3), np.uint8)
    with Endpoint(completion(GOOD)) as endpoint:
        model = open_model(settings.model_copy(update={"base_url": endpoint.url, "images_may_leave": True}))
        for value in (0, 1, 1):
            image[3, 3, 1] = value
            model.answer(replace(QUESTION, images=[image]), Colours)
    assert len(endpoint.requests) == 2


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda record: record["answer"].update(count=3), "was changed after it was stored"),
        (lambda record: record["provenance"].update(model="a better one"), "was changed after it was stored"),
        (lambda record: record.pop("provenance"), "was changed after it was stored"),
        (lambda record: record.pop("sha256"), "cannot be read"),
    ],
    ids=["answer", "provenance", "part", "hash"],
)
def test_a_file_that_was_tampered_with_is_named(settings, filled, change, sentence):
    record = json.loads(filled.read_text())
    change(record)
    filled.write_text(json.dumps(record))
    with pytest.raises(CraftError, match=f"the cached answer .*{filled.name} {sentence}.*; restore it"):
        open_model(settings).answer(QUESTION, Colours)


def test_a_half_written_file_is_named(settings, filled):
    filled.write_text(filled.read_text()[:-20])
    with pytest.raises(CraftError, match=f"the cached answer .*{filled.name} cannot be read; restore it"):
        open_model(settings).answer(QUESTION, Colours)


def test_the_answer_to_another_question_is_not_taken_for_this_one(settings, filled):
    other = replace(QUESTION, text="another text")
    with Endpoint(completion(GOOD)) as endpoint:
        open_model(settings.model_copy(update={"base_url": endpoint.url})).answer(other, Colours)
    (second,) = set(filled.parent.iterdir()) - {filled}
    filled.write_bytes(second.read_bytes())
    with pytest.raises(CraftError, match="belongs to another question"):
        open_model(settings).answer(QUESTION, Colours)
