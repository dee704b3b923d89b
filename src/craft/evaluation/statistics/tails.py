"""The low-alignment tail: how many images of a method fall below a threshold that real images set.

The threshold tau is the 10th percentile of the CAS of real *test* images with their own labels, one per modality and
evaluator. The tail rate of a method is the share of its images with CAS < tau. Its interval also resamples the real
images, since tau is an estimate too.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from craft.core.seeds import numpy_generator
from craft.evaluation.statistics.intervals import BLOCK, Estimate, interval, nested_bootstrap, resample_counts


def tail_threshold(reference: np.ndarray, quantile: float = 0.10) -> float:
    """The CAS below which an image counts as low alignment.

    Args:
        reference: CAS of real test images with their own labels, shape (m,), in [0, 1].
        quantile: which quantile of `reference` is the threshold (linear interpolation between order statistics).

    Raises:
        ValueError: if `reference` is empty or holds a non-finite value.
    """
    return float(np.quantile(require_scores(reference, "reference"), quantile))


def tail_rate(scores: np.ndarray, reference: np.ndarray, quantile: float = 0.10) -> float:
    """Share of generated images below the low-alignment threshold of real images.

    Args:
        scores: CAS of generated images, shape (n,), in [0, 1].
        reference: CAS of real test images with their own labels, shape (m,), in [0, 1].
        quantile: which quantile of `reference` is the threshold.

    Returns:
        A share in [0, 1].

    Raises:
        ValueError: if either is empty or holds a non-finite value.
    """
    return float(np.mean(require_scores(scores, "scores") < tail_threshold(reference, quantile)))


def require_scores(scores: np.ndarray, name: str) -> np.ndarray:
    """The scores as a float array; a ValueError if there is none or one is not finite."""
    scores = np.asarray(scores, dtype=float)
    if scores.size == 0 or not np.isfinite(scores).all():
        raise ValueError(f"`{name}` must hold at least one score and only finite ones")
    return scores


def resample_thresholds(reference: np.ndarray, quantiles: list[float], resamples: int, *names: str | int) -> np.ndarray:
    """Thresholds of resampled real images, shape (resamples, quantiles); `names` seed them.

    Args:
        reference: CAS of real test images, shape (m,).
        quantiles: which quantiles are the thresholds.
        resamples: how many.
        names: of what is resampled.
    """
    ranked, rng = np.sort(require_scores(reference, "reference")), numpy_generator("tail reference", *names)
    step = max(1, BLOCK // len(ranked))
    sizes = [min(step, resamples - start) for start in range(0, resamples, step)]
    return np.concatenate(
        [counted_quantiles(ranked, resample_counts(len(ranked), size, rng), quantiles) for size in sizes]
    )


def counted_quantiles(scores: np.ndarray, counts: np.ndarray, quantiles: list[float]) -> np.ndarray:
    """Quantiles of every resample of scores.

    Args:
        scores: shape (m,).
        counts: how often each score counts, shape (k, m); rows sum to m.
        quantiles: which (linear interpolation between order statistics).

    Returns:
        Shape (k, quantiles).
    """
    order = np.argsort(scores)
    drawn = np.repeat(np.tile(scores[order], len(counts)), counts[:, order].ravel()).reshape(counts.shape)
    return np.quantile(drawn, quantiles, axis=1).T


def weigh_below(scores: np.ndarray, counts: np.ndarray, limits: np.ndarray) -> np.ndarray:
    """Share of every resample below a limit of its own.

    Args:
        scores: of the images, shape (n,).
        counts: how often each image counts, shape (k, n).
        limits: shape (k,).

    Returns:
        Shape (k,).
    """
    return np.einsum("kn,kn->k", counts, scores < limits[:, None]) / counts.shape[1]


@dataclass(frozen=True)
class RealTail:
    """Real test images of one modality under one evaluator, with the bootstrap of their threshold.

    Attributes:
        scores: their CAS, shape (m,).
        threshold: tau.
        counts: resamples of the real images, shape (resamples, m).
        thresholds: tau of every resample, shape (resamples,).
        confidence: share of the bootstrap distribution between low and high.
    """

    scores: np.ndarray
    threshold: float
    counts: np.ndarray
    thresholds: np.ndarray
    confidence: float

    @classmethod
    def resample(
        cls, scores: np.ndarray, quantile: float, resamples: int, confidence: float, *names: str | int
    ) -> "RealTail":
        """Set the threshold and resample it; `names` seed the resamples."""
        scores = require_scores(scores, "reference")
        counts = resample_counts(len(scores), resamples, numpy_generator("tail reference", *names))
        thresholds = counted_quantiles(scores, counts, [quantile])[:, 0]
        return cls(scores, tail_threshold(scores, quantile), counts, thresholds, confidence)

    def estimate_threshold(self) -> Estimate:
        """tau with its interval."""
        return Estimate(self.threshold, *interval(self.thresholds, self.confidence), len(self.scores), 1)

    def estimate_rate(self, groups: Sequence[np.ndarray], *names: str | int) -> Estimate:
        """Tail rate of a method; `groups` holds the CAS of its images, one array of shape (n,) per seed."""
        groups = [require_scores(group, "scores") for group in groups]
        sizes = [len(group) for group in groups]

        def rate(group: int, counts: np.ndarray, numbers: np.ndarray) -> np.ndarray:
            return weigh_below(groups[group], counts, self.thresholds[numbers])[:, None]

        rng = numpy_generator("bootstrap", *names)
        low, high = interval(nested_bootstrap(sizes, rate, len(self.thresholds), rng), self.confidence)
        value = float(np.mean([share_below(group, self.threshold) for group in groups]))
        return Estimate(value, low, high, sum(sizes), len(sizes))

    def estimate_own_rate(self, chosen: np.ndarray) -> Estimate:
        """Tail rate of the real images in the boolean mask `chosen`, threshold and rate from the same resamples."""
        below = (self.scores < self.thresholds[:, None]) & chosen
        drawn = (self.counts * chosen).sum(axis=1)
        rates = (self.counts * below).sum(axis=1) / np.where(drawn, drawn, np.nan)
        value = share_below(self.scores[chosen], self.threshold)
        return Estimate(value, *interval(rates, self.confidence), int(chosen.sum()), 1)


def share_below(scores: np.ndarray, threshold: float) -> float:
    """Share of scores below a given threshold."""
    return float(np.mean(scores < threshold))
