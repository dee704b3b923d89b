"""How images are drawn and weighed: within labels, labels alike.

Images are drawn anew within their label (the stratified bootstrap, Davison & Hinkley 1997, section 3.2), and every
label weighs the same whatever its number of images. A resample is held as *counts*, how often each image was drawn
times its weight, so that every statistic of all resamples is one matrix product or one cumulative sum.
"""

import numpy as np


def label_weights(labels: np.ndarray) -> np.ndarray:
    """Weights (n,) that sum to n and give every label the same total, of labels (n,)."""
    _, number, sizes = np.unique(labels, return_inverse=True, return_counts=True)
    return len(labels) / (len(sizes) * sizes[number])


def resample_counts(labels: np.ndarray, resamples: int, rng: np.random.Generator) -> np.ndarray:
    """How much every image weighs in every resample.

    Of every label one image less is drawn than there are: as many would understate the spread of few images (Rao & Wu
    1988).

    Args:
        labels: of the images, shape (n,).
        resamples: how many.
        rng: random generator.

    Returns:
        Shape (resamples, n): how often an image was drawn times its weight, which is the same for all images of a
        label. Rows sum to n, and every label has the same share of it.
    """
    names, number = np.unique(labels, return_inverse=True)
    counts = np.empty((resamples, len(labels)))
    for label in range(len(names)):
        rows = np.flatnonzero(number == label)
        size = max(1, len(rows) - 1)
        picks = rng.integers(len(rows), size=(resamples, size)) + len(rows) * np.arange(resamples)[:, None]
        drawn = np.bincount(picks.ravel(), minlength=resamples * len(rows)).reshape(resamples, len(rows))
        counts[:, rows] = drawn * (len(labels) / (len(names) * size))
    return counts
