"""C6: are the reward method's images copies of training images?"""

from craft.core.settings import REAL
from craft.evaluation.reporting.findings.base import Tables, our_method, row_of, rows_of, spread
from craft.evaluation.settings import Run
from craft.evaluation.tables import ALL

CHANCE = 0.5


def find_memorization(tables: Tables, run: Run) -> dict | None:
    """Rates of copies beside those of test images, and membership inference; None without a reward method.

    Returns:
        Ranges of the `rates` and of those `expected`, which are test images'; the number of `comparisons` (datasets by
        measures) and those in which the rate's interval lies `above`; in how many of `memberships` membership can be
        inferred (`inferred`).
    """
    ours, table = our_method(run), tables["memorization"]
    if ours is None:
        return None
    rates = rows_of(table, label=ALL, method=ours, metric="copy_rate")
    expected, above = [], []
    for _, row in rates.iterrows():
        keys = {"dataset": row["dataset"], "evaluator": row["evaluator"], "metric": "copy_rate"}
        real = row_of(table, label=ALL, method=REAL, **keys)
        expected.append(real["value"])
        if row["low"] > real["value"]:
            above.append({"dataset": row["dataset"], "measure": row["evaluator"], "rate": float(row["value"])})
    memberships = rows_of(table, label=ALL, method=ours, metric="membership_auroc")
    return {
        "rates": spread(rates["value"]),
        "expected": spread(expected),
        "comparisons": len(rates),
        "above": above,
        "memberships": len(memberships),
        "inferred": int((memberships["low"] > CHANCE).sum()),
    }
