"""Agreement with intervals: Cohen's kappa of two auditors, rank correlation of two orders of the methods."""

import numpy as np
import pandas as pd

from craft.evaluation.auditing.base import NO, UNKNOWN
from craft.evaluation.settings import ScoringSettings
from craft.evaluation.statistics.intervals import Estimate, join, mean_statistic, sample
from craft.evaluation.statistics.ranks import rank_correlations
from craft.evaluation.tables import labels_by_seed

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
    images = pd.concat([pairs[KEYS], pd.DataFrame(cells)], axis=1).groupby(KEYS, sort=False).sum()
    images = images.reset_index(["seed", "label"])
    seeds = [group.drop(columns=["seed", "label"]).to_numpy() for _, group in images.groupby("seed")]

    def statistic(group: int, counts: np.ndarray, numbers: np.ndarray) -> np.ndarray:
        return cohen_kappa((counts @ seeds[group]).reshape(-1, 2, 2))[:, None]

    found = sample(labels_by_seed(images), statistic, scoring.bootstrap, "kappa", *auditors, *names)
    return found.estimates(scoring.confidence)[0] if np.isfinite(found.value).all() else None


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
    columns, methods = [judged, *others], []
    for method, rows in images.groupby("method", sort=False):
        seeds = [group[columns].to_numpy(float) for _, group in rows.groupby("seed")]
        shown, names_of = labels_by_seed(rows), ("ranks", method, *names)
        methods.append(sample(shown, mean_statistic(seeds), scoring.bootstrap, *names_of))
    if len(methods) < 2:
        return {}
    means, found = join(methods), {}
    for number, column in enumerate(others, start=1):

        def ranks(values: np.ndarray, number: int = number) -> np.ndarray:
            each = values.reshape(len(values), len(methods), len(columns))
            return rank_correlations(each[:, :, 0], each[:, :, number])

        correlations = means.apply(ranks)
        if np.isfinite(correlations.value).all():
            found[column] = correlations.estimates(scoring.confidence)
    return found
