"""Validity: does CAS follow the classifier of phantoms?"""

from craft.evaluation.reporting.findings.base import JUDGES, Tables, rows_of, spread
from craft.evaluation.settings import Run


def find_classifier(tables: Tables, run: Run) -> dict | None:
    """Rank correlation of CAS with the classifier of phantoms; None where the run has none.

    Returns:
        `spearman`: range over datasets by role, over all images; `kendall`: range of the agreement of the methods'
        order, None for a single method.
    """
    rows = rows_of(tables["validity"], study="classifier", dimension="cas")
    images = rows_of(rows, metric="spearman", condition="all")
    if images.empty:
        return None
    return {
        "spearman": {role: spread(rows_of(images, role=role)["value"]) for role in JUDGES},
        "kendall": spread(rows_of(rows, metric="kendall")["value"]),
    }
