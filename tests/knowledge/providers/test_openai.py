"""Endpoints of the OpenAI interface, spoken to over loopback: good answers, bad answers, silence, secrets."""

import base64
import logging
import traceback

import numpy as np
import pytest
from endpoint import Endpoint, completion, failure
from tiny_language import QUESTION, Colours

from craft.core.errors import CraftError
from craft.core.images import encode_png
from craft.knowledge.providers.base import Question
from craft.knowledge.providers.openai import strict_schema
from craft.knowledge.providers.registry import open_model
from craft.knowledge.settings import LanguageModelSettings

KEY = "sk-never-to-be-seen-0123456789"
IMAGE = np.random.default_rng(0).integers(0, 255, (24, 24, 3), np.uint8)
ENCODED = base64.b64encode(encode_png(IMAGE)).decode()
SHOWN = Question(QUESTION.system, QUESTION.text, [IMAGE, IMAGE])
GOOD = {"colour": "brown", "count": 2}
ANSWER = Colours(**GOOD)


@pytest.fixture(autouse=True)
def key(monkeypatch):
    monkeypatch.setenv("TOY_KEY", KEY)


@pytest.fixture
def ask(tmp_path):
    """Asks an endpoint one question, with a cache of the test's own."""

    def ask(endpoint, question=QUESTION, **options):
        options = {"base_url": endpoint.url, "retries": 0, "re_asks": 1, "timeout": 20} | options
        settings = LanguageModelSettings(
            provider="openai", model="toy", key_variable="TOY_KEY", cache=str(tmp_path / "answers"), **options
        )
        return open_model(settings).answer(question, Colours)

    return ask


def test_a_good_answer_is_asked_for_with_key_model_and_structure(ask):
    with Endpoint(completion(GOOD)) as endpoint:
        assert ask(endpoint) == ANSWER
    (sent,) = endpoint.requests
    assert endpoint.headers[0]["authorization"] == f"Bearer {KEY}"
    assert sent["model"] == "toy" and sent["temperature"] == 0 and "max_completion_tokens" not in sent
    assert sent["messages"][0] == {"role": "system", "content": QUESTION.system}
    assert sent["messages"][1]["content"].startswith(QUESTION.text)
    structure = sent["response_format"]["json_schema"]
    assert structure["strict"] and structure["schema"]["required"] == ["colour", "count"]


def test_limits_and_temperature_are_sent_as_configured(ask):
    with Endpoint(completion(GOOD)) as endpoint:
        ask(endpoint, temperature=None, max_tokens=300)
    assert endpoint.requests[0]["max_completion_tokens"] == 300 and "temperature" not in endpoint.requests[0]


def test_a_busy_endpoint_is_asked_again_no_sooner_than_it_says(ask):
    # without the header the client would wait half a second at most
    with Endpoint(failure(429, Retry_After="1.1"), completion(GOOD)) as endpoint:
        assert ask(endpoint, retries=1) == ANSWER
    assert len(endpoint.times) == 2 and endpoint.times[1] - endpoint.times[0] >= 1.1


def test_a_failing_endpoint_is_asked_again_without_a_hint_too(ask):
    with Endpoint(failure(503), completion(GOOD)) as endpoint:
        assert ask(endpoint, retries=1) == ANSWER


def test_a_hanging_endpoint_ends_with_a_sentence(ask):
    with Endpoint(None) as endpoint, pytest.raises(CraftError, match=r"gave no answer within 0.2 s in one try; raise"):
        ask(endpoint, timeout=0.2)


@pytest.mark.parametrize(
    ("answers", "sentence"),
    [
        ([failure(429, "quota", Retry_After="0.01")], r"over its limit of requests \(.*quota"),
        ([failure(429, "quota", Retry_After="3600")], r"quota.*, to be asked again after 3600 s\); wait"),
        ([failure(401, f"wrong key {KEY}")], "does not accept the key in TOY_KEY"),
        ([failure(404, "no model toy")], r"knows no model 'toy' \(.*no model toy\)"),
        (
            [failure(400, f"bad key {KEY} and image data:image/png;base64,{ENCODED} {ENCODED}")],
            r"HTTP 400 .*\[key\] and",
        ),
        ([(200, {"Content-Type": "text/html"}, "<html>log in</html>")], "not as a chat endpoint"),
        ([(200, {}, "{half")], "something that cannot be read"),
        ([(200, {}, "{}")], "not as a chat endpoint"),
    ],
    ids=["limit", "long limit", "key", "model", "echo", "html", "half", "empty"],
)
def test_an_endpoint_that_objects_ends_with_a_sentence(ask, answers, sentence):
    with Endpoint(*answers) as endpoint, pytest.raises(CraftError, match=sentence) as caught:
        ask(endpoint, SHOWN, images_may_leave=True, retries=1)
    assert "\n" not in str(caught.value)
    said = "".join(traceback.format_exception(caught.value))
    assert KEY not in said and ENCODED[:40] not in said


