"""What do the splits of the data consist of, and what do they leak?"""

import pandas as pd

from craft.datasets import report
from craft.evaluation.reporting.findings.base import Tables, rows_of
from craft.evaluation.reporting.traced import Count
from craft.evaluation.settings import Run

COUNTS = "counts"
COLUMNS = ("dataset", *report.COUNTS)


def find_data(tables: Tables, run: Run) -> list[dict]:
    """How many images every dataset has; empty where nothing was counted.

    Returns:
        For every dataset: `dataset`; numbers of `images` and of `test` images; of these, the `twins`, which have a
        near-identical image in another split; and of `patients` over all splits, None where the data name none.
    """
    counts = tables.get(COUNTS, pd.DataFrame(columns=list(COLUMNS)))
    of_datasets = [(dataset, rows_of(counts, dataset=dataset)) for dataset in run.datasets]
    return [describe(dataset, rows, run) for dataset, rows in of_datasets if len(rows)]


def describe(dataset: str, rows: pd.DataFrame, run: Run) -> dict:
    """What one dataset consists of."""
    test = rows_of(rows, split="test")
    return {
        "dataset": dataset,
        "images": total(rows, "images"),
        "patients": None if dataset in run.unnamed_patients else total(rows, "patients"),
        "test": total(test, "images"),
        "twins": total(test, "twins_elsewhere"),
    }


def total(rows: pd.DataFrame, column: str) -> Count:
    """The sum of a column of counts."""
    return Count(rows[column].sum(), rows.index)
