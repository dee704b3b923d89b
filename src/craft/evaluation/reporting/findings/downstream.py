"""C3: does adding the reward method's images to real ones improve a downstream classifier?"""

import pandas as pd

from craft.core.settings import REAL
from craft.evaluation.reporting.findings.base import Tables, first_judge, our_method, rows_of, spread, value_of
from craft.evaluation.settings import Run

METRIC = "macro_auroc"


def find_downstream(tables: Tables, run: Run) -> list[dict]:
    """What the reward method's images add to the macro-AUROC, for every set of real images that they were added to.

    Where a run has several backbones, the first speaks.

    Returns:
        For each: `backbone`, `share` of the train images, number of datasets, in how many the AUROC goes `up`, and the
        range of the difference.
    """
    backbone = first_judge(tables["downstream"])
    table = rows_of(tables["downstream"], evaluator=backbone)
    arms = [arm for arm in table["method"].unique() if arm.partition("@")[0] == REAL and "+" not in arm]
    found = [{"backbone": backbone, **added(table, run, arm)} for arm in sorted(arms, key=lambda arm: arm != REAL)]
    return [finding for finding in found if finding["datasets"]]


def added(table: pd.DataFrame, run: Run, arm: str) -> dict:
    """What the reward method's images add to one arm of real images, `real` or `real@<share>`, with one backbone."""
    differences = []
    for dataset in run.datasets:
        alone, mixed = (
            value_of(table, dataset=dataset, method=name, metric=METRIC) for name in (arm, f"{arm}+{our_method(run)}")
        )
        if alone is not None and mixed is not None:
            differences.append(mixed - alone)
    share = float(arm.partition("@")[2] or 1)
    up = sum(difference > 0 for difference in differences)
    return {"share": share, "datasets": len(differences), "up": up, "difference": spread(differences)}
