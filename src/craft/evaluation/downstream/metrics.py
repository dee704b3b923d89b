"""Metrics of a classifier under image counts, so that one call serves all draws of a bootstrap."""

from collections.abc import Sequence

import numpy as np

from craft.evaluation.statistics.intervals import Statistic

METRICS = ("accuracy", "balanced_accuracy", "macro_f1", "macro_auroc", "calibration_error")
BINS = 15


def confusion_matrices(truth: np.ndarray, predicted: np.ndarray, counts: np.ndarray, labels: int) -> np.ndarray:
    """Confusion matrices of all resamples.

    Args:
        truth: index of the true label, shape (n,).
        predicted: index of the predicted label, shape (n,).
        counts: how often each image counts, shape (k, n).
        labels: number of labels.

    Returns:
        Counts of shape (k, labels, labels): true label by predicted label.
    """
    cells = np.eye(labels * labels)[truth * labels + predicted]
    return (counts @ cells).reshape(len(counts), labels, labels)


def balanced_accuracy(confusion: np.ndarray) -> np.ndarray:
    """Mean recall over the labels that occur; shape (k,) from matrices of shape (k, labels, labels)."""
    hits, sizes = np.diagonal(confusion, axis1=1, axis2=2), confusion.sum(axis=2)
    return np.nanmean(np.divide(hits, sizes, out=np.full(sizes.shape, np.nan), where=sizes > 0), axis=1)


def calibration_error(truth: np.ndarray, probabilities: np.ndarray, counts: np.ndarray, bins: int = BINS) -> np.ndarray:
    """Expected calibration error (Guo et al. 2017): mean distance of confidence and accuracy, over equal bins.

    Args:
        truth: index of the true label, shape (n,).
        probabilities: shape (n, labels); the largest of an image is its confidence.
        counts: how often each image counts, shape (k, n).
        bins: number of bins of equal width.

    Returns:
        Shape (k,), in [0, 1].
    """
    confidence = probabilities.max(axis=1)
    member = np.eye(bins)[np.minimum((confidence * bins).astype(int), bins - 1)]
    excess = confidence - (probabilities.argmax(axis=1) == truth)
    return np.abs(counts @ (member * excess[:, None])).sum(axis=1) / counts.sum(axis=1)


def macro_f1(confusion: np.ndarray) -> np.ndarray:
    """Mean F1 over the labels that occur or are predicted; shape (k,) from matrices of shape (k, labels, labels)."""
    hits = np.diagonal(confusion, axis1=1, axis2=2)
    sizes = confusion.sum(axis=1) + confusion.sum(axis=2)
    scores = np.divide(2 * hits, sizes, out=np.full_like(sizes, np.nan), where=sizes > 0)
    return np.nanmean(scores, axis=1)


def auroc(positive: np.ndarray, scores: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Chance that a positive image outranks a negative one, ties counting half.

    Args:
        positive: whether an image is positive, shape (n,).
        scores: its score, shape (n,).
        counts: how often each image counts, shape (k, n).

    Returns:
        Shape (k,), in [0, 1]; NaN where a resample lacks positives or negatives.
    """
    order = np.argsort(scores, kind="stable")
    ranked, positive, counts = scores[order], positive[order], counts[:, order].astype(float)
    below = np.pad(np.cumsum(counts * ~positive, axis=1), ((0, 0), (1, 0)))
    first, last = (np.searchsorted(ranked, ranked, side=side) for side in ("left", "right"))
    wins = (counts * positive * (below[:, first] + below[:, last]) / 2).sum(axis=1)
    pairs = counts[:, positive].sum(axis=1) * below[:, -1]
    return np.divide(wins, pairs, out=np.full(len(counts), np.nan), where=pairs > 0)


def macro_auroc(truth: np.ndarray, probabilities: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Mean one-against-rest AUROC over the labels that occur, shape (k,)."""
    curves = [auroc(truth == label, probabilities[:, label], counts) for label in np.unique(truth)]
    return np.mean(curves, axis=0)


def classification_statistic(truth: Sequence[np.ndarray], probabilities: Sequence[np.ndarray]) -> Statistic:
    """Statistics `METRICS` for `craft.evaluation.statistics.intervals.estimate`.

    Args:
        truth: index of the true label, one array of shape (n,) a seed.
        probabilities: predicted probabilities, one array of shape (n, labels) a seed.
    """

    def statistic(group: int, counts: np.ndarray, draw: np.ndarray) -> np.ndarray:
        chances = probabilities[group]
        confusion = confusion_matrices(truth[group], chances.argmax(axis=1), counts, chances.shape[1])
        accuracy = np.trace(confusion, axis1=1, axis2=2) / counts.sum(axis=1)
        curves, error = (measure(truth[group], chances, counts) for measure in (macro_auroc, calibration_error))
        return np.stack([accuracy, balanced_accuracy(confusion), macro_f1(confusion), curves, error], axis=1)

    return statistic
