"""From raw labels, as the data have them, to the labels of the configuration."""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

import yaml

from craft.core.errors import CraftError
from craft.datasets.settings import label_key
from craft.datasets.tables import plain_number

# raw values that a message or a log line lists
SHOWN = 12
PERSONAL = re.compile(
    r"patient|subject|person|participant|accession|birth|surname|(^|[^a-z])(mrn|dob|ssn|p(t|at)?_?id)($|[^a-z])",
    re.IGNORECASE,
)


class LabelNaming:
    """Raw labels and their names.

    Args:
        names: raw label -> configured label, for those that are renamed.
        labels: configured labels.
    """

    def __init__(self, names: Mapping[str, str], labels: Sequence[str]):
        self.labels = list(labels)
        exact = {unicodedata.normalize("NFC", raw): name for raw, name in names.items()}
        self._names = {plain_number(raw): name for raw, name in exact.items()} | exact

    def name(self, raw: str) -> str:
        """What a raw label is called: its name, or itself; `3.0` is what `3` is."""
        plain = plain_number(raw)
        return self._names.get(raw) or self._names.get(plain) or plain

    def chosen(self, raw: str) -> str | None:
        """The configured label of a raw one; None where it is not configured."""
        name = self.name(raw)
        return name if name in self.labels else None

    def require_all(self, raw: Iterable[str], where: str, column: str | None = "") -> None:
        """Raise a CraftError if a configured label never occurs.

        Args:
            raw: labels as the data have them.
            where: the file or folder, for the message.
            column: that holds them (`source_of_labels`), which decides whether the message may show them.
        """
        counts = Counter(raw)
        lacking = set(self.labels) - {self.name(label) for label in counts}
        if not lacking:
            return
        first = next(label for label in self.labels if label in lacking)
        counts.pop("", None)
        pairs = {
            label: label_key(label) for label in counts if label_key(label) in lacking and self.chosen(label) is None
        }
        if pairs and not hidden(counts, column):
            line = yaml.safe_dump(pairs, default_flow_style=True, allow_unicode=True, width=float("inf")).strip()
            mend = f"write `label_names: {line}`"
        else:
            mend = f"correct `labels`, or rename a raw label with `label_names: {{<raw label>: {first}}}`"
            parts = {mark: {part.strip() for raw in counts for part in raw.split(mark)} for mark in "|;,/"}
            if mark := next((mark for mark in parts if first in {self.name(part) for part in parts[mark]}), None):
                mend = f'write `label_separator: "{mark}"`, which parts the labels of a cell'
        raise CraftError(f"{where} holds no image labelled {first!r}, only {show_values(counts, column)}; {mend}")


def show_values(counts: Mapping[str, int], column: str | None = "") -> str:
    """Raw labels for a message; their number alone where they may be ids of persons."""
    if not counts:
        return "unlabelled ones"
    if hidden(counts, column):
        return f"{len(counts)} values that may be ids and are not shown"
    shown = sorted(counts)[:SHOWN]
    return ", ".join(map(repr, shown)) + (", ..." if len(counts) > SHOWN else "")


def source_of_labels(column: str, labels: Sequence[str], groups: Sequence[str]) -> str | None:
    """The column of the labels; None where most of its cells are those of the column of patients."""
    same = sum(label == group != "" for label, group in zip(labels, groups, strict=True))
    return None if 2 * same > len(labels) else column


def hidden(counts: Mapping[str, int], column: str | None = "") -> bool:
    """Whether a column's values may be ids of persons: as they are known to be (None), by the column's name, or as
    nearly every row has another one."""
    return (
        column is None
        or bool(PERSONAL.search(column))
        or (len(counts) > SHOWN and 2 * len(counts) > sum(counts.values()))
    )
