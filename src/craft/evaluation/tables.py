"""The paper's tables by name, and the form that they share: one tidy row per number, with its interval and origin."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd

from craft.core.registry import Registry
from craft.core.settings import CONTROLS
from craft.evaluation.results import ResultFile, Results
from craft.evaluation.statistics.intervals import Estimate

COLUMNS = (
    *("dataset", "label", "method", "evaluator", "role", "metric"),
    *("value", "low", "high", "natural", "over", "n", "seeds", "source"),
)
ALL = "all"

TABLES = Registry(
    "table",
    "TABLE",
    {
        "given": "craft.evaluation.scoring.given_table",
        "cas": "craft.evaluation.scoring.cas_table",
        "tail": "craft.evaluation.scoring.tail_table",
        "tail_reduction": "craft.evaluation.comparison.reduction_table",
        "comparisons": "craft.evaluation.comparison.difference_table",
        "agreement": "craft.evaluation.comparison.agreement_table",
        "fidelity": "craft.evaluation.fidelity.table",
        "downstream": "craft.evaluation.downstream.table",
        "downstream_differences": "craft.evaluation.downstream.difference_table",
        "audit": "craft.evaluation.auditing.table",
        "anatomy": "craft.evaluation.anatomy.table",
        "cost": "craft.evaluation.cost.table",
        "memorization": "craft.evaluation.memorization.table",
        "validity": "craft.evaluation.validity.table",
    },
)


@dataclass(frozen=True)
class Table:
    """One table of the paper.

    Attributes:
        make: makes it of a run's results.
        title: what it holds, one line for lists of tables.
        reads: files of the run that it is made of; it can read no other.
        columns: of the table.
    """

    make: Callable[[Results], pd.DataFrame]
    title: str
    reads: tuple[ResultFile, ...]
    columns: tuple[str, ...] = COLUMNS


def collect_tables(results: Results) -> dict[str, pd.DataFrame]:
    """All tables of a run by name.

    Raises:
        CraftError: if a file of the run is missing or holds what it should not.
    """
    return {name: table.make(results.limited_to(table.reads))[list(table.columns)] for name, table in TABLES.items()}


def table_row(
    estimate: Estimate, *, dataset: str, label: str, method: str, evaluator: str, role: str, metric: str, source: str
) -> dict:
    """One row of a table; `source` names the files below the results folder that the number came from."""
    row = {"dataset": dataset, "label": label, "method": method, "evaluator": evaluator, "role": role, "metric": metric}
    return row | estimate_cells(estimate, method) | {"source": source}


def estimate_cells(estimate: Estimate, method: str) -> dict:
    """The cells of a number: itself, its interval, what that is over, and what is behind it."""
    row = {"value": estimate.value, "low": estimate.low, "high": estimate.high, "natural": estimate.natural}
    return row | {"over": describe_interval(estimate, method), "n": estimate.n, "seeds": estimate.seeds}


def describe_interval(estimate: Estimate, method: str) -> str:
    """What an interval is over. Images of one seed say nothing of what another training would have given."""
    if estimate.seeds > 1:
        return "seeds and images"
    return "images" if method in CONTROLS else "images, this seed"


def make_table(rows: list[dict], columns: tuple[str, ...] = COLUMNS) -> pd.DataFrame:
    """Rows as a frame with the columns of every table, in their order."""
    return pd.DataFrame(rows, columns=list(columns))


def label_groups(frame: pd.DataFrame, labels: list[str]) -> Iterator[tuple[str, pd.DataFrame]]:
    """The whole frame under the name "all", then the rows of every label that has some."""
    yield ALL, frame
    for label in labels:
        if len(rows := frame[frame["label"] == label]):
            yield label, rows


def by_seed(frame: pd.DataFrame, column: str) -> list[np.ndarray]:
    """Values of a column, one array per seed, in the order of the seeds."""
    return [group[column].to_numpy(float) for _, group in frame.groupby("seed")]


def labels_by_seed(frame: pd.DataFrame) -> list[np.ndarray]:
    """Labels of the images, one array per seed, in the order of the seeds."""
    return [group["label"].to_numpy(str) for _, group in frame.groupby("seed")]
