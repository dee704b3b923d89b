"""Validity: what does every dimension add to CAS?"""

from craft.evaluation.reporting.findings.base import Tables, rows_of
from craft.evaluation.reporting.traced import tally
from craft.evaluation.settings import Run
from craft.reward.dimensions import DIMENSIONS


def find_drop_one(tables: Tables, run: Run) -> list[dict]:
    """How often leaving a dimension out lowers or raises the label-swap AUROC of the rest.

    Returns:
        For every dimension: its name, number of `cases` (dataset by evaluator), and in how many the AUROC is lower or
        higher without it, by intervals that do not reach zero.
    """
    rows = rows_of(tables["validity"], study="drop_one", metric="auroc_share")
    found = []
    for name in DIMENSIONS:
        own = rows_of(rows, dimension=name)
        counts = {"lower": tally(own, own["low"] > 0), "higher": tally(own, own["high"] < 0)}
        found.append({"dimension": name, "cases": tally(own)} | counts)
    return found
