"""The Frechet distance between Gaussians of the same moments as two sets of features, for all resamples at once."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from craft.evaluation.statistics.resampling import label_weights, resample_counts

# elements of the square matrices of a block of resamples, which bounds the memory of wide features
BLOCK = 8_000_000


@dataclass(frozen=True)
class Moments:
    """Mean (..., width) and covariance (..., width, width) of features, for every row of weights."""

    mean: np.ndarray
    covariance: np.ndarray

    @classmethod
    def of(cls, features: np.ndarray, counts: np.ndarray) -> "Moments":
        """Moments of features (n, width) under counts (k, n)."""
        sums = counts.sum(axis=1)[:, None]
        means = counts @ features / sums
        products = np.stack([(features * row[:, None]).T @ features for row in counts])
        centred = products - sums[..., None] * means[:, :, None] * means[:, None, :]
        return cls(means, centred / freedom(counts)[:, None, None])

    @cached_property
    def roots(self) -> np.ndarray:
        """Symmetric square roots of the covariances."""
        values, vectors = np.linalg.eigh(self.covariance)
        return (vectors * np.sqrt(values.clip(min=0))[..., None, :]) @ vectors.swapaxes(-1, -2)


def freedom(counts: np.ndarray) -> np.ndarray:
    """What sums of squares about the mean are divided by under counts (k, n); shape (k,), n - 1 where all are 1.

    A covariance is half of the mean product of differences between two images, and an image does not differ from
    itself. So the pairs of every image with itself are not counted, whatever it weighs.
    """
    sums = counts.sum(axis=1)
    return sums - (counts**2).sum(axis=1) / sums


def frechet_distance(first: Moments, second: Moments) -> np.ndarray:
    """Frechet distance between Gaussians of the same moments, row by row (Dowson & Landau 1982; Heusel et al. 2017).

    |m1 - m2|^2 + tr(C1 + C2 - 2 (C1 C2)^(1/2)); its last root has the trace of the root of C2^(1/2) C1 C2^(1/2).

    Returns:
        Shape (k,), at least 0.
    """
    squares = np.linalg.eigvalsh(second.roots @ first.covariance @ second.roots)
    traces = np.trace(first.covariance + second.covariance, axis1=-2, axis2=-1)
    distance = ((first.mean - second.mean) ** 2).sum(axis=-1) + traces
    return np.maximum(distance - 2 * np.sqrt(squares.clip(min=0)).sum(axis=-1), 0)


def factored_distance(
    first: np.ndarray, first_counts: np.ndarray, second: np.ndarray, second_counts: np.ndarray
) -> np.ndarray:
    """The Frechet distance of features that are wider than images are many, without a matrix of width x width.

    With centred factors C1 = A^T A and C2 = B^T B, tr (C1 C2)^(1/2) is the sum of the singular values of A B^T, a
    matrix of images by images. It is exact, and what a resample does not hold adds no row to it.

    Args:
        first: shape (n, width).
        first_counts: shape (k, n).
        second: shape (m, width).
        second_counts: shape (k, m).

    Returns:
        Shape (k,), at least 0.
    """
    n, m = (counts.sum(axis=1)[:, None] for counts in (first_counts, second_counts))
    free, others_free = freedom(first_counts), freedom(second_counts)
    # about a common centre fewer digits cancel
    centre = np.concatenate([first, second]).mean(axis=0)
    first, second = first - centre, second - centre
    means, others = first_counts @ first / n, second_counts @ second / m
    traces = (first_counts @ (first**2).sum(axis=1) - n[:, 0] * (means**2).sum(axis=1)) / free
    traces += (second_counts @ (second**2).sum(axis=1) - m[:, 0] * (others**2).sum(axis=1)) / others_free
    products, left, right = first @ second.T, first @ others.T, second @ means.T
    roots = []
    for row, (counts, weights) in enumerate(zip(first_counts, second_counts, strict=True)):
        own, held = np.flatnonzero(counts), np.flatnonzero(weights)
        centred = products[np.ix_(own, held)] - left[own, row, None] - right[held, row] + means[row] @ others[row]
        scale = np.sqrt(counts[own, None] * weights[held] / (free[row] * others_free[row]))
        roots.append(np.linalg.svd(centred * scale, compute_uv=False).sum())
    distance = ((means - others) ** 2).sum(axis=1) + traces
    return np.maximum(distance - 2 * np.array(roots), 0)


def blocks_of(resamples: int, width: int) -> list[slice]:
    """Rows of the resamples, in blocks whose matrices of width x width hold at most `BLOCK` elements."""
    step = max(1, BLOCK // width**2)
    return [slice(start, start + step) for start in range(0, resamples, step)]


def whole_and_resamples(labels: np.ndarray, resamples: int, rng: np.random.Generator) -> np.ndarray:
    """Counts (2 + resamples, n) of images with labels (n,): labels weighed alike, every image alike, the resamples."""
    whole = np.stack([label_weights(labels), np.ones(len(labels))])
    return np.concatenate([whole, resample_counts(labels, resamples, rng)])


def shift_resamples(values: np.ndarray) -> np.ndarray:
    """Of `whole_and_resamples`, the resamples with their mean moved onto the value; none falls below zero."""
    resamples = values[2:] + values[0] - values[2:].mean() if len(values) > 2 else values[2:]
    return np.concatenate([values[:2], resamples.clip(min=0)])


def scale_embeddings(embeddings: np.ndarray) -> np.ndarray:
    """Unit vectors (n, width) scaled to coordinates of mean square one, for which the kernel of KID is made."""
    return embeddings.astype(float) * np.sqrt(embeddings.shape[1])
