"""The auditor that asks: a multimodal language model looks at an image and answers all items of a checklist at once."""

from collections.abc import Sequence
from typing import Annotated, Literal

import numpy as np
import pandas as pd
from pydantic import BaseModel, Field, create_model

from craft.core.progress import track
from craft.evaluation.auditing.base import CRITERIA_COLUMNS
from craft.knowledge.providers.base import LanguageModel, Question
from craft.knowledge.schema import ChecklistItem, Knowledge

SYSTEM = (
    "You audit medical images against a checklist. You judge only what the image itself shows, item by item, without"
    " guessing a diagnosis."
)
INSTRUCTION = (
    "Answer every item with `yes` if the image shows the statement, with `no` if it shows the contrary, and with"
    " `cannot tell` if neither can be seen. Give exactly {count} answers in the order of the items."
)


class MllmAuditor:
    """Asks a language model one question per image, without naming the intended label, which could suggest an answer.

    Args:
        knowledge: labels and their checklists.
        model: a language model that sees images.
        limit: how many images per method and seed it judges at most.
    """

    name, sees = "mllm", "pixels"

    def __init__(self, knowledge: Knowledge, model: LanguageModel, limit: int):
        self.knowledge, self.model, self.limit = knowledge, model, limit

    def judge(self, images: Sequence[np.ndarray], labels: Sequence[str]) -> list[list[str]]:
        """See `craft.evaluation.auditing.base.Auditor`.

        Raises:
            CraftError: if the model cannot be reached, refuses, or never gives one answer per item.
        """
        pairs = track(zip(images, labels, strict=True), self.name, total=len(labels))
        return [self.ask(image, self.knowledge.labels[label].checklist) for image, label in pairs]

    def ask(self, image: np.ndarray, items: list[ChecklistItem]) -> list[str]:
        """Answers to all items for one image."""
        question = Question(SYSTEM, checklist_question(self.knowledge.modality, items), [image])
        return list(self.model.answer(question, answer_structure(len(items))).answers)

    def describe(self) -> pd.DataFrame:
        """See `craft.evaluation.auditing.base.Auditor`."""
        items = [(label, item) for label, known in self.knowledge.labels.items() for item in known.checklist]
        rows = [
            {"auditor": self.name, "label": label, "item": item.present, "facet": item.facet} for label, item in items
        ]
        return pd.DataFrame(rows, columns=list(CRITERIA_COLUMNS)).fillna({"reason": ""})


def checklist_question(modality: str, items: list[ChecklistItem]) -> str:
    """The text of a question about one image."""
    lines = [f"{number}. {item.present} (contrary: {item.absent})" for number, item in enumerate(items, start=1)]
    opening = f"The image is of this kind: {modality.replace('_', ' ')}. The items are:"
    return "\n".join([opening, *lines, INSTRUCTION.format(count=len(items))])


def answer_structure(count: int) -> type[BaseModel]:
    """The structure of `count` answers."""
    verdict = Literal["yes", "no", "cannot tell"]
    answers = Annotated[list[verdict], Field(min_length=count, max_length=count)]
    return create_model("ChecklistAnswers", answers=(answers, ...))
