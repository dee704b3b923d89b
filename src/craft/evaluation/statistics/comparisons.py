"""Tables of paired comparisons: differences between methods, and by how much the tail shrinks."""

import numpy as np
import pandas as pd

from craft.core.settings import TableSettings
from craft.evaluation.results import TRUTH, scores_source
from craft.evaluation.statistics.intervals import Estimate, interval
from craft.evaluation.statistics.pairs import Paired
from craft.evaluation.statistics.significance import bootstrap_p_value, cohen_dz, holm, rank_biserial
from craft.evaluation.statistics.tails import tail_metric, tail_quantiles
from craft.evaluation.tables import ALL, COLUMNS, table_row

COMPARISON_COLUMNS = (*COLUMNS, "against", "p", "p_holm", "cohen_dz", "rank_biserial")
AGAINST_COLUMNS = (*COLUMNS, "against")


def comparison_table(pairs: dict[str, Paired], run: TableSettings) -> pd.DataFrame:
    """Every reward method minus every other method: CAS, tail rate, and agreement with the truth.

    A difference is `method` minus `against`, averaged over pairs within a seed, then over seeds. Its interval is that
    of the nested bootstrap of pairs, its p-value comes from the same draws. Holm's correction runs over a family: all
    comparisons of one metric under one evaluator, over all modalities and methods, which is what a claim rests on.

    Args:
        pairs: of `craft.evaluation.statistics.pairs.pair_scores`.
        run: methods of the run, and which of them are reward methods.

    Returns:
        A frame with the columns `COMPARISON_COLUMNS`, without rows where there is no reward method.
    """
    rows = [row for paired in pairs.values() for row in comparison_rows(paired, run)]
    table = pd.DataFrame(rows, columns=list(COMPARISON_COLUMNS))
    if len(table):
        table["p_holm"] = table.groupby(["evaluator", "metric"])["p"].transform(holm)
    return table


def comparison_rows(paired: Paired, run: TableSettings) -> list[dict]:
    """Rows of the comparison table for one dataset, not yet corrected for their number."""
    rows = []
    for evaluator, role in paired.roles.items():
        for metric in ("cas", "agreement") if role == TRUTH else ("cas", "tail_rate"):
            for method, against in opponents(paired.methods, run.rewards):
                own, other = (metric, evaluator, method), (metric, evaluator, against)
                value = paired.values[own] - paired.values[other]
                draws = (paired.draws[own] - paired.draws[other]).to_numpy()
                differences = (paired.images[own] - paired.images[other]).to_numpy()
                row = table_row(
                    paired.estimate(value, draws),
                    dataset=paired.dataset,
                    label=ALL,
                    method=method,
                    evaluator=evaluator,
                    role=role,
                    metric=metric,
                    source=f"{scores_source(paired.dataset, method)}; {scores_source(paired.dataset, against)}",
                )
                sizes = {"cohen_dz": cohen_dz(differences), "rank_biserial": rank_biserial(differences)}
                rows.append(row | {"against": against, "p": bootstrap_p_value(value, draws)} | sizes)
    return rows


def opponents(methods: list[str], rewards: list[str]) -> list[tuple[str, str]]:
    """Every reward method with every other method; two reward methods meet once, the later one first."""
    return [
        (method, other)
        for number, method in enumerate(methods)
        if method in rewards
        for position, other in enumerate(methods)
        if other not in rewards or position < number
    ]


def reduction_table(pairs: dict[str, Paired], run: TableSettings) -> pd.DataFrame:
    """By how much a reward method's tail is smaller than that of the strongest baseline.

    The strongest baseline of a modality and evaluator is the method without reward that has the lowest tail rate there;
    `against` names it. Metrics: `reduction_points`, its rate minus the reward method's, and `reduction_relative`, this
    difference as a share of its rate, undefined and without a row where its rate is zero. Both have rows at every
    quantile. The rows of the dataset `all` are means over modalities. Intervals resample pairs and thresholds; they
    take the choice of the baseline as given.

    Returns:
        A frame with the columns `AGAINST_COLUMNS`; without rows where a reward method or a baseline is lacking.
    """
    evaluators = {name: role for paired in pairs.values() for name, role in paired.roles.items() if role != TRUTH}
    rows = []
    for evaluator, role in evaluators.items():
        for method in run.rewards:
            for quantile in tail_quantiles(run.scoring):
                rows += reduction_rows(pairs, run, evaluator, role, method, quantile)
    return pd.DataFrame(rows, columns=list(AGAINST_COLUMNS))


def reduction_rows(
    pairs: dict[str, Paired], run: TableSettings, evaluator: str, role: str, method: str, quantile: float
) -> list[dict]:
    """Rows of all modalities and of their mean, for one evaluator, reward method and quantile."""
    rate = tail_metric("tail_rate", quantile, run.scoring)
    shared = {"label": ALL, "method": method, "evaluator": evaluator, "role": role}
    rows, found = [], {"reduction_points": [], "reduction_relative": []}
    for dataset, paired in pairs.items():
        baselines = [other for other in paired.methods if other not in run.rewards]
        if method not in paired.methods or not baselines:
            continue
        against = min(baselines, key=lambda other: paired.values[rate, evaluator, other])
        own, other = (paired.draws[rate, evaluator, name].to_numpy() for name in (method, against))
        value, base = (paired.values[rate, evaluator, name] for name in (method, against))
        source = (
            f"{scores_source(dataset, method)}; {scores_source(dataset, against)}; {scores_source(dataset, 'real')}"
        )
        reductions = {"reduction_points": (base - value, other - own)}
        if base > 0:
            share = np.divide(other - own, other, out=np.full(len(other), np.nan), where=other > 0)
            reductions["reduction_relative"] = (1 - value / base, share)
        for kind, (size, draws) in reductions.items():
            found[kind].append((paired, size, draws))
            number, metric = paired.estimate(size, draws), tail_metric(kind, quantile, run.scoring)
            rows.append(
                table_row(number, dataset=dataset, metric=metric, source=source, **shared) | {"against": against}
            )
    for kind, parts in found.items():
        if parts:
            metric, source = tail_metric(kind, quantile, run.scoring), scores_source("*", "*")
            row = table_row(average(parts), dataset=ALL, metric=metric, source=source, **shared)
            rows.append(row | {"against": "strongest"})
    return rows


def average(parts: list[tuple[Paired, float, np.ndarray]]) -> Estimate:
    """Mean over modalities of a statistic, whose draws are independent of one another between modalities."""
    value = np.mean([value for _, value, _ in parts])
    draws = np.mean([draws for _, _, draws in parts], axis=0)
    pairs = [paired for paired, _, _ in parts]
    low, high = interval(draws, pairs[0].confidence)
    return Estimate(float(value), low, high, sum(len(paired.images) for paired in pairs), pairs[0].seeds)