def test_an_endpoint_that_is_not_there_ends_with_a_sentence(ask):
    with Endpoint(completion(GOOD)) as endpoint:
        pass
    with pytest.raises(CraftError, match=r"the endpoint http://127.0.0.1:\d+/v1 cannot be reached in one try"):
        ask(endpoint)


@pytest.mark.parametrize(
    ("bad", "quoted"),
    [
        (completion("It is brown."), "it holds no complete JSON object"),
        (
            completion({"colour": "blue", "count": "many"}),
            "at `colour`: Input should be 'brown' or 'black'; at `count`",
        ),
        (completion('{"colour": "brown", "co', finish="length"), "it was cut off at the token limit"),
        (completion(None, refusal="I cannot judge skin."), "the model refused (I cannot judge skin.)"),
        (completion("", finish="content_filter"), "the model refused (its content filter stopped it)"),
    ],
    ids=["prose", "values", "truncated", "refused", "filtered"],
)
def test_an_unusable_answer_is_asked_for_again_with_the_finding(ask, bad, quoted):
    with Endpoint(bad, completion(GOOD)) as endpoint:
        assert ask(endpoint) == ANSWER
    first, second = (request["messages"] for request in endpoint.requests)
    assert second[:2] == first and [message["role"] for message in second[2:]] == ["assistant", "user"]
    assert quoted in second[3]["content"]


@pytest.mark.parametrize("bad", [completion("no"), completion(None, refusal="no"), completion("{", finish="length")])
def test_a_model_that_never_answers_is_asked_so_often_and_no_more(ask, tmp_path, bad):
    with (
        Endpoint(bad) as endpoint,
        pytest.raises(CraftError, match=r"openai:toy gave no usable answer in 3 tries") as caught,
    ):
        ask(endpoint, re_asks=2)
    assert len(endpoint.requests) == 3 and "\n" not in str(caught.value)
    assert not (tmp_path / "answers").exists()


def test_a_fenced_answer_with_prose_around_it_is_read(ask):
    with Endpoint(
        completion('<think>{"colour"}</think> Here:\n```json\n{"colour": "brown", "count": 2}\n```')
    ) as endpoint:
        assert ask(endpoint, re_asks=0) == ANSWER


def test_a_missing_key_is_named_and_nothing_is_sent(ask, monkeypatch):
    monkeypatch.delenv("TOY_KEY")
    with Endpoint(completion(GOOD)) as endpoint, pytest.raises(CraftError, match="variable TOY_KEY is not set"):
        ask(endpoint)
    assert not endpoint.requests


def test_images_stay_here_unless_the_configuration_lets_them_go(ask):
    with Endpoint(completion(GOOD)) as endpoint:
        with pytest.raises(CraftError, match=r"shows 2 images, and nothing was sent .*`images_may_leave: true`"):
            ask(endpoint, SHOWN)
        assert not endpoint.requests
        assert ask(endpoint, SHOWN, images_may_leave=True) == ANSWER
    *images, text = endpoint.requests[0]["messages"][1]["content"]
    assert [image["image_url"]["url"] for image in images] == [f"data:image/png;base64,{ENCODED}"] * 2
    assert text["type"] == "text" and text["text"].startswith(QUESTION.text)


def test_neither_key_nor_images_reach_a_log_an_output_or_the_cache(ask, tmp_path, caplog, capfd):
    # releases of the client differ in what they log of a request once a user has switched that on
    for name in ("openai", "httpx2", "httpcore2"):
        logging.getLogger(name).setLevel(logging.DEBUG)
    with caplog.at_level(logging.DEBUG), Endpoint(failure(500), completion("no"), completion(GOOD)) as endpoint:
        ask(endpoint, SHOWN, images_may_leave=True, retries=1)
    written = "".join(path.read_text() for path in (tmp_path / "answers").iterdir())
    said = caplog.text + "".join(capfd.readouterr()) + written
    assert "answer 1 of at most 2 is unusable" in caplog.text
    assert len(endpoint.requests) == 3 and all(ENCODED in str(request) for request in endpoint.requests)
    assert {record.name.split(".")[0] for record in caplog.records} == {"craft"}
    assert KEY not in said
    assert not any(ENCODED[start : start + 24] in said for start in range(0, len(ENCODED), 24))


def test_the_structure_is_stated_in_the_strict_subset():
    text = {"title": "A", "type": "string", "minLength": 2, "default": "x"}
    schema = {"type": "object", "properties": {"title": text, "list": {"type": "array", "minItems": 2, "items": text}}}
    kept = {"type": "string"}
    assert strict_schema(schema) == {
        "type": "object",
        "properties": {"title": kept, "list": {"type": "array", "minItems": 2, "items": kept}},
        "required": ["title", "list"],
        "additionalProperties": False,
    }
