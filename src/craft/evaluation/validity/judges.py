"""Study `judges`: is an evaluator a judge of these labels at all, and are its dimensions more than one?

An evaluator's label accuracy on real test images stands beside chance and beside always saying the largest class. The
correlations of its dimensions say how many questions CAS asks in truth.
"""

from collections.abc import Iterator
from itertools import combinations

import numpy as np

from craft.core.settings import REAL
from craft.evaluation.settings import ScoringSettings
from craft.evaluation.statistics.intervals import Estimate, bootstrap_means, estimate
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
    weights = 1 / (np.count_nonzero(sizes) * sizes[labels])
    balanced = right * weights * len(labels)
    numbers = bootstrap_means(
        [np.stack([right, balanced], axis=1)], scoring.bootstrap, scoring.confidence, "judges", dataset
    )
    known = {"chance": 1 / count, "majority": sizes.max() / sizes.sum()}
    rows = dict(zip(("accuracy", "balanced_accuracy"), numbers, strict=True))
    rows |= {name: Estimate(float(value), float(value), float(value), len(labels), 1) for name, value in known.items()}
    for metric, number in rows.items():
        yield validity_row(number, study="judges", method=REAL, metric=metric, **shared)


def correlate_dimensions(dimensions: np.ndarray, scoring: ScoringSettings, dataset: str, **shared) -> Iterator[dict]:
    """Rows of Spearman's correlation of every two dimensions over real test images with every label.

    A dimension that says the same of every pair correlates with nothing and has no row.

    Ranks are those of all pairs of image and label; a resample draws images with all their labels.

    Args:
        dimensions: of `score_every_label`, shape (n, labels, d).
        scoring: bootstrap settings.
        dataset: seeds the resamples.
        shared: evaluator, role and source of the rows.
    """
    from scipy.stats import rankdata

    n, labels, width = dimensions.shape
    ranks = rankdata(dimensions.reshape(-1, width), axis=0).reshape(n, labels, width)
    pairs = list(combinations(range(width), 2))

    def statistic(group: int, counts: np.ndarray, numbers: np.ndarray) -> np.ndarray:
        total = counts.sum(1, keepdims=True) * labels
        mean = np.einsum("kn,nld->kd", counts, ranks) / total
        return np.stack([correlation(counts, a, b, mean, total[:, 0]) for a, b in pairs], axis=1)

    def correlation(counts: np.ndarray, a: int, b: int, mean: np.ndarray, total: np.ndarray) -> np.ndarray:
        def covariance(first: int, second: int) -> np.ndarray:
            products = (ranks[:, :, first] * ranks[:, :, second]).sum(1)
            return counts @ products / total - mean[:, first] * mean[:, second]

        spread = np.sqrt(covariance(a, a) * covariance(b, b))
        return np.divide(covariance(a, b), spread, out=np.full(len(spread), np.nan), where=spread > 1e-9)

    names, numbers = (
        list(DIMENSIONS),
        estimate([np.zeros(n, int)], statistic, scoring.bootstrap, scoring.confidence, "pairs", dataset),
    )
    for (a, b), number in zip(pairs, numbers, strict=True):
        if not np.isfinite(number.value):
            continue
        place = {"dimension": names[a], "condition": names[b], "metric": "spearman"}
        yield validity_row(number, study="dimensions", method=REAL, **place, **shared)
