"""What a language model is asked for the knowledge of a label, and the structure it answers in."""

import json
from dataclasses import dataclass
from typing import Literal

import numpy as np
from pydantic import BaseModel, Field, create_model

from craft.knowledge.providers.base import Question
from craft.knowledge.schema import ChecklistItem, Knowledge, LabelKnowledge, Statement, Strict

SYSTEM = (
    "You are a senior clinician who teaches the reading of medical images. You write short, plain, factual phrases"
    " about what can be seen in an image, in published terms, and never invent a source."
)
RULES = """\
Rules:
- `definition`: one sentence that says what the label is and how it looks.
- `prompt`: the plainest phrase for an image of this label, naming the kind of image and the label.
- `descriptions`: 6 to 10 phrases that each name the kind of image and the label. They vary the view, the severity, \
the site and the appearance as far as the kind of image allows (side, size, colour, lighter and darker skin, image \
quality), and none contradicts the label or repeats another. Each has at most 26 words.
- `held_out_descriptions`: 4 to 6 more phrases by the same rules, which vary as much and say it in other words: they \
test what learned from `descriptions`.
- `checklist`: 5 to 8 signs by which an expert tells this label from the others. `present` states the sign as it \
looks where the label is true, `absent` states the contrary as it looks, each in at most 16 words. Both can be judged \
in one image alone: no age, history, symptom, laboratory value or course. `weight` is 0.5 to 2 and grows with how much \
the sign tells. `source` is the published scale, rule or glossary that defines the sign, with author and year.
- No text of any field names another label."""
REPAIR = """\
Your earlier answer was:
{answer}
It has these findings:
{findings}
Write the whole answer again without them, and keep what was right."""


class LabelAnswer(Strict):
    """What a model writes of a label; its key and name are those of the run."""

    definition: Statement
    prompt: Statement
    descriptions: list[Statement] = Field(min_length=5, max_length=12)
    held_out_descriptions: list[Statement] = Field(min_length=3, max_length=8)
    checklist: list[ChecklistItem] = Field(min_length=5, max_length=12)


class CoarsePrompts(Strict):
    """Phrases that fit every image of a modality."""

    coarse_prompts: list[Statement] = Field(min_length=3, max_length=8)


@dataclass(frozen=True)
class LabelTask:
    """One label to be written.

    Attributes:
        modality: key of the modality.
        name: the label in words.
        others: names of the labels beside it, which its texts must not name.
        bank: the reviewed knowledge of the modality, for its facets, its biomarkers and its tone; None without one.
        images: training images that show the label, uint8 of shape (height, width, 3); none unless configured.
    """

    modality: str
    name: str
    others: tuple[str, ...]
    bank: Knowledge | None = None
    images: tuple[np.ndarray, ...] = ()

    def question(self) -> Question:
        """What the model is asked."""
        parts = [
            f"Write what is known of one label of medical images. Kind of image: {in_words(self.modality)}."
            f" Label: {self.name}. Other labels: {', '.join(self.others) or 'none'}.",
            "The texts guide a generator of synthetic images, and the checklist judges its images.",
            RULES,
            *self.offer_vocabulary(),
        ]
        if self.images:
            parts.append(
                f"The {len(self.images)} images show this label. Write what is typical, not what is theirs alone."
            )
        return Question(SYSTEM, "\n\n".join(parts), self.images)

    def repair(self, answer: LabelAnswer, findings: list[str]) -> Question:
        """The question once more, with an answer and what is wrong with it."""
        question = self.question()
        listed = "\n".join(f"- {finding}" for finding in findings)
        repair = REPAIR.format(answer=json.dumps(answer.model_dump(mode="json")), findings=listed)
        return Question(question.system, f"{question.text}\n\n{repair}", question.images)

    def structure(self) -> type[LabelAnswer]:
        """The structure of the answer; an item may name a biomarker of the bank and no other."""
        biomarkers = tuple(sorted(biomarkers_of(self.bank)))
        kind = Literal[biomarkers] | None if biomarkers else None
        item = create_model("Item", __base__=ChecklistItem, biomarker=(kind, None))
        checklist = (list[item], Field(min_length=5, max_length=12))
        return create_model("LabelAnswer", __base__=LabelAnswer, checklist=checklist)

    def offer_vocabulary(self) -> list[str]:
        """The facets and biomarkers of the bank, and a label of it as an example of tone."""
        if self.bank is None:
            return [
                "`facet` is one word or two for what the sign concerns: location, lesion type, shape, size, colour ..."
            ]
        known = self.bank.labels.values()
        facets = sorted({item.facet for label in known for item in label.checklist})
        lines = [f"`facet` is one of: {', '.join(facets)}; or another where none fits."]
        if computed := biomarkers_of(self.bank):
            signs = "\n".join(f"- {name}: {sign}" for name, sign in sorted(computed.items()))
            lines.append(
                f"`biomarker` names what a program measures where `present` says the same, else null:\n{signs}"
            )
        example = next((label for label in known if label.name != self.name), None)
        return [*lines, *([quote_example(example)] if example else [])]


def biomarkers_of(bank: Knowledge | None) -> dict[str, str]:
    """Every biomarker that a bank names, with the statement of the first item that names it."""
    items = [item for label in (bank.labels.values() if bank else ()) for item in label.checklist]
    return {item.biomarker: item.present for item in reversed(items) if item.biomarker}


def quote_example(label: LabelKnowledge) -> str:
    """The tone of the bank, by two descriptions and one item of another label."""
    item = label.checklist[0].model_dump(mode="json")
    shown = {"prompt": label.prompt, "descriptions": label.descriptions[:2], "checklist": [item]}
    return f"The tone, by a part of the entry of {label.name}:\n{json.dumps(shown, ensure_ascii=False)}"


def modality_question(modality: str) -> tuple[Question, type[BaseModel]]:
    """What a model is asked about a modality that the bank does not know."""
    text = (
        f"Write 4 phrases that each describe any medical image of this kind: {in_words(modality)}. They name the kind"
        " of image and what it shows of the body, and no finding and no diagnosis. Each has at most 20 words."
    )
    return Question(SYSTEM, text), CoarsePrompts


def in_words(key: str) -> str:
    """A key of the configuration in words."""
    return key.replace("_", " ")
