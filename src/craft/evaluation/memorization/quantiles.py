"""Low quantiles of distances, with intervals that say where images are too few to bound them."""

from collections.abc import Sequence

import numpy as np
from scipy.stats import binom

from craft.evaluation.statistics.intervals import Estimate, sample
from craft.evaluation.statistics.resampling import label_weights
from craft.evaluation.statistics.tails import counted_quantiles


def estimate_quantile(
    distances: Sequence[np.ndarray],
    labels: Sequence[np.ndarray],
    quantile: float,
    resamples: int,
    confidence: float,
    *names: str | int,
) -> Estimate:
    """A quantile of distances with its interval: of order statistics with one seed, Student's t with several.

    Args:
        distances: one array of shape (n,) per seed, at least 0.
        labels: of the images, which weigh alike, likewise.
        quantile: which.
        resamples: how many.
        confidence: share of the distribution between low and high.
        names: seed the resamples.
    """

    def statistic(group: int, counts: np.ndarray, numbers: np.ndarray) -> np.ndarray:
        return counted_quantiles(distances[group], counts, [quantile])

    drawn = sample(labels, statistic, resamples, *names)
    (number,) = drawn.estimates(confidence)
    bounds = (number.low, number.high)
    if drawn.seeds == 1:
        bounds = bound_quantile(distances[0], labels[0], quantile, confidence)
    return Estimate(number.value, max(0.0, bounds[0]), bounds[1], number.n, number.seeds, number.natural)


def bound_quantile(
    distances: np.ndarray, labels: np.ndarray, quantile: float, confidence: float
) -> tuple[float, float]:
    """Order statistics between which a quantile lies, whatever the distribution (Conover 1999, section 3.2).

    How many of n images lie below it is binomial. Where that may well be none, no image bounds it from below, and zero
    does: resamples of a low quantile of few images would not show it.

    Args:
        distances: shape (n,), at least 0.
        labels: of the images, which weigh alike.
        quantile: which.
        confidence: chance that it lies between them, at least.
    """
    weights, tail = label_weights(labels), (1 - confidence) / 2
    # of unequal weights fewer images are behind a share
    n = round(weights.sum() ** 2 / (weights**2).sum())
    first, last = binom.ppf(tail, n, quantile), binom.ppf(1 - tail, n, quantile) + 1
    low, high = counted_quantiles(distances, weights[None], [first / n, min(1.0, last / n)])[0]
    return float(low if first else 0.0), float(high)
