"""Validity: does a calibrated one half mean "as likely as not"?"""

from craft.evaluation.reporting.findings.base import JUDGES, Tables, estimate_of, rows_of, spread
from craft.evaluation.settings import Run
from craft.reward.dimensions import DIMENSIONS


def find_reliability(tables: Tables, run: Run) -> dict | None:
    """The expected calibration errors on real test images; None where none was measured.

    Returns:
        `errors`: range over datasets by dimension and role; `worst`: dataset, evaluator and dimension of the largest
        one, with value and interval.
    """
    rows = rows_of(tables["validity"], study="reliability", metric="calibration_error")
    if rows.empty:
        return None
    worst = rows.loc[rows["value"].idxmax()]
    return {
        "errors": {
            name: {role: spread(rows_of(rows, dimension=name, role=role)["value"]) for role in JUDGES}
            for name in DIMENSIONS
        },
        "worst": {name: worst[name] for name in ("dataset", "evaluator", "dimension")} | estimate_of(worst),
    }
