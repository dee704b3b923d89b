"""Checks of one label's texts: what contradicts, repeats, names another label, or cannot be seen.

The checks read key words and negation (`craft.knowledge.phrases`) and leave three things alone on purpose:

- a description may lack a sign that the checklist asks for ("no keratin pearl"), because no patient has every sign; it
  may not show what the checklist says is not there;
- a description may name a kind of its own label ("severe nonproliferative diabetic retinopathy" for "nonproliferative
  diabetic retinopathy") and what its own label is a kind of ("adenocarcinoma" for "lung adenocarcinoma");
- descriptions of one label share their signs. The closest two of the bank have a similarity of 0.79, its closest two
  items 0.63; one word in ten exchanged leaves 0.82, one word in six 0.71.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from itertools import combinations, permutations

from craft.knowledge.lines import KeyPath
from craft.knowledge.phrases import (
    Phrase,
    alike,
    denies_before,
    key_phrase,
    opposed,
    read_description,
    read_statement,
    similarity,
    words,
)
from craft.knowledge.schema import LabelKnowledge

SIMILAR_DESCRIPTIONS, SIMILAR_ITEMS = 0.8, 0.7
UNSEEN = re.compile(
    r"\b(?:ag(?:e|ed)|elderly|years?(?:-old)?|months?|weeks?|days?|history|famil(?:y|ial)|hereditary|a?symptom(?:s|atic)?"
    r"|pain(?:ful|less)?|aches?|itch(?:y|ing)?|prurit(?:us|ic)|tender(?:ness)?|palpa(?:ble|tion)|bleed(?:s|ing)|fever"
    r"|febrile|cough(?:ing)?|sputum|dyspno?ea|breathless(?:ness)?|fatigue|weight loss|smok(?:ers?|ing)|diabetes"
    r"|hypertension|blood tests?|laboratory|serum|glucose|hba1c|visual acuity|immunohistochemistry|genetic)\b",
    re.IGNORECASE,
)


class Kind(StrEnum):
    """What a finding is about."""

    SCHEMA = "schema"
    NO_CONTRAST = "no_contrast"
    CONTRADICTION = "contradiction"
    DUPLICATE = "duplicate"
    OTHER_LABEL = "other_label"
    UNSEEN = "unseen"
    TOO_LONG = "too_long"


@dataclass(frozen=True)
class Remark:
    """A finding at a place: `path` leads from the file's top to the text concerned."""

    path: KeyPath
    kind: Kind
    message: str


def check_label(key: str, labels: Mapping[str, LabelKnowledge]) -> Iterator[Remark]:
    """Everything to mend in the label `key`; `labels` are all labels of its modality."""
    label = labels[key]
    found = [
        *_contrasts(label),
        *_items_against_items(label),
        *_descriptions_against_items(label),
        *_duplicates(label),
        *_other_labels(key, labels),
        *_unseen(label),
    ]
    return (Remark(("labels", key, *remark.path), remark.kind, remark.message) for remark in found)


def _contrasts(label: LabelKnowledge) -> Iterator[Remark]:
    for number, item in enumerate(label.checklist):
        if alike(item.present, item.absent):
            problem = f"present and absent say the same: {item.present!r} and {item.absent!r}"
        elif not opposed(item.present, item.absent):
            problem = f"present and absent do not contradict each other: {item.present!r} and {item.absent!r}"
        else:
            continue
        yield Remark(("checklist", number), Kind.NO_CONTRAST, problem)


def _ruled_out(label: LabelKnowledge) -> list[list[Phrase]]:
    """Per item, the phrases that its present statement denies and what its absent statement asserts."""
    return [[*read_statement(item.present).denied, key_phrase(item.absent)] for item in label.checklist]


def _items_against_items(label: LabelKnowledge) -> Iterator[Remark]:
    ruled_out = _ruled_out(label)
    reported = set()
    for (first, item), (second, other) in permutations(enumerate(label.checklist), 2):
        claims = read_statement(other.present)
        if {first, second} not in reported and any(claims.asserts(phrase) for phrase in ruled_out[first]):
            reported.add(frozenset({first, second}))
            message = f"present statements contradict each other: {other.present!r} and {item.present!r}"
            yield Remark(("checklist", max(first, second), "present"), Kind.CONTRADICTION, message)


def _descriptions_against_items(label: LabelKnowledge) -> Iterator[Remark]:
    ruled_out = _ruled_out(label)
    for place, text in label.described().items():
        claims = read_description(text)
        for item, gone in zip(label.checklist, ruled_out, strict=True):
            if any(claims.asserts(phrase) for phrase in gone):
                message = f"description {text!r} contradicts the checklist: {item.present!r}"
                yield Remark(place, Kind.CONTRADICTION, message)


def _duplicates(label: LabelKnowledge) -> Iterator[Remark]:
    own_name = words(label.name)
    described = [(place, text, read_description(text).signed - own_name) for place, text in label.described().items()]
    stated = [
        (("checklist", number), item.present, read_statement(item.present).signed)
        for number, item in enumerate(label.checklist)
    ]
    for texts, limit in ((described, SIMILAR_DESCRIPTIONS), (stated, SIMILAR_ITEMS)):
        for (_, text, one), (place, later, other) in combinations(texts, 2):
            if (share := similarity(one, other)) >= limit:
                message = f"{later!r} nearly repeats {text!r} (similarity {share:.2f}, limit {limit})"
                yield Remark(place, Kind.DUPLICATE, message)


def _other_labels(key: str, labels: Mapping[str, LabelKnowledge]) -> Iterator[Remark]:
    own = _bounded(labels[key].name)
    for other, knowledge in labels.items():
        name = _bounded(knowledge.name)
        if other == key or name in own or own in name:
            continue
        named = re.compile(rf"\b{re.escape(name.strip())}(?:s|es)?\b")
        for place, text in labels[key].described().items():
            match = named.search(text.lower())
            if match and not denies_before(text, match.start()):
                message = f"description {text!r} names the label {other!r} ({knowledge.name!r})"
                yield Remark(place, Kind.OTHER_LABEL, message)


def _bounded(name: str) -> str:
    """A name with spaces at both ends and for hyphens, so that `in` compares whole words."""
    return f" {name.lower().replace('-', ' ')} "


def _unseen(label: LabelKnowledge) -> Iterator[Remark]:
    texts: list[tuple[KeyPath, str]] = list(label.described().items())
    for number, item in enumerate(label.checklist):
        texts += [(("checklist", number, field), getattr(item, field)) for field in ("present", "absent")]
    for path, text in texts:
        if match := UNSEEN.search(text):
            yield Remark(path, Kind.UNSEEN, f"{match[0]!r} cannot be seen in an image: {text!r}")
