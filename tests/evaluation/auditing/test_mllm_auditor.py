"""The auditor that asks a language model: what it asks, what it gets, how much it shows."""

import numpy as np
import pytest
from greys import BRIGHT, DARK, draw_images, two_labels
from pydantic import ValidationError

from craft.core.errors import CraftError
from craft.evaluation.auditing.mllm import MllmAuditor, answer_structure
from craft.knowledge.providers.ask import Reply
from craft.knowledge.providers.cache import CachedModel


class BrightnessModel:
    """A language model that can tell light from dark and nothing else."""

    name = "test:brightness"

    def __init__(self):
        self.questions = []

    def answer(self, question, structure):
        self.questions.append(question)
        pale = question.images[0].mean() > 128
        return structure.model_validate(
            {"answers": [self.judge(line, pale) for line in question.text.split("\n")[1:-1]]}
        )

    def judge(self, line: str, pale: bool) -> str:
        statement = line.split(" (contrary")[0]
        if "bright" not in statement and "dark" not in statement:
            return "cannot tell"
        return "yes" if ("bright" in statement) == pale else "no"


def test_every_image_is_one_question_with_all_items_of_its_label():
    model = BrightnessModel()
    images = draw_images([BRIGHT, DARK, DARK], {BRIGHT: 200, DARK: 200})
    answers = MllmAuditor(two_labels(), model, limit=4).judge(images, [BRIGHT, DARK, DARK])
    assert answers == [["yes", "cannot tell", "cannot tell"], *[["no", "cannot tell", "cannot tell"]] * 2]
    assert [len(question.images) for question in model.questions] == [1, 1, 1]
    assert "1. the image is bright in its middle (contrary: the image is dark in its middle)" in model.questions[0].text


def test_the_intended_label_is_not_told():
    model = BrightnessModel()
    MllmAuditor(two_labels(), model, limit=4).judge([np.zeros((16, 16, 3), np.uint8)], [BRIGHT])
    assert "kind bright" not in model.questions[0].text


@pytest.mark.parametrize("answers", [["yes"], ["yes", "no", "perhaps"], ["yes", "no", "no", "no"]])
def test_answers_are_one_of_three_words_for_every_item(answers):
    with pytest.raises(ValidationError):
        answer_structure(3).model_validate({"answers": answers})


class ForgetfulBackend:
    """Writes one answer only, until it is told that this is too few."""

    name, parameters = "test:forgetful", {}

    def __init__(self):
        self.asked = 0

    def complete(self, question, turns, structure):
        self.asked += 1
        return Reply('{"answers": ["yes", "no", "cannot tell"]}' if turns else '{"answers": ["yes"]}')


def test_a_forgotten_item_is_asked_for_again_and_the_answer_is_kept(tmp_path):
    backend, image = ForgetfulBackend(), np.full((16, 16, 3), 90, np.uint8)
    auditor = MllmAuditor(two_labels(), CachedModel(backend, tmp_path, re_asks=1), limit=1)
    for _ in range(2):
        assert auditor.judge([image], [BRIGHT]) == [["yes", "no", "cannot tell"]]
    assert backend.asked == 2
    with pytest.raises(CraftError, match="test:forgetful gave no usable answer"):
        MllmAuditor(two_labels(), CachedModel(backend, tmp_path / "other", re_asks=0), limit=1).judge([image], [BRIGHT])
