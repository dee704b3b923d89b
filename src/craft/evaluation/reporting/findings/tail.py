"""C2: does the reward method shrink the low-alignment tail against the strongest baseline?"""

from craft.evaluation.reporting.findings.base import (
    JUDGES,
    Tables,
    estimate_of,
    evaluators_of,
    our_method,
    row_of,
    spread,
    value_of,
)
from craft.evaluation.reporting.traced import tally
from craft.evaluation.settings import Run
from craft.evaluation.tables import ALL


def find_tail(tables: Tables, run: Run) -> dict[str, list[dict]]:
    """Reductions of the tail under every evaluator, by role."""
    return {role: [reduction(tables, run, name) for name in evaluators_of(tables, role)] for role in JUDGES}


def reduction(tables: Tables, run: Run, evaluator: str) -> dict:
    """By how much the tail is smaller under one evaluator.

    Returns:
        evaluator, number of datasets, in how many the tail is `smaller` and `larger`, the range of the reduction
        as a share of all images (`points`) and of the baseline's tail (`shares`), and the mean of the latter
        (`relative`).
    """
    keys = {"method": str(our_method(run)), "evaluator": evaluator}
    table = tables["tail_reduction"]
    found = [value_of(table, dataset=dataset, metric="reduction_points", **keys) for dataset in run.datasets]
    points = [value for value in found if value is not None]
    shares = [value_of(table, dataset=dataset, metric="reduction_relative", **keys) for dataset in run.datasets]
    relative = row_of(table, dataset=ALL, metric="reduction_relative", **keys)
    return {
        "evaluator": evaluator,
        "datasets": tally(points),
        "smaller": tally(points, [value > 0 for value in points]),
        "larger": tally(points, [value < 0 for value in points]),
        "points": spread(points),
        "shares": spread(shares),
        "relative": None if relative is None else estimate_of(relative),
    }
