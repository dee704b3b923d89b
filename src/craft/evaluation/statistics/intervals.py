"""Bootstrap intervals over images, nested over seeds.

A resample of the nested bootstrap draws the seeds with replacement, then the images within every chosen seed
(Davison & Hinkley 1997, section 3.8). With one seed it is the plain bootstrap. A resample is held as *counts*, how
often each image was drawn, so that every statistic of all resamples is one matrix product or one cumulative sum.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from craft.core.seeds import numpy_generator

# counts of all images of one seed in a block of resamples, so that memory does not grow with their number
BLOCK = 4_000_000

# (index of the seed, counts (k, images of that seed), numbers (k,) of the resamples) -> (k, statistics)
Statistic = Callable[[int, np.ndarray, np.ndarray], np.ndarray]


@dataclass(frozen=True)
class Estimate:
    """A value with its bootstrap interval, the number of images over all seeds and the number of seeds."""

    value: float
    low: float
    high: float
    n: int
    seeds: int


def resample_counts(size: int, resamples: int, rng: np.random.Generator) -> np.ndarray:
    """How often each of `size` images is drawn in every resample, shape (resamples, size); rows sum to `size`."""
    picks = rng.integers(size, size=(resamples, size)) + size * np.arange(resamples)[:, None]
    return np.bincount(picks.ravel(), minlength=resamples * size).reshape(resamples, size)


def nested_bootstrap(
    sizes: Sequence[int], statistic: Statistic, resamples: int, rng: np.random.Generator
) -> np.ndarray:
    """Bootstrap distribution of the mean over seeds of a statistic of each seed's images.

    Args:
        sizes: number of images of each seed.
        statistic: statistics of resampled images of one seed; NaN where a resample does not define one.
        resamples: how many.
        rng: random generator.

    Returns:
        Array of shape (resamples, statistics).
    """
    chosen = rng.integers(len(sizes), size=(resamples, len(sizes)))
    total = None
    for group, size in enumerate(sizes):
        picked = np.nonzero(chosen == group)[0]
        step = max(1, BLOCK // size)
        for numbers in (picked[start : start + step] for start in range(0, len(picked), step)):
            values = statistic(group, resample_counts(size, len(numbers), rng), numbers)
            total = np.zeros((resamples, values.shape[1])) if total is None else total
            np.add.at(total, numbers, values)
    return total / len(sizes)


def point_estimates(sizes: Sequence[int], statistic: Statistic) -> np.ndarray:
    """Mean over seeds of a statistic of all images, each counted once; shape (statistics,)."""
    whole = [statistic(group, np.ones((1, size), int), np.zeros(1, int))[0] for group, size in enumerate(sizes)]
    return np.mean(whole, axis=0)


def interval(distribution: np.ndarray, confidence: float) -> tuple[float, float]:
    """Percentile interval of a bootstrap distribution; undefined (NaN) resamples are left out."""
    tail = (1 - confidence) / 2
    low, high = np.nanquantile(distribution, [tail, 1 - tail])
    return float(low), float(high)


def mean_statistic(groups: Sequence[np.ndarray]) -> Statistic:
    """Column means of `groups`, one array of shape (images, columns) per seed."""
    return lambda group, counts, numbers: counts @ groups[group] / len(groups[group])


def estimate(
    sizes: Sequence[int], statistic: Statistic, resamples: int, confidence: float, *names: str | int
) -> list[Estimate]:
    """One `Estimate` for every column of a statistic; `names` seed the resamples.

    Raises:
        ValueError: if there is no seed or a seed has no image.
    """
    if not sizes or min(sizes) < 1:
        raise ValueError(f"every seed needs at least one image, found {list(sizes)}")
    values = point_estimates(sizes, statistic)
    distribution = nested_bootstrap(sizes, statistic, resamples, numpy_generator("bootstrap", *names))
    bounds = [interval(distribution[:, column], confidence) for column in range(len(values))]
    return [
        Estimate(float(value), low, high, sum(sizes), len(sizes))
        for value, (low, high) in zip(values, bounds, strict=True)
    ]


def bootstrap_means(
    groups: Sequence[np.ndarray], resamples: int, confidence: float, *names: str | int
) -> list[Estimate]:
    """Means of every column with nested bootstrap intervals.

    Args:
        groups: one array of shape (images, columns) per seed; the mean is the mean of the seeds' means.
        resamples: how many.
        confidence: share of the distribution between low and high, for example 0.95.
        names: what is estimated; the same names give the same resamples.

    Raises:
        ValueError: if there is no seed, a seed has no image, or a value is not finite.
    """
    if not all(np.isfinite(group).all() for group in groups):
        raise ValueError("the values to average must be finite")
    return estimate([len(group) for group in groups], mean_statistic(groups), resamples, confidence, *names)
