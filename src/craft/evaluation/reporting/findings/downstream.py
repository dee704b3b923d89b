"""C3: do the reward method's images improve a downstream classifier, and more than those made without reward?"""

import pandas as pd

from craft.core.settings import REAL
from craft.evaluation.downstream.arms import Arm
from craft.evaluation.reporting.findings.base import Tables, first_judge, our_method, rows_of, spread
from craft.evaluation.reporting.traced import tally
from craft.evaluation.settings import Run, ScoringSettings

METRIC = "macro_auroc"


def find_downstream(tables: Tables, run: Run) -> list[dict]:
    """What the reward method's images change in the macro-AUROC: added to real ones, in their place, and by the reward.

    Where a run has several backbones, the first speaks. A difference is told where it is significant after Holm's
    correction; elsewhere nothing is, whichever way the value points.

    Returns:
        For each comparison of an arm that holds our images: `backbone`; the `arm`, and the one that it is held
        `against`: real images alone (`against_real`), or the same arm of a method without reward; whether it holds
        `real` images; number of `datasets`, those in which it is `better` and `worse`, and in how many neither can be
        told (`untold`); and the range of the `difference`. Arms that hold real images come first.
    """
    table = tables.get("downstream_differences", pd.DataFrame(columns=["evaluator", "method", "against", "metric"]))
    backbone, ours = first_judge(table), our_method(run)
    rows = rows_of(table, evaluator=backbone, metric=METRIC)
    found = []
    for name, against in rows[["method", "against"]].drop_duplicates().itertuples(index=False):
        if Arm.parse(name).method == ours:
            part = rows_of(rows, method=name, against=against)
            found.append({"backbone": backbone, **compare(part, name, against, run.scoring)})
    return sorted(found, key=lambda each: (not each["real"], not each["against_real"]))


def compare(rows: pd.DataFrame, name: str, against: str, scoring: ScoringSettings) -> dict:
    """One comparison of two arms over all datasets."""
    told = rows["p_holm"] < 1 - scoring.confidence
    return {
        "arm": name,
        "against": against,
        "real": Arm.parse(name).real,
        "against_real": against == REAL,
        "datasets": tally(rows),
        "better": list(rows.loc[told & (rows["value"] > 0), "dataset"]),
        "worse": list(rows.loc[told & (rows["value"] < 0), "dataset"]),
        "untold": tally(rows, ~told),
        "difference": spread(rows["value"]),
    }
