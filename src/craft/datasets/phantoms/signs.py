"""How a modality says which checklist statements are true of a phantom, from what was drawn for it.

A modality's signs map the `present` statement of a checklist item to a predicate of the phantom's attributes: True
where the statement holds, False where its contradiction holds, None where neither is said (the words between the two,
such as *mildly asymmetric*). The limits are those at which the phantom's own caption changes its words.
"""

from collections.abc import Callable
from typing import Any

Predicate = Callable[[dict[str, Any]], bool | None]


def above(key: str, high: float, low: float | None = None) -> Predicate:
    """True where the attribute exceeds `high`, False at `low` or less (default: `high`), None between."""
    floor = high if low is None else low
    return lambda attributes: True if attributes[key] > high else False if attributes[key] <= floor else None


def negate(predicate: Predicate) -> Predicate:
    """The contradiction of a predicate."""
    return lambda attributes: None if (said := predicate(attributes)) is None else not said


def said_of(shown: Callable[[dict[str, Any]], bool], predicate: Predicate) -> Predicate:
    """The predicate where the structure that it speaks of is shown, else None."""
    return lambda attributes: predicate(attributes) if shown(attributes) else None


def between(value: Callable[[dict[str, Any]], float], low: float, high: float) -> Predicate:
    """True where a derived value exceeds `high`, False below `low`, None between."""
    return lambda attributes: True if value(attributes) > high else False if value(attributes) < low else None
