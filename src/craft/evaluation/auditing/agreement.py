"""Agreement with intervals: Cohen's kappa of two auditors, rank correlation of two orders of the methods."""

import numpy as np
import pandas as pd

from craft.core.seeds import numpy_generator
from craft.evaluation.auditing.base import NO, UNKNOWN
from craft.evaluation.settings import ScoringSettings
from craft.evaluation.statistics.intervals import (
    Estimate,
    estimate,
    interval,
    mean_statistic,
    nested_bootstrap,
    point_estimates,
)
from craft.evaluation.statistics.ranks import rank_correlations

RANKS = ("kendall", "spearman")
KEYS = ["seed", "label", "image_id"]


def cohen_kappa(tables: np.ndarray) -> np.ndarray:
    """Cohen's kappa (Cohen 1960): agreement beyond chance of two judges.

    Args:
        tables: how often the judges gave each pair of answers, shape (k, answers, answers).

    Returns:
        Shape (k,), at most 1; NaN where both judges only ever gave one and the same answer.
    """
    total = tables.sum(axis=(1, 2))
    agreed = np.trace(tables, axis1=1, axis2=2) * total
    chance = (tables.sum(axis=1) * tables.sum(axis=2)).sum(axis=1)
    left = total.astype(float) ** 2 - chance
    return np.divide(agreed - chance, left, out=np.full(len(tables), np.nan), where=left > 0)


def answer_pairs(frame: pd.DataFrame, auditors: tuple[str, str]) -> pd.DataFrame:
    """Answers of two auditors to the same items, one row per item that both told: `KEYS`, `item`, and one of each."""
    keys = [*KEYS, "item"]
    sides = [
        frame[frame["auditor"] == auditor].drop_duplicates(keys).set_index(keys)["answer"].rename(auditor)
        for auditor in auditors
    ]
    pairs = pd.concat(sides, axis=1, join="inner")
    return pairs[(pairs != UNKNOWN).all(axis=1)].reset_index()


def estimate_kappa(
    frame: pd.DataFrame, auditors: tuple[str, str], scoring: ScoringSettings, *names: str | int
) -> Estimate | None:
    """Cohen's kappa of two auditors over the items that both told; None where there is none or it is not defined.

    Args:
        frame: audit of one method.
        auditors: whose answers are compared.
        scoring: bootstrap settings; images are resampled, each with all its items.
        names: seed the resamples.
    """
    pairs = answer_pairs(frame, auditors)
    if pairs.empty:
        return None
    # cells of the table of answers: yes-yes, yes-no, no-yes, no-no
    cells = np.eye(4)[2 * (pairs[auditors[0]] == NO) + (pairs[auditors[1]] == NO)]
    images = pd.concat([pairs[KEYS], pd.DataFrame(cells)], axis=1).groupby(KEYS, sort=False).sum().reset_index("seed")
    seeds = [group.drop(columns="seed").to_numpy() for _, group in images.groupby("seed")]

    def statistic(group: int, counts: np.ndarray, numbers: np.ndarray) -> np.ndarray:
        return cohen_kappa((counts @ seeds[group]).reshape(-1, 2, 2))[:, None]

    sizes = [len(group) for group in seeds]
    if not np.isfinite(point_estimates(sizes, statistic)).all():
        return None
    return estimate(sizes, statistic, scoring.bootstrap, scoring.confidence, "kappa", *auditors, *names)[0]


def estimate_ranks(
    images: pd.DataFrame, judged: str, others: list[str], scoring: ScoringSettings, *names: str | int
) -> dict[str, list[Estimate]]:
    """Rank correlations `RANKS` of the methods' means of one column with those of others, over the same images.

    All columns are averaged over the same resampled images, so that the interval holds what they share.

    Args:
        images: one row per image, with `method`, `seed` and finite numbers in the columns.
        judged: a column.
        others: columns that it is compared with.
        scoring: bootstrap settings.
        names: seed the resamples.

    Returns:
        Two estimates for every other column; a column in which all methods are equal is left out, so are all of them
        where there is only one method.
    """
    columns, resamples, values = [judged, *others], [], []
    for method, rows in images.groupby("method", sort=False):
        seeds = [group[columns].to_numpy(float) for _, group in rows.groupby("seed")]
        sizes, statistic = [len(group) for group in seeds], mean_statistic(seeds)
        values.append(point_estimates(sizes, statistic))
        rng = numpy_generator("bootstrap", "ranks", method, *names)
        resamples.append(nested_bootstrap(sizes, statistic, scoring.bootstrap, rng))
    if len(values) < 2:
        return {}
    whole, spread = np.stack(values)[None], np.stack(resamples, axis=1)
    seeds = int(images.groupby("method")["seed"].nunique().max())
    found = {}
    for number, column in enumerate(others, start=1):
        point = rank_correlations(whole[:, :, 0], whole[:, :, number])[0]
        resampled = rank_correlations(spread[:, :, 0], spread[:, :, number])
        if np.isfinite(point).all():
            bounds = [interval(each, scoring.confidence) for each in resampled.T]
            found[column] = [
                Estimate(float(one), *pair, len(images), seeds) for one, pair in zip(point, bounds, strict=True)
            ]
    return found
