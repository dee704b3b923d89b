"""Metrics of a classifier under image counts, so that one call serves all resamples of a bootstrap."""

import numpy as np

from craft.evaluation.statistics.ranks import auroc

METRICS = ("accuracy", "macro_f1", "macro_auroc", "calibration_error")
BINS = 15


def confusion_matrices(targets: np.ndarray, predicted: np.ndarray, counts: np.ndarray, labels: int) -> np.ndarray:
    """Confusion matrices of all resamples.

    Args:
        targets: index of the true label, shape (n,).
        predicted: index of the predicted label, shape (n,).
        counts: how often each image counts, shape (k, n).
        labels: number of labels.

    Returns:
        Counts of shape (k, labels, labels): true label by predicted label.
    """
    cells = np.eye(labels * labels)[targets * labels + predicted]
    return (counts @ cells).reshape(len(counts), labels, labels)


def calibration_error(
    targets: np.ndarray, probabilities: np.ndarray, counts: np.ndarray, bins: int = BINS
) -> np.ndarray:
    """Expected calibration error (Guo et al. 2017): mean distance of confidence and accuracy, over equal bins.

    Args:
        targets: index of the true label, shape (n,).
        probabilities: shape (n, labels); the largest of an image is its confidence.
        counts: how often each image counts, shape (k, n).
        bins: number of bins of equal width.

    Returns:
        Shape (k,), in [0, 1].
    """
    confidence = probabilities.max(axis=1)
    member = np.eye(bins)[np.minimum((confidence * bins).astype(int), bins - 1)]
    excess = confidence - (probabilities.argmax(axis=1) == targets)
    return np.abs(counts @ (member * excess[:, None])).sum(axis=1) / counts.sum(axis=1)


def macro_f1(confusion: np.ndarray) -> np.ndarray:
    """Mean F1 over the labels that occur or are predicted; shape (k,) from matrices of shape (k, labels, labels)."""
    hits = np.diagonal(confusion, axis1=1, axis2=2)
    sizes = confusion.sum(axis=1) + confusion.sum(axis=2)
    scores = np.divide(2 * hits, sizes, out=np.full_like(sizes, np.nan), where=sizes > 0)
    return np.nanmean(scores, axis=1)


def macro_auroc(targets: np.ndarray, probabilities: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Mean one-against-rest AUROC over the labels that occur, shape (k,)."""
    curves = [auroc(targets == label, probabilities[:, label], counts) for label in np.unique(targets)]
    return np.mean(curves, axis=0)


def measure_predictions(targets: np.ndarray, probabilities: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """`METRICS` of one classifier's predictions.

    Args:
        targets: index of the true label, shape (n,).
        probabilities: shape (n, labels).
        counts: how much each image counts, shape (k, n); where labels weigh alike, they do so in every metric.

    Returns:
        Shape (k, metrics).
    """
    confusion = confusion_matrices(targets, probabilities.argmax(axis=1), counts, probabilities.shape[1])
    accuracy = np.trace(confusion, axis1=1, axis2=2) / counts.sum(axis=1)
    curves, error = (measure(targets, probabilities, counts) for measure in (macro_auroc, calibration_error))
    return np.stack([accuracy, macro_f1(confusion), curves, error], axis=1)
