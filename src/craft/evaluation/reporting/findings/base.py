"""What all findings share: choosing rows of tables, the reward method and its strongest baseline, and ranges.

A finding is computed here and worded in the paper's source. Its values are plain numbers, strings, lists and dicts;
shares stay shares, and None stands where there is nothing to tell. Every number is traced to the rows it comes from.
"""

from collections.abc import Iterable, Mapping
from typing import Literal

import pandas as pd

from craft.evaluation.comparison.baseline import strongest
from craft.evaluation.reporting.traced import Value, tally, traced, value_in
from craft.evaluation.settings import Run
from craft.evaluation.tables import ALL

Tables = Mapping[str, pd.DataFrame]
# evaluators whose judgement is shown side by side: in-family and out-of-family
JUDGES = ("reward", "held_out")


def rows_of(table: pd.DataFrame, **keys: str) -> pd.DataFrame:
    """The rows that have the given values."""
    chosen = pd.Series(True, index=table.index)
    for column, value in keys.items():
        chosen &= table[column] == value
    return table[chosen]


def row_of(table: pd.DataFrame, **keys: str) -> pd.Series | None:
    """The first row that has the given values; None where no row has."""
    rows = rows_of(table, **keys)
    return None if rows.empty else rows.iloc[0]


def value_of(table: pd.DataFrame, **keys: str) -> Value | None:
    """The value of the first row that has the given values; None where there is none, or no number in it."""
    row = row_of(table, **keys)
    return None if row is None or pd.isna(row["value"]) else value_in(row)


def our_method(run: Run) -> str | None:
    """The method that the findings are about: the first that was finetuned on a reward; None where none was."""
    return next(iter(run.rewarded), None)


def evaluators_of(tables: Tables, role: str) -> list[str]:
    """Evaluators of a role, in the order of the table of CAS."""
    return list(rows_of(tables["cas"], role=role)["evaluator"].unique())


def first_judge(table: pd.DataFrame) -> str | None:
    """The first `evaluator` of a table, of which sentences speak; None where it has no row."""
    return None if table.empty else str(table["evaluator"].iloc[0])


def strongest_baseline(table: pd.DataFrame, run: Run, best: Literal["highest", "lowest"], **keys: str) -> str | None:
    """The strongest of the methods without reward by a table's values over all labels; None without any.

    Args:
        table: one of a run's tables.
        run: methods of the run.
        best: which value is best.
        keys: what the rows have in common: dataset, evaluator and metric.
    """
    found = {method: value_of(table, label=ALL, method=method, **keys) for method in run.baselines}
    values = {method: value for method, value in found.items() if value is not None}
    return strongest(values, best) if values else None


def spread(values: pd.Series | Iterable[float | None]) -> dict[str, float] | None:
    """Least and greatest of some numbers, those that are None or NaN left out; None without any."""
    known = traced(values)
    return {"low": min(known), "high": max(known)} if known else None


def count_sides(differences: list[Value], clear: list[bool]) -> dict:
    """Number of `datasets`, in how many a difference is `better` (positive), `worse` or `clear`; its range."""
    return {
        "datasets": tally(differences),
        "better": tally(differences, [difference > 0 for difference in differences]),
        "worse": tally(differences, [difference < 0 for difference in differences]),
        "clear": tally(differences, clear),
        "difference": spread(differences),
    }


def estimate_of(row: pd.Series) -> dict[str, Value]:
    """Value and interval of a row."""
    return {name: value_in(row, name) for name in ("value", "low", "high")}
