"""Validity: does the reward evaluator's CAS run ahead of other judges along the finetuning?"""

import pandas as pd

from craft.evaluation.reporting.findings.base import Tables, evaluators_of, row_of, rows_of
from craft.evaluation.reporting.traced import count_in, tally
from craft.evaluation.scoring.results import PHANTOM_CLASSIFIER
from craft.evaluation.settings import Run


def find_gap(tables: Tables, run: Run) -> list[dict]:
    """Where the gap to other judges opened; empty where no method was finetuned on a reward.

    Returns:
        For every kind of judge that there is: `judge` (a role), number of `runs`, and of those in which the gap
        `opened` the dataset, the step at which that is told and the step `since` which it widened.
    """
    gaps = rows_of(tables["validity"], study="gap")
    keys = ["dataset", "method", "evaluator", "condition"]
    since, rows = (rows_of(gaps, metric=metric) for metric in ("opens_from", "opens_at"))
    found = []
    for role in (PHANTOM_CLASSIFIER, "held_out"):
        own = rows[rows["condition"].isin(evaluators_of(tables, role))]
        if len(own):
            opened = own[~pd.isna(own["value"])]
            places = [
                {"dataset": row["dataset"], "step": count_in(row), "since": count_in(row_of(since, **row[keys]))}
                for _, row in opened.iterrows()
            ]
            found.append({"judge": role, "runs": tally(own), "opened": places})
    return found
