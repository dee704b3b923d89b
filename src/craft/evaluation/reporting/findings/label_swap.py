"""Validity: do CAS and its dimensions tell the images of a label from others that claim it?"""

import pandas as pd

from craft.evaluation.reporting.findings.base import JUDGES, Tables, estimate_of, rows_of, spread
from craft.evaluation.reporting.traced import defined, tally
from craft.evaluation.settings import Run

CAS = "cas"
CHANCE = 0.5


def find_label_swap(tables: Tables, run: Run) -> dict:
    """AUROC of CAS by role, the weakest single dimension, and what is not above chance.

    Returns:
        `chance`, what no knowledge of labels would give; `cas`: range over datasets by role; `weakest`: dataset,
        evaluator and dimension with value and interval; `blind`: a list of the same for CAS and all dimensions whose
        interval reaches down to chance; `labels`: number of `cases` (dataset, evaluator, dimension or CAS, and claimed
        label), and `blind` among them, which have their `label` too.
    """
    swapped = rows_of(tables["validity"], study="label_swap")
    rows, single = rows_of(swapped, metric="auroc"), rows_of(swapped, metric="label_auroc")
    dimensions = rows[rows["dimension"] != CAS]
    return {
        "chance": defined(__name__, "CHANCE", CHANCE),
        "cas": {role: spread(rows_of(rows, role=role, dimension=CAS)["value"]) for role in JUDGES},
        "weakest": place(dimensions.loc[dimensions["value"].idxmin()]),
        "blind": [place(row) for _, row in not_above_chance(rows).iterrows()],
        "labels": {
            "cases": tally(single),
            "blind": [place(row) | {"label": row["condition"]} for _, row in not_above_chance(single).iterrows()],
        },
    }


def not_above_chance(rows: pd.DataFrame) -> pd.DataFrame:
    """The rows whose interval reaches down to one half."""
    return rows[rows["low"] <= CHANCE]


def place(row: pd.Series) -> dict:
    """Where a value was found, and the value with its interval."""
    return {name: row[name] for name in ("dataset", "evaluator", "dimension")} | estimate_of(row)
