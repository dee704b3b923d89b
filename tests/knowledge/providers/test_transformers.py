"""Local models: text and image-text models of the hub's formats are loaded, asked again, and named when they fail."""

import json
from dataclasses import replace

import numpy as np
import pytest
from tiny import tiny_evaluator
from tiny_language import QUESTION, STATED, Colours, local_settings, save_causal, save_image_text, teach

from craft.core.errors import CraftError
from craft.knowledge.providers.ask import Turn
from craft.knowledge.providers.registry import open_model

BLACK, WHITE = np.zeros((20, 24, 3), np.uint8), np.full((20, 24, 3), 255, np.uint8)
RIGHT = '{"colour": "black", "count": 2}'


def test_a_trained_model_answers_and_a_replay_needs_no_model(tmp_path):
    folder = save_causal(tmp_path / "model")
    assert teach(folder, [(STATED, [], RIGHT)]) < 0.1
    answer = open_model(local_settings(folder)).answer(QUESTION, Colours)
    assert answer == Colours(colour="black", count=2)
    folder.rename(tmp_path / "elsewhere")
    assert open_model(local_settings(folder)).answer(QUESTION, Colours) == answer


def test_a_model_that_mends_its_answer_is_heard(tmp_path):
    wrong = '{"colour": "blue", "count": 2}'
    repair = (
        "This answer cannot be used: at `colour`: Input should be 'brown' or 'black'. Answer again with one JSON object"
        " and nothing else."
    )
    folder = save_causal(tmp_path / "model", wrong, repair)
    # what the model reads back of its own answer begins with the space that its tokenizer puts before a word
    turns = [Turn("assistant", f" {wrong}"), Turn("user", repair)]
    assert teach(folder, [(STATED, [], wrong), (STATED, turns, RIGHT)]) < 0.1
    model = open_model(local_settings(folder))
    answer, provenance = model.answer_with_provenance(QUESTION, Colours)
    assert answer == Colours(colour="black", count=2) and provenance["asked"] == 2
    with pytest.raises(
        CraftError, match="in 1 tries, the last because at `colour`: Input should be 'brown' or 'black'"
    ):
        open_model(local_settings(folder, re_asks=0, cache=str(tmp_path / "empty"))).answer(QUESTION, Colours)


def test_an_image_text_model_answers_by_the_image(tmp_path):
    folder = save_image_text(tmp_path / "model")
    dark, light = replace(QUESTION, images=[BLACK]), replace(QUESTION, images=[WHITE])
    lessons = [
        (replace(STATED, images=[BLACK]), [], RIGHT),
        (replace(STATED, images=[WHITE]), [], '{"colour": "brown", "count": 1}'),
    ]
    assert teach(folder, lessons, steps=150) < 0.1
    model = open_model(local_settings(folder))
    assert model.answer(dark, Colours).colour == "black"
    assert model.answer(light, Colours).colour == "brown"
    assert len(list((tmp_path / "answers").iterdir())) == 2


@pytest.mark.parametrize("save", [save_causal, save_image_text])
@pytest.mark.parametrize("templated", [True, False])
def test_a_random_model_is_asked_again_and_then_named(tmp_path, save, templated):
    folder = save(tmp_path / "model", **({} if templated else {"template": None}))
    images = [BLACK, WHITE] if save is save_image_text else []
    with pytest.raises(
        CraftError, match=r"model gave no usable answer in 2 tries, the last because it .*; name a more"
    ):
        open_model(local_settings(folder)).answer(replace(QUESTION, images=images), Colours)
    assert not (tmp_path / "answers").exists()


def test_a_text_model_is_shown_no_images(tmp_path):
    with pytest.raises(CraftError, match=r"the question shows images, but the model .* sees none"):
        open_model(local_settings(save_causal(tmp_path / "model"))).answer(replace(QUESTION, images=[BLACK]), Colours)


def test_a_question_beyond_the_window_is_named(tmp_path):
    folder = save_causal(tmp_path / "model", window=32)
    with pytest.raises(CraftError, match=r"leaves the model .* no room for an answer in its window of 32"):
        open_model(local_settings(folder)).answer(QUESTION, Colours)


def test_a_folder_without_a_language_model_is_named(tmp_path):
    with pytest.raises(CraftError, match="no language model can be loaded from"):
        open_model(local_settings(tmp_path / "nowhere")).answer(QUESTION, Colours)
    tiny_evaluator().save(tmp_path / "evaluator")
    with pytest.raises(CraftError, match="writes no text"):
        open_model(local_settings(tmp_path / "evaluator")).answer(QUESTION, Colours)


def test_the_weights_of_a_broken_model_are_named(tmp_path):
    folder = save_causal(tmp_path / "model")
    (folder / "config.json").write_text(json.dumps({"model_type": "unheard_of"}))
    with pytest.raises(CraftError, match="no language model can be loaded from"):
        open_model(local_settings(folder)).answer(QUESTION, Colours)
