"""The table of the shrinking tail: by how much it is smaller than that of the strongest baseline."""

import numpy as np
import pandas as pd

from craft.evaluation.comparison.baseline import strongest
from craft.evaluation.comparison.columns import AGAINST_COLUMNS
from craft.evaluation.comparison.pairs import Paired, pair_scores
from craft.evaluation.results import Results
from craft.evaluation.scoring.results import PHANTOM_CLASSIFIER, SCORES, scores_source
from craft.evaluation.settings import Run, tail_metric, tail_quantiles
from craft.evaluation.statistics.intervals import average
from craft.evaluation.tables import ALL, Table, table_row


def reduction_table(pairs: dict[str, Paired], run: Run) -> pd.DataFrame:
    """By how much a reward method's tail is smaller than that of the strongest baseline.

    The strongest baseline of a dataset and evaluator is the method without reward that has the lowest tail rate there;
    `against` names it. Metrics: `reduction_points`, its rate minus the reward method's, and `reduction_relative`, this
    difference as a share of its rate, undefined and without a row where its rate is zero. Both have rows at every
    quantile. The rows of the dataset `all` are means over datasets. Intervals resample pairs and thresholds; they
    take the choice of the baseline as given.

    Returns:
        A frame with the columns `AGAINST_COLUMNS`; without rows where a reward method or a baseline is lacking.
    """
    evaluators = {
        name: role for paired in pairs.values() for name, role in paired.roles.items() if role != PHANTOM_CLASSIFIER
    }
    rows = []
    for evaluator, role in evaluators.items():
        for method in run.rewarded:
            for quantile in tail_quantiles(run.scoring):
                rows += reduction_rows(pairs, run, evaluator, role, method, quantile)
    return pd.DataFrame(rows, columns=list(AGAINST_COLUMNS))


def reduction_rows(
    pairs: dict[str, Paired], run: Run, evaluator: str, role: str, method: str, quantile: float
) -> list[dict]:
    """Rows of all datasets and of their mean, for one evaluator, reward method and quantile."""
    rate = tail_metric("tail_rate", quantile, run.scoring)
    shared = {"label": ALL, "method": method, "evaluator": evaluator, "role": role}
    rows, found = [], {"reduction_points": [], "reduction_relative": []}
    for dataset, paired in pairs.items():
        baselines = [other for other in paired.methods if other not in run.rewarded]
        if method not in paired.methods or not baselines:
            continue
        against = strongest({name: paired.values[rate, evaluator, name] for name in baselines}, "lowest")
        keys = [(rate, evaluator, name) for name in (against, method)]
        source = (
            f"{scores_source(dataset, method)}; {scores_source(dataset, against)}; {scores_source(dataset, 'real')}"
        )
        reductions = {"reduction_points": paired.combine(np.subtract, *keys)}
        if paired.values[keys[0]] > 0:
            reductions["reduction_relative"] = paired.combine(relative_fall, *keys)
        for kind, reduction in reductions.items():
            found[kind].append(reduction)
            number, metric = paired.estimate(reduction), tail_metric(kind, quantile, run.scoring)
            rows.append(
                table_row(number, dataset=dataset, metric=metric, source=source, **shared) | {"against": against}
            )
    for kind, parts in found.items():
        if parts:
            metric, source = tail_metric(kind, quantile, run.scoring), scores_source("*", "*")
            (number,) = average(parts).estimates(run.scoring.confidence)
            row = table_row(number, dataset=ALL, metric=metric, source=source, **shared)
            rows.append(row | {"against": "strongest"})
    return rows


def relative_fall(base: np.ndarray, own: np.ndarray) -> np.ndarray:
    """By which share of a tail rate (k,) another one is smaller; NaN where it is zero."""
    return np.divide(base - own, base, out=np.full(len(base), np.nan), where=base > 0)


def make(results: Results) -> pd.DataFrame:
    """The table of a run."""
    return reduction_table(pair_scores(results), results.run)


TABLE = Table(make, "fall of the low-alignment tail against the strongest baseline", (SCORES,), AGAINST_COLUMNS)
