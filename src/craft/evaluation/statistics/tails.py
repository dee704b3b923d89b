"""The low-alignment tail: how many images of a method fall below a threshold that real images set.

The threshold tau is the 10th percentile of the CAS of real *test* images with their own labels, one per modality and
evaluator. The tail rate of a method is the share of its images with CAS < tau. Labels weigh alike in both. The interval
of a rate also resamples the real images, since tau is an estimate too.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Self

import numpy as np

from craft.evaluation.statistics.intervals import Estimate, Sampled, estimate, sample
from craft.evaluation.statistics.resampling import label_weights


def tail_threshold(reference: np.ndarray, quantile: float, labels: np.ndarray | None) -> float:
    """The score below which an image counts as low: the least score up to which there is a share of `quantile`.

    Args:
        reference: scores of real test images with their own labels, shape (m,).
        quantile: which quantile of `reference` is the threshold.
        labels: of the images, which weigh alike; None where every image shall.

    Raises:
        ValueError: if `reference` is empty or holds a non-finite value.
    """
    reference = require_scores(reference)
    weights = np.ones(len(reference)) if labels is None else label_weights(labels)
    return float(counted_quantiles(reference, weights[None], [quantile])[0, 0])


def require_scores(scores: np.ndarray) -> np.ndarray:
    """The scores as a float array; a ValueError if there is none or one is not finite."""
    scores = np.asarray(scores, dtype=float)
    if scores.size == 0 or not np.isfinite(scores).all():
        raise ValueError("a tail needs at least one score and only finite ones")
    return scores


def counted_quantiles(scores: np.ndarray, counts: np.ndarray, quantiles: Sequence[float]) -> np.ndarray:
    """Quantiles of every resample of scores, by the inverse of its distribution function.

    Args:
        scores: shape (m,).
        counts: how much each score counts, shape (k, m).
        quantiles: which.

    Returns:
        Shape (k, quantiles).
    """
    order = np.argsort(scores, kind="stable")
    reached = np.cumsum(counts[:, order], axis=1)
    # a share that is reached in exact arithmetic is reached
    least = reached[:, -1:] * (1 - 1e-12)
    places = [np.argmax(reached >= quantile * least, axis=1) for quantile in quantiles]
    return scores[order][np.stack(places, axis=1)]


def resample_thresholds(
    reference: np.ndarray, labels: np.ndarray, quantiles: Sequence[float], resamples: int, *names: str | int
) -> Sampled:
    """Thresholds of real images at several quantiles, as they are and resampled; `names` seed the resamples.

    Args:
        reference: scores of real test images, shape (m,).
        labels: of the images, shape (m,).
        quantiles: which quantiles are the thresholds.
        resamples: how many.
        names: of what is resampled.
    """
    reference = require_scores(reference)
    return sample(
        [labels],
        lambda group, counts, numbers: counted_quantiles(reference, counts, quantiles),
        resamples,
        "tail reference",
        *names,
    )


def by_number(thresholds: Sampled) -> np.ndarray:
    """Thresholds by the number of a resample, shape (resamples + 2, quantiles); the last two are `NATURAL`, `AS_IS`."""
    return np.concatenate([thresholds.resamples[0], thresholds.natural[None], thresholds.value[None]])


def weigh_below(scores: np.ndarray, counts: np.ndarray, limits: np.ndarray) -> np.ndarray:
    """Share of every resample below a limit of its own.

    Args:
        scores: of the images, shape (n,).
        counts: how much each image counts, shape (k, n); rows sum to n.
        limits: shape (k,).

    Returns:
        Shape (k,).
    """
    return np.einsum("kn,kn->k", counts, scores < limits[:, None]) / counts.shape[1]


@dataclass(frozen=True)
class RealTail:
    """Real test images of one modality under one evaluator, with their resampled threshold.

    Attributes:
        scores: their CAS, shape (m,).
        labels: theirs, shape (m,).
        quantile: of the scores that is the threshold.
        thresholds: tau, as it is and resampled.
        confidence: share of the bootstrap distribution between low and high.
    """

    scores: np.ndarray
    labels: np.ndarray
    quantile: float
    thresholds: Sampled
    confidence: float

    @classmethod
    def resample(
        cls,
        scores: np.ndarray,
        labels: np.ndarray,
        quantile: float,
        resamples: int,
        confidence: float,
        *names: str | int,
    ) -> Self:
        """Set the threshold and resample it; `names` seed the resamples."""
        thresholds = resample_thresholds(scores, labels, [quantile], resamples, *names)
        return cls(np.asarray(scores, float), np.asarray(labels), quantile, thresholds, confidence)

    @property
    def threshold(self) -> float:
        """tau."""
        return float(self.thresholds.value[0])

    @property
    def resamples(self) -> int:
        """How many there are."""
        return self.thresholds.resamples.shape[1]

    def estimate_threshold(self) -> Estimate:
        """tau with its interval."""
        return self.thresholds.estimates(self.confidence)[0]

    def estimate_rate(self, groups: Sequence[np.ndarray], labels: Sequence[np.ndarray], *names: str | int) -> Estimate:
        """Tail rate of a method.

        Args:
            groups: CAS of its images, one array of shape (n,) per seed.
            labels: of the images, likewise.
            names: seed the resamples.
        """
        groups, limits = [require_scores(group) for group in groups], by_number(self.thresholds)[:, 0]

        def rate(group: int, counts: np.ndarray, numbers: np.ndarray) -> np.ndarray:
            return weigh_below(groups[group], counts, limits[numbers])[:, None]

        return estimate(labels, rate, self.resamples, self.confidence, *names, share=True)[0]

    def estimate_own_rate(self, chosen: np.ndarray, *names: str | int) -> Estimate:
        """Tail rate of the real images in the boolean mask `chosen`, threshold and rate from the same resamples."""

        def rate(group: int, counts: np.ndarray, numbers: np.ndarray) -> np.ndarray:
            limits = counted_quantiles(self.scores, counts, [self.quantile])
            below = (self.scores < limits) & chosen
            return ((counts * below).sum(axis=1) / (counts * chosen).sum(axis=1))[:, None]

        drawn = sample([self.labels], rate, self.resamples, "own tail", *names)
        return replace(drawn, n=int(chosen.sum())).estimates(self.confidence, share=True)[0]
