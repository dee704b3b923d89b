"""What a method gains for what it costs."""

import pandas as pd

from craft.evaluation.cost.table import WHOLE
from craft.evaluation.settings import Run
from craft.evaluation.tables import ALL


def gain_by_compute(cas: pd.DataFrame, cost: pd.DataFrame, run: Run) -> pd.DataFrame:
    """Held-out gains in CAS over the first method that trains nothing, beside the UNet evaluations behind them.

    Args:
        cas: the table `cas` of a run.
        cost: its table `cost`.
        run: methods, the first of which without a training is the one that gains are counted from.

    Returns:
        Columns dataset, evaluator, method, gain, low and high (the interval of the method's own CAS, less that of the
        method which gains are counted from), unet_evaluations; without rows where every method trains something.
    """
    columns = ["dataset", "evaluator", "method", "gain", "low", "high", "unet_evaluations"]
    start = next((method for method in run.methods if not run.trainings.get(method)), None)
    shown = cas[(cas["metric"] == "cas") & (cas["role"] == "held_out") & (cas["label"] == ALL)]
    spent = cost[(cost["stage"] == WHOLE) & (cost["metric"] == "unet_evaluations")]
    spent = spent[["dataset", "method", "value"]].rename(columns={"value": "unet_evaluations"})
    first = shown[shown["method"] == start][["dataset", "evaluator", "value"]].rename(columns={"value": "first"})
    found = shown.merge(first, on=["dataset", "evaluator"]).merge(spent, on=["dataset", "method"])
    found = found.assign(**{name: found[name] - found["first"] for name in ("value", "low", "high")})
    return found.rename(columns={"value": "gain"})[columns]
