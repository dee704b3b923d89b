"""How far the values of a measure lie from those of real images: the Wasserstein distance in one dimension, resampled.

Labels are weighed alike on either side, whatever their numbers of images. Values are in standard deviations of the real
images. An image whose measure cannot be taken stands at a place of its own, `UNMEASURED` from all values.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from craft.core.seeds import numpy_generator
from craft.evaluation.settings import ScoringSettings
from craft.evaluation.statistics.intervals import (
    Estimate,
    Statistic,
    interval,
    nested_bootstrap,
    point_estimates,
    resample_counts,
)

UNMEASURED = 3.0  # as far as the values of nearly all real images lie from their mean


@dataclass(frozen=True)
class Sample:
    """Measured images.

    Attributes:
        values: shape (n, measures), NaN where a measure could not be taken.
        labels: shape (n,).
    """

    values: np.ndarray
    labels: np.ndarray

    def weights(self, counts: np.ndarray) -> np.ndarray:
        """Weights of the images that sum to 1, every label's to the same, for counts of shape (k, n).

        A label of which a resample holds no image weighs nothing.
        """
        members = (self.labels[:, None] == np.unique(self.labels)).astype(float)
        totals = counts @ members
        share = np.divide(1.0, totals, out=np.zeros_like(totals), where=totals > 0)
        weights = counts * (share @ members.T)
        return weights / weights.sum(axis=1, keepdims=True)


def spreads(real: Sample) -> np.ndarray:
    """Standard deviation of every measure of real images, labels weighed alike; 0 where they all have one value."""
    weights = real.weights(np.ones((1, len(real.values))))[0]
    found = []
    for column in real.values.T:
        known = np.isfinite(column)
        if not known.any():
            found.append(0.0)
            continue
        own = weights[known] / weights[known].sum()
        found.append(np.sqrt(own @ np.square(column[known] - own @ column[known])))
    return np.array(found)


def weighted_distances(values: np.ndarray, other: np.ndarray, weights: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Wasserstein distances of weighted samples of one measure.

    The larger share of unmeasured images moves as far as `UNMEASURED` to meet the smaller one; what is measured on both
    sides moves as far as the distance of the measured values.

    Args:
        values: shape (n,), NaN where not measured.
        other: shape (m,), likewise.
        weights: shape (k, n), rows sum to 1.
        others: shape (k, m), rows sum to 1.

    Returns:
        Shape (k,), in the unit of the values.
    """
    sides = []
    for column, weight in ((values, weights), (other, others)):
        known = np.isfinite(column)
        sides.append((column[known], weight[:, known], weight[:, known].sum(axis=1)))
    (first, first_weights, first_share), (second, second_weights, second_share) = sides
    shared = np.minimum(first_share, second_share)
    beyond = UNMEASURED * np.abs(first_share - second_share)
    if not len(first) or not len(second):
        return beyond
    places = np.concatenate([first, second])
    order = np.argsort(places, kind="stable")
    masses = [
        weight / np.where(share > 0, share, 1.0)[:, None]
        for weight, share in ((first_weights, first_share), (second_weights, second_share))
    ]
    ahead = np.cumsum(np.concatenate([masses[0], -masses[1]], axis=1)[:, order], axis=1)[:, :-1]
    return shared * (np.abs(ahead) @ np.diff(places[order])) + beyond


def distance_statistic(seeds: Sequence[Sample], real: Sample, counts: np.ndarray) -> Statistic:
    """Distances of every measure and their mean, for `craft.evaluation.statistics.intervals`.

    Args:
        seeds: images of every seed, in standard deviations of the real ones.
        real: real images, likewise.
        counts: of the real images in every resample, shape (resamples, m).
    """

    def statistic(group: int, drawn: np.ndarray, numbers: np.ndarray) -> np.ndarray:
        sample = seeds[group]
        weights, others = sample.weights(drawn), real.weights(counts[numbers])
        pairs = zip(sample.values.T, real.values.T, strict=True)
        found = np.stack([weighted_distances(*pair, weights, others) for pair in pairs], axis=1)
        return np.column_stack([found, found.mean(axis=1)])

    return statistic


def estimate_distances(
    seeds: Sequence[Sample], real: Sample, scoring: ScoringSettings, *names: str | int
) -> list[Estimate]:
    """Distance of every measure from real images, and the mean of all last; real images are resampled as well.

    Resampling adds noise, and noise only adds to a distance: what it adds on average is taken off the resamples, so
    that the interval lies about the value.

    Args:
        seeds: images of every seed, in standard deviations of the real ones.
        real: real images, likewise.
        scoring: bootstrap settings.
        names: what is estimated; they seed the resamples.
    """
    sizes, size = [len(sample.values) for sample in seeds], len(real.values)
    values = point_estimates(sizes, distance_statistic(seeds, real, np.ones((1, size))))
    counts = resample_counts(size, scoring.bootstrap, numpy_generator("bootstrap", "anatomy", "real", *names))
    rng = numpy_generator("bootstrap", "anatomy", *names)
    spread = nested_bootstrap(sizes, distance_statistic(seeds, real, counts), scoring.bootstrap, rng)
    spread = np.maximum(spread - np.maximum(spread.mean(axis=0) - values, 0.0), 0.0)
    bounds = [interval(column, scoring.confidence) for column in spread.T]
    return [Estimate(float(value), *pair, sum(sizes), len(sizes)) for value, pair in zip(values, bounds, strict=True)]
