"""Study `judges`: is an evaluator a judge of these labels at all, and are its dimensions more than one?

An evaluator's label accuracy on real test images stands beside chance and beside always saying the largest class. The
correlations of its dimensions, labels weighed alike, say how many questions CAS asks in truth.
"""

from collections.abc import Iterator
from itertools import combinations

import numpy as np

from craft.core.settings import REAL
from craft.evaluation.settings import ScoringSettings
from craft.evaluation.statistics.intervals import NATURAL, Estimate, bootstrap_means, estimate
from craft.evaluation.statistics.ranks import mid_ranks
from craft.evaluation.statistics.resampling import label_weights
from craft.evaluation.validity.rows import validity_row
from craft.reward.dimensions import DIMENSIONS

# the dimension whose largest value over the labels is an evaluator's guess
GUESSES = "alignment"


def rate_labels(
    dimensions: np.ndarray, labels: np.ndarray, scoring: ScoringSettings, dataset: str, **shared
) -> Iterator[dict]:
    """Rows of label accuracy, as it is and with labels weighed alike, and of what it must be better than.

    Chance and the largest class are no estimates: their intervals have no width.

    Args:
        dimensions: of real test images with every label, own label first (`score_every_label`), (n, labels, d).
        labels: numbers of their own labels, shape (n,).
        scoring: bootstrap settings.
        dataset: seeds the resamples.
        shared: evaluator, role and source of the rows.
    """
    guesses = dimensions[:, :, list(DIMENSIONS).index(GUESSES)]
    right = (guesses.argmax(1) == 0).astype(float)
    count, sizes = dimensions.shape[1], np.bincount(labels, minlength=dimensions.shape[1])
    known, names = {"chance": 1 / count, "majority": sizes.max() / sizes.sum()}, ("judges", dataset)
    rows = {
        metric: bootstrap_means(
            [right[:, None]], scoring.bootstrap, scoring.confidence, *names, labels=weighed, share=True
        )[0]
        for metric, weighed in (("accuracy", None), ("balanced_accuracy", [labels]))
    }
    rows |= {name: Estimate(float(value), float(value), float(value), len(labels), 1) for name, value in known.items()}
    for metric, number in rows.items():
        yield validity_row(number, study="judges", method=REAL, metric=metric, **shared)


def correlate_dimensions(
    dimensions: np.ndarray, labels: np.ndarray, scoring: ScoringSettings, dataset: str, **shared
) -> Iterator[dict]:
    """Rows of Spearman's correlation of every two dimensions over real test images with every label.

    A dimension that says the same of every pair correlates with nothing and has no row.

    Ranks are those of all pairs of image and label; a resample draws images with all their labels.

    Args:
        dimensions: of `score_every_label`, shape (n, labels, d).
        labels: numbers of the images' own labels, which weigh alike, shape (n,).
        scoring: bootstrap settings.
        dataset: seeds the resamples.
        shared: evaluator, role and source of the rows.
    """
    n, count, width = dimensions.shape
    columns, pairs = dimensions.reshape(-1, width), list(combinations(range(width), 2))

    def ranked(weights: np.ndarray) -> np.ndarray:
        drawn = np.repeat(weights, count)[None]
        return np.stack([mid_ranks(column, drawn)[0] for column in columns.T], axis=1).reshape(n, count, width)

    alike, natural = ranked(label_weights(labels)), ranked(np.ones(n))

    def statistic(group: int, counts: np.ndarray, numbers: np.ndarray) -> np.ndarray:
        ranks, total = natural if numbers[0] == NATURAL else alike, counts.sum(1, keepdims=True) * count
        mean = np.einsum("kn,nld->kd", counts, ranks) / total

        def covariance(first: int, second: int) -> np.ndarray:
            products = (ranks[:, :, first] * ranks[:, :, second]).sum(1)
            return counts @ products / total[:, 0] - mean[:, first] * mean[:, second]

        def correlation(first: int, second: int) -> np.ndarray:
            spread = np.sqrt(covariance(first, first) * covariance(second, second))
            return np.divide(covariance(first, second), spread, out=np.full(len(spread), np.nan), where=spread > 1e-9)

        return np.stack([correlation(*pair) for pair in pairs], axis=1)

    names = list(DIMENSIONS)
    numbers = estimate([labels], statistic, scoring.bootstrap, scoring.confidence, "pairs", dataset)
    for (a, b), number in zip(pairs, numbers, strict=True):
        if not np.isfinite(number.value):
            continue
        place = {"dimension": names[a], "condition": names[b], "metric": "spearman"}
        yield validity_row(number, study="dimensions", method=REAL, **place, **shared)
