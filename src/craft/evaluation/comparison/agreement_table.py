"""Rank agreement between evaluators: do they order methods, and images, alike?"""

from dataclasses import replace
from itertools import combinations

import numpy as np
import pandas as pd
from scipy.stats import rankdata

from craft.evaluation.comparison.columns import AGAINST_COLUMNS
from craft.evaluation.comparison.pairs import Paired, pair_scores
from craft.evaluation.results import Results
from craft.evaluation.scoring.results import SCORES, scores_source
from craft.evaluation.settings import Run
from craft.evaluation.statistics.intervals import Estimate, sample
from craft.evaluation.statistics.ranks import kendall
from craft.evaluation.tables import ALL, Table, table_row


def agreement_table(pairs: dict[str, Paired], run: Run) -> pd.DataFrame:
    """How alike two evaluators rank: Kendall's tau over methods, Spearman's correlation over generated images.

    A row compares `evaluator` with `against`; the classifier of phantoms counts as one. `kendall_tau` ranks the
    generating methods by mean CAS, its `n` is their number, and it needs two of them. `spearman` ranks the images of
    all methods of a seed together, so that differences between methods enter it; `spearman_within` ranks every
    method's images among themselves. Both are averaged over seeds. Resamples draw pairs, and images that have none;
    ranks of images are kept over resamples.

    Args:
        pairs: of `craft.evaluation.comparison.pairs.pair_scores`.
        run: bootstrap settings.

    Returns:
        A frame with the columns `AGAINST_COLUMNS`.
    """
    rows = []
    for paired in pairs.values():
        couples = list(combinations(paired.roles, 2))
        sources = "; ".join(scores_source(paired.dataset, method) for method in paired.methods)
        numbers = kendall_estimates(paired, couples) if len(paired.methods) > 1 else {}
        for metric in ("spearman", "spearman_within"):
            numbers |= spearman_estimates(paired, couples, metric, run.scoring.bootstrap)
        for (metric, first, second), number in numbers.items():
            row = table_row(
                number,
                dataset=paired.dataset,
                label=ALL,
                method=ALL,
                evaluator=first,
                role=paired.roles[first],
                metric=metric,
                source=sources,
            )
            rows.append(row | {"against": second})
    return pd.DataFrame(rows, columns=list(AGAINST_COLUMNS))


def kendall_estimates(paired: Paired, couples: list[tuple[str, str]]) -> dict[tuple[str, str, str], Estimate]:
    """Kendall's tau over methods of every couple of evaluators, by ("kendall_tau", first, second)."""

    def tau(*means: np.ndarray) -> np.ndarray:
        first, second = np.stack(means, axis=1).reshape(-1, 2, len(paired.methods)).transpose(1, 0, 2)
        return kendall(first, second)

    found = {}
    for couple in couples:
        keys = [("cas", name, method) for name in couple for method in paired.methods]
        number = paired.estimate(paired.combine(tau, *keys))
        found["kendall_tau", *couple] = replace(number, n=len(paired.methods))
    return found


def spearman_estimates(
    paired: Paired, couples: list[tuple[str, str]], metric: str, resamples: int
) -> dict[tuple[str, str, str], Estimate]:
    """Spearman's correlation over images of every couple of evaluators, by (metric, first, second)."""
    evaluators, within = list(paired.roles), metric == "spearman_within"
    numbered = [tuple(evaluators.index(name) for name in couple) for couple in couples]
    seeds = zip(*([rows for _, rows in part.images.groupby("seed")] for part in paired.parts), strict=True)
    moments = [rank_moments(list(tables), evaluators, couples, within) for tables in seeds]

    def correlations(group: int, counts: np.ndarray, numbers: np.ndarray) -> np.ndarray:
        products, squares = (counts @ part for part in moments[group])
        scale = np.sqrt(np.stack([squares[:, one] * squares[:, two] for one, two in numbered], axis=1))
        return np.divide(products, scale, out=np.full(products.shape, np.nan), where=scale > 0)

    alike = [np.zeros(len(products), int) for products, _ in moments]
    numbers = sample(alike, correlations, resamples, metric, paired.dataset).estimates(paired.confidence)
    images = sum(len(part.images) * len(part.methods) for part in paired.parts)
    return {(metric, *couple): replace(number, n=images) for couple, number in zip(couples, numbers, strict=True)}


def rank_moments(
    tables: list[pd.DataFrame], evaluators: list[str], couples: list[tuple[str, str]], within: bool
) -> tuple[np.ndarray, np.ndarray]:
    """What correlations of ranks need of every image number of every table, summed over its methods.

    Args:
        tables: images of one seed, as in `DrawnTogether.images`; n rows in all.
        evaluators: names.
        couples: of these names.
        within: whether every method's images are ranked among themselves.

    Returns:
        Products of centred ranks, shape (n, couples), and their squares, shape (n, evaluators).
    """
    ranks = {name: centred_ranks([rows["cas"][name].to_numpy() for rows in tables], within) for name in evaluators}

    def over_methods(first: str, second: str) -> np.ndarray:
        products = zip(ranks[first], ranks[second], strict=True)
        return np.concatenate([(one * two).sum(axis=1) for one, two in products])

    products = np.stack([over_methods(*couple) for couple in couples], axis=1)
    return products, np.stack([over_methods(name, name) for name in evaluators], axis=1)


def centred_ranks(scores: list[np.ndarray], within: bool) -> list[np.ndarray]:
    """Ranks less their mean of scores (images, methods): of every method, or of all methods of all tables together.

    Those of every method are shares of its images, so that every image weighs the same.
    """
    if within:
        return [(ranked - ranked.mean(axis=0)) / len(ranked) for ranked in (rankdata(each, axis=0) for each in scores)]
    ranked = rankdata(np.concatenate([each.ravel() for each in scores]))
    parts = np.split(ranked - ranked.mean(), np.cumsum([each.size for each in scores])[:-1])
    return [part.reshape(each.shape) for part, each in zip(parts, scores, strict=True)]


def make(results: Results) -> pd.DataFrame:
    """The table of a run."""
    return agreement_table(pair_scores(results), results.run)


TABLE = Table(make, "how alike evaluators rank methods and images", (SCORES,), AGAINST_COLUMNS)
