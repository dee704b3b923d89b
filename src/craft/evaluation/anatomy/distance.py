"""How far the values of a measure lie from those of real images: the Wasserstein distance in one dimension, resampled.

Labels are weighed alike on either side, whatever their numbers of images. Values are in standard deviations of the real
images. An image whose measure cannot be taken stands at a place of its own, `UNMEASURED` from all values.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from craft.core.seeds import numpy_generator
from craft.evaluation.settings import ScoringSettings
from craft.evaluation.statistics.intervals import Estimate, Statistic, sample
from craft.evaluation.statistics.resampling import label_weights, resample_counts

UNMEASURED = 3.0  # as far as the values of nearly all real images lie from their mean


@dataclass(frozen=True)
class Measured:
    """Measured images.

    Attributes:
        values: shape (n, measures), NaN where a measure could not be taken.
        labels: shape (n,).
    """

    values: np.ndarray
    labels: np.ndarray


def spreads(real: Measured) -> np.ndarray:
    """Standard deviation of every measure of real images, labels weighed alike; 0 where they all have one value."""
    weights = label_weights(real.labels)
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


def distance_statistic(seeds: Sequence[Measured], real: Measured, counts: np.ndarray) -> Statistic:
    """Distances of every measure and their mean, for `craft.evaluation.statistics.intervals`.

    Args:
        seeds: images of every seed, in standard deviations of the real ones.
        real: real images, likewise.
        counts: how much the real images weigh in every resample, by its number, shape (resamples + 2, m).
    """

    def statistic(group: int, drawn: np.ndarray, numbers: np.ndarray) -> np.ndarray:
        weights, others = (each / each.sum(axis=1, keepdims=True) for each in (drawn, counts[numbers]))
        pairs = zip(seeds[group].values.T, real.values.T, strict=True)
        found = np.stack([weighted_distances(*pair, weights, others) for pair in pairs], axis=1)
        return np.column_stack([found, found.mean(axis=1)])

    return statistic


def estimate_distances(
    seeds: Sequence[Measured], real: Measured, scoring: ScoringSettings, *names: str | int
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
    rng = numpy_generator("bootstrap", "anatomy", "real", *names)
    drawn = resample_counts(real.labels, scoring.bootstrap, rng)
    counts = np.concatenate([drawn, np.ones((1, len(real.labels))), label_weights(real.labels)[None]])
    labels = [each.labels for each in seeds]
    found = sample(labels, distance_statistic(seeds, real, counts), scoring.bootstrap, "anatomy", *names)
    noise = np.maximum(found.resamples.mean(axis=1) - found.values, 0.0)
    return replace(found, resamples=np.maximum(found.resamples - noise[:, None], 0.0)).estimates(scoring.confidence)
