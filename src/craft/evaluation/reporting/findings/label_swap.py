"""Validity: do CAS and its dimensions tell an image's own label from the others?"""

import pandas as pd

from craft.evaluation.reporting.findings.base import JUDGES, Tables, estimate_of, rows_of, spread
from craft.evaluation.settings import Run

CAS = "cas"
CHANCE = 0.5


def find_label_swap(tables: Tables, run: Run) -> dict:
    """AUROC of CAS by role, the weakest single dimension, and the dimensions at chance.

    Returns:
        `cas`: range over datasets by role; `weakest`: dataset, evaluator and dimension with value and interval;
        `blind`: a list of the same for all whose interval reaches down to one half.
    """
    rows = rows_of(tables["validity"], study="label_swap", metric="auroc")
    single = rows[rows["dimension"] != CAS]
    return {
        "cas": {role: spread(rows_of(rows, role=role, dimension=CAS)["value"]) for role in JUDGES},
        "weakest": place(single.loc[single["value"].idxmin()]),
        "blind": [place(row) for _, row in single[single["low"] <= CHANCE].iterrows()],
    }


def place(row: pd.Series) -> dict:
    """Where a value was found, and the value with its interval."""
    return {name: row[name] for name in ("dataset", "evaluator", "dimension")} | estimate_of(row)
