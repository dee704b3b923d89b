"""Rank statistics under image counts, so that one call serves all resamples: AUROC, Spearman, Kendall."""

import numpy as np
from scipy.stats import rankdata

from craft.evaluation.statistics.resampling import label_weights


def auroc(positive: np.ndarray, scores: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Chance that a positive image outranks a negative one, ties counting half.

    Args:
        positive: whether an image is positive, shape (n,).
        scores: its score, shape (n,).
        counts: how much each image counts, shape (k, n).

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


def percentiles(scores: np.ndarray, real: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Where scores stand among those of real images: the share of these below them, ties counting half.

    Args:
        scores: shape (n,).
        real: scores of real images, shape (m,).
        labels: of the real images, shape (m,); every label weighs the same.

    Returns:
        Shape (n,), in [0, 1].
    """
    order = np.argsort(real, kind="stable")
    below = np.pad(np.cumsum(label_weights(labels)[order]) / len(real), (1, 0))
    first, last = (np.searchsorted(real[order], scores, side=side) for side in ("left", "right"))
    return (below[first] + below[last]) / 2


def claimed_label_aurocs(scores: np.ndarray, labels: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """For every label, the chance that an image of it outranks an image of another label when both claim it.

    Args:
        scores: of n images with every label, in the order of the labels, shape (n, labels).
        labels: numbers of their own labels, shape (n,).
        counts: how much each image counts, shape (k, n).

    Returns:
        Shape (k, labels), in [0, 1]; NaN for a label without images, and where there are no others.
    """
    return np.stack([auroc(labels == label, column, counts) for label, column in enumerate(scores.T)], axis=1)


def label_swap_auroc(aurocs: np.ndarray, labels: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """The mean of `claimed_label_aurocs` over labels, each weighing as much as its images count.

    Only images that claim the same label are compared, never an image with itself. So what depends on the claimed label
    alone cannot move it. Where all labels count alike, neither can what depends on the image alone, since of two labels
    either's images win against the other's as often as those lose: any sum of the two is at exactly one half. Pairs of
    all claimed labels together have neither property: there, a label that is claimed by few images of its own and by
    many others, and scored low by all, passes for knowledge.

    Args:
        aurocs: shape (k, labels).
        labels: numbers of the images' own labels, shape (n,).
        counts: how much each image counts, shape (k, n).

    Returns:
        Shape (k,), in [0, 1]; one half is chance, NaN where no label has an AUROC.
    """
    weights = np.stack([counts[:, labels == label].sum(axis=1) for label in range(aurocs.shape[1])], axis=1)
    weights = np.where(np.isnan(aurocs), 0, weights)
    total, wins = weights.sum(axis=1), (weights * np.nan_to_num(aurocs)).sum(axis=1)
    return np.divide(wins, total, out=np.full(len(total), np.nan), where=total > 0)


def mid_ranks(scores: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Ranks of all images in every resample, ties sharing their mean rank; shape (k, n)."""
    order = np.argsort(scores, kind="stable")
    ranked = scores[order]
    below = np.pad(np.cumsum(counts[:, order], axis=1, dtype=float), ((0, 0), (1, 0)))
    first, last = (np.searchsorted(ranked, ranked, side=side) for side in ("left", "right"))
    ranks = np.empty(counts.shape)
    ranks[:, order] = (below[:, first] + below[:, last]) / 2
    return ranks


def standardise(ranks: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Ranks (k, n) with mean 0 and length 1 under the counts; 0 where all are equal."""
    ranks = ranks - (counts * ranks).sum(1, keepdims=True) / counts.sum(1, keepdims=True)
    length = np.sqrt((counts * ranks**2).sum(1, keepdims=True))
    return np.divide(ranks, length, out=np.zeros_like(ranks), where=length > 1e-9)


def spearman(scores: np.ndarray, other: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Spearman correlation of several scores with another.

    Args:
        scores: shape (n, columns).
        other: shape (n,).
        counts: how much each image counts, shape (k, n).

    Returns:
        Shape (k, columns), in [-1, 1]; 0 where either is constant.
    """
    weighted = counts * standardise(mid_ranks(other, counts), counts)
    columns = [(weighted * standardise(mid_ranks(column, counts), counts)).sum(1) for column in scores.T]
    return np.stack(columns, axis=1)


def kendall(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Kendall's tau-b along the last axis of two arrays that broadcast against each other.

    Args:
        first: shape (..., m).
        second: shape (..., m).

    Returns:
        Shape (...), in [-1, 1]; NaN where all m values of either are equal.
    """
    above, below = np.triu_indices(first.shape[-1], 1)
    one, two = (np.sign(values[..., above] - values[..., below]) for values in (first, second))
    agreed = (one * two).sum(axis=-1)
    untied = np.sqrt((one != 0).sum(axis=-1) * (two != 0).sum(axis=-1))
    return np.divide(agreed, untied, out=np.full(agreed.shape, np.nan), where=untied > 0)


def rank_correlations(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Kendall's tau-b and Spearman's rho of rows.

    Args:
        first: values of shape (k, methods).
        second: values of the same shape.

    Returns:
        Shape (k, 2); NaN where a row of either holds one value only.
    """
    # ranks have one mean, ties or not
    one, two = (rankdata(values, axis=1) - (values.shape[1] + 1) / 2 for values in (first, second))
    size = np.sqrt((one**2).sum(axis=1) * (two**2).sum(axis=1))
    rho = np.divide((one * two).sum(axis=1), size, out=np.full(len(one), np.nan), where=size > 0)
    return np.stack([kendall(first, second), rho], axis=1)


def response(scores: np.ndarray) -> np.ndarray:
    """Spearman correlation of each image's scores with the grade of its damage.

    Args:
        scores: shape (grades, n, columns), grades in order.

    Returns:
        Shape (n, columns): -1 where the score falls at every grade, 0 where it is constant.
    """
    ranks = rankdata(scores, axis=0) - (len(scores) + 1) / 2
    grades = np.arange(len(scores)) - (len(scores) - 1) / 2
    length = np.sqrt((ranks**2).sum(0) * (grades**2).sum())
    products = np.tensordot(grades, ranks, axes=1)
    return np.divide(products, length, out=np.zeros_like(products), where=length > 1e-9)
