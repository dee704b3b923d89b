"""Numbers that remember what they were read from, so that every number of a sentence can be followed to its table.

In every other way they are numbers: they compare as what they hold, and JSON writes them so. A finding that computes
with them goes through the functions below, which hand the origins on; other arithmetic gives a plain number, and the
ledger of claims refuses one (`craft.evaluation.reporting.ledger`).
"""

from collections.abc import Iterable, Sequence
from typing import Self

import pandas as pd


class Traced:
    """A number with its `origins`: rows of tables, by index; or the settings of the run; or a constant of the code."""

    origins: tuple[str, ...]

    def __new__(cls, number, origins: Iterable = ()) -> Self:
        made = super().__new__(cls, number)
        made.origins = tuple(dict.fromkeys(map(str, origins)))
        return made


class Value(Traced, float):
    """A number that was measured, or a difference of two such."""

    def __sub__(self, other: "Value") -> "Value":
        return Value(float(self) - float(other), (*self.origins, *other.origins))


class Count(Traced, int):
    """How many there are of something."""


def value_in(row: pd.Series, column: str = "value") -> Value:
    """A cell of a row."""
    return Value(row[column], [row.name])


def count_in(row: pd.Series, column: str = "value") -> Count:
    """A cell of a row that holds a whole number."""
    return Count(round(row[column]), [row.name])


def defined(module: str, name: str, number: float) -> Value:
    """A number that the code defines, which no run can change: the module and the name of the constant say where."""
    return Value(number, [f"{module}.{name}"])


def tally(cases: pd.DataFrame | Sequence[Value], chosen: Iterable[bool] | None = None) -> Count:
    """How many of some cases are chosen, all of them where there is no choice.

    Args:
        cases: rows of a table, or values; all of them are behind the number, those that are not chosen too.
        chosen: one for each case.
    """
    number = len(cases) if chosen is None else sum(map(bool, chosen))
    return Count(number, cases.index if isinstance(cases, pd.DataFrame) else origins_of(cases))


def traced(values: pd.Series | Iterable[float | None]) -> list[float]:
    """The numbers among some values, those of a column with the rows that they stand in; None and NaN are left out."""
    if isinstance(values, pd.Series):
        values = [Value(value, [row]) for row, value in values.items()]
    return [value for value in values if value is not None and not pd.isna(value)]


def origins_of(values: Iterable[Traced]) -> list[str]:
    """What is behind some numbers."""
    return [origin for value in values for origin in value.origins]
