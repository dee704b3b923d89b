"""C5: does the gain hold under a checklist audit, item by item?"""

from craft.core.settings import REAL
from craft.evaluation.reporting.findings.base import (
    Tables,
    count_sides,
    evaluators_of,
    our_method,
    row_of,
    spread,
    strongest_baseline,
    value_of,
)
from craft.evaluation.reporting.traced import value_in
from craft.evaluation.settings import Run
from craft.evaluation.tables import ALL

METRIC = "satisfied"


def find_audit(tables: Tables, run: Run) -> list[dict]:
    """What every auditor finds of the reward method, as `judge` describes it; empty without a reward method."""
    auditors = tables["audit"]["evaluator"].unique() if our_method(run) else []
    return [judge(tables, run, auditor) for auditor in auditors]


def judge(tables: Tables, run: Run, auditor: str) -> dict:
    """The share of satisfied items of the reward method against the strongest baseline's and the test images'.

    Returns:
        auditor, number of datasets, in how many the share is `better` and `worse`, in how many `clear`ly better
        (intervals that do not overlap), the ranges of the difference from the baseline and `from_real` images, and of
        Kendall's tau between the methods' order and that of CAS under the first held-out evaluator.
    """
    table, ours, differences, clear = tables["audit"], our_method(run), [], []
    for dataset in run.datasets:
        keys = {"dataset": dataset, "evaluator": auditor, "metric": METRIC}
        own = row_of(table, label=ALL, method=ours, **keys)
        against = strongest_baseline(table, run, "highest", **keys)
        if own is not None and against is not None:
            other = row_of(table, label=ALL, method=against, **keys)
            differences.append(value_in(own) - value_in(other))
            clear.append(own["low"] > other["high"])
    return {
        "auditor": auditor,
        **count_sides(differences, clear),
        "from_real": spread(distance_from_real(tables, run, auditor, dataset) for dataset in run.datasets),
        "kendall": spread(rank_agreement(tables, auditor, dataset) for dataset in run.datasets),
    }


def distance_from_real(tables: Tables, run: Run, auditor: str, dataset: str) -> float | None:
    """The reward method's share of satisfied items minus the test images'."""
    keys = {"dataset": dataset, "label": ALL, "evaluator": auditor, "metric": METRIC}
    own, real = (value_of(tables["audit"], method=method, **keys) for method in (our_method(run), REAL))
    return None if own is None or real is None else own - real


def rank_agreement(tables: Tables, auditor: str, dataset: str) -> float | None:
    """Kendall's tau of an auditor's order of the methods with that of out-of-family CAS."""
    names = evaluators_of(tables, "held_out")
    keys = {"dataset": dataset, "method": ALL, "evaluator": auditor}
    return value_of(tables["audit"], metric=f"kendall: {names[0]}", **keys) if names else None
