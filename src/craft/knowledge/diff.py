"""What a new knowledge file changes against another, label by label."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from difflib import SequenceMatcher
from itertools import product
from typing import TypeVar

from craft.knowledge.schema import ChecklistItem, Knowledge, LabelKnowledge

T = TypeVar("T")
# two texts that share less are two texts, not one that was changed
SAME_TEXT = 0.6
SINGLE_TEXTS = ("name", "definition", "prompt")


@dataclass(frozen=True)
class Change:
    """One change; `old` is empty for an addition and `new` for a removal."""

    old: str
    new: str

    @property
    def kind(self) -> str:
        """`added`, `removed` or `changed`."""
        return "changed" if self.old and self.new else "added" if self.new else "removed"


@dataclass(frozen=True)
class LabelDiff:
    """The changes of one label, by what they concern: `definition`, `descriptions`, `checklist` ..."""

    label: str
    kind: str
    changes: dict[str, list[Change]] = field(default_factory=dict)


def diff_knowledge(new: Knowledge, old: Knowledge) -> list[LabelDiff]:
    """The labels that differ, in the order of `new`, then those that only `old` has."""
    found = []
    for label in [*new.labels, *(label for label in old.labels if label not in new.labels)]:
        kind = "added" if label not in old.labels else "removed" if label not in new.labels else "changed"
        changes = diff_label(new.labels[label], old.labels[label]) if kind == "changed" else {}
        if changes or kind != "changed":
            found.append(LabelDiff(label, kind, changes))
    return found


def diff_label(new: LabelKnowledge, old: LabelKnowledge) -> dict[str, list[Change]]:
    """The changes of one label by field; fields without a change are left out."""
    changes = {
        name: [Change(getattr(old, name), getattr(new, name))]
        for name in SINGLE_TEXTS
        if getattr(old, name) != getattr(new, name)
    }
    described = {
        name: [Change(a or "", b or "") for a, b in diff_lists(getattr(new, name) or [], getattr(old, name) or [], str)]
        for name in ("descriptions", "held_out_descriptions")
    }
    items = list(diff_lists(new.checklist, old.checklist, lambda item: item.present))
    found = changes | described | {"checklist": [Change(*map(describe_item, pair)) for pair in items]}
    return {name: each for name, each in found.items() if each}


def diff_lists(new: Sequence[T], old: Sequence[T], text: Callable[[T], str]) -> Iterator[tuple[T | None, T | None]]:
    """Pairs (old, new) of what differs; the most alike of what is left on both sides count as changed."""
    added, removed = [each for each in new if each not in old], [each for each in old if each not in new]
    pairs = product(range(len(added)), range(len(removed)))
    alike = [(-SequenceMatcher(None, text(added[i]), text(removed[j])).ratio(), i, j) for i, j in pairs]
    partner: dict[int, int] = {}
    for ratio, i, j in sorted(alike):
        if -ratio >= SAME_TEXT and i not in partner and j not in partner.values():
            partner[i] = j
    yield from ((removed[partner[i]] if i in partner else None, each) for i, each in enumerate(added))
    yield from ((each, None) for j, each in enumerate(removed) if j not in partner.values())


def describe_item(item: ChecklistItem | None) -> str:
    """A checklist item on one line."""
    if item is None:
        return ""
    biomarker = f", biomarker {item.biomarker}" if item.biomarker else ""
    return f"{item.present} / {item.absent} (weight {item.weight:g}, {item.facet}; {item.source}{biomarker})"
