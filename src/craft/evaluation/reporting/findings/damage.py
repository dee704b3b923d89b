"""Validity: does CAS fall when images are damaged?"""

from craft.evaluation.reporting.findings.base import JUDGES, Tables, rows_of
from craft.evaluation.reporting.traced import tally
from craft.evaluation.settings import Run


def find_damage(tables: Tables, run: Run) -> dict[str, dict]:
    """In how many cases CAS falls with the grade of damage, by role.

    Returns:
        By role: number of `cases` (dataset by kind of damage), in how many CAS falls (interval of Spearman's
        correlation below zero), and dataset and `damage` of the others (`not_falling`).
    """
    rows = rows_of(tables["validity"], study="damage", metric="spearman", dimension="cas")
    found = {}
    for role in JUDGES:
        cases = rows_of(rows, role=role)
        others = cases[~(cases["high"] < 0)]
        found[role] = {
            "cases": tally(cases),
            "falling": tally(cases, cases["high"] < 0),
            "not_falling": [{"dataset": row["dataset"], "damage": row["condition"]} for _, row in others.iterrows()],
        }
    return found
