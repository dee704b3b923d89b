"""Which drawn attributes of a phantom make which checklist statement true, one table a modality.

A table maps an item's `present` statement to a predicate of the phantom's truth: True where the statement holds, False
where its contradiction holds, None where neither is said (the words between the two, such as *mildly asymmetric*).
The limits are those at which the phantom's own caption changes its words.
"""

from collections.abc import Callable
from typing import Any

Predicate = Callable[[dict[str, Any]], bool | None]


def above(key: str, high: float, low: float | None = None) -> Predicate:
    """True where the attribute exceeds `high`, False at `low` or less (default: `high`), None between."""
    floor = high if low is None else low
    return lambda truth: True if truth[key] > high else False if truth[key] <= floor else None


def negate(predicate: Predicate) -> Predicate:
    """The contradiction of a predicate."""
    return lambda truth: None if (said := predicate(truth)) is None else not said


asymmetric = above("asymmetry", 0.55, 0.32)

DERMOSCOPY: dict[str, Predicate] = {
    "the lesion is asymmetric in shape and colour": asymmetric,
    "the lesion is symmetric in shape and colour": negate(asymmetric),
}
CHEST_XRAY: dict[str, Predicate] = {}
FUNDUS: dict[str, Predicate] = {}
HISTOPATHOLOGY: dict[str, Predicate] = {}

TRUTH = {
    "dermoscopy": DERMOSCOPY,
    "chest_xray": CHEST_XRAY,
    "fundus": FUNDUS,
    "histopathology": HISTOPATHOLOGY,
}
