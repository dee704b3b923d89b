"""Validity: which evaluators are no judge of a dataset's labels?"""

from craft.evaluation.reporting.findings.base import JUDGES, Tables, estimate_of, rows_of, spread, value_of
from craft.evaluation.reporting.traced import Count, tally
from craft.evaluation.results import SETTINGS
from craft.evaluation.settings import Run


def find_judges(tables: Tables, run: Run) -> dict:
    """How well the evaluators tell the labels of real test images.

    An evaluator is no judge of a dataset's labels where the interval of its balanced accuracy reaches down to chance,
    or its accuracy is not above the share of the largest label.

    Returns:
        `accuracy`: range over datasets of the balanced accuracy, by role; `beside`: for every evaluator, the ranges of
        its `accuracy` and of the share of the largest label (`majority`), which needs no judge; number of `cases`
        (dataset by evaluator); `no_judges`: dataset, evaluator and role with balanced accuracy and interval,
        `accuracy`, `chance` and `majority`; `declared`: how many evaluators and encoders have a background; `unknown`:
        name, kind and role of those of which a part of it is unknown, and `what`.
    """
    rows = rows_of(tables["validity"], study="judges")
    balanced, none = rows_of(rows, metric="balanced_accuracy"), []
    for _, row in balanced.iterrows():
        place = {name: row[name] for name in ("dataset", "evaluator", "role")}
        known = {name: value_of(rows, metric=name, **place) for name in ("accuracy", "chance", "majority")}
        if row["low"] <= known["chance"] or known["accuracy"] <= known["majority"]:
            none.append(place | estimate_of(row) | known)
    accuracy = {role: spread(rows_of(balanced, role=role)["value"]) for role in JUDGES}
    unknown = [
        {"name": judge.name, "kind": judge.kind, "role": judge.role, "what": [each.replace("_", " ") for each in what]}
        for judge in run.judges
        if (what := judge.unknown)
    ]
    found = {"accuracy": accuracy, "cases": tally(balanced), "no_judges": none}
    beside = [
        {
            "evaluator": name,
            "accuracy": spread(own["value"]),
            "majority": spread(rows_of(rows, metric="majority")["value"]),
        }
        for name, own in rows_of(rows, metric="accuracy").groupby("evaluator", sort=False)
    ]
    return found | {"beside": beside, "declared": Count(len(run.judges), [SETTINGS]), "unknown": unknown}
