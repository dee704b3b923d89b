"""Tests and effect sizes of paired comparisons, and the correction for making many of them."""

import numpy as np
from scipy.stats import rankdata


def bootstrap_p_value(value: float, resamples: np.ndarray) -> float:
    """Two-sided p-value of a difference, from its bootstrap distribution shifted to a mean of zero.

    The null distribution is that of `resample - value` (Davison & Hinkley 1997, section 4.4). The one that is added
    above and below keeps the p-value from being zero, so that it is never smaller than 1 / (resamples + 1).

    Args:
        value: the observed difference.
        resamples: its bootstrap distribution, shape (resamples,).
    """
    # resamples that equal the value in exact arithmetic must count as such
    slack = 1e-12 * max(1.0, abs(value))
    return float((1 + np.sum(np.abs(resamples - value) >= abs(value) - slack)) / (len(resamples) + 1))


def holm(p_values: np.ndarray) -> np.ndarray:
    """P-values adjusted for their number by Holm's step-down procedure (Holm 1979).

    Args:
        p_values: of all comparisons of a family, shape (m,).

    Returns:
        Shape (m,), in [0, 1]; rejecting those below alpha keeps the chance of any false rejection below alpha.
    """
    p_values = np.asarray(p_values, float)
    order = np.argsort(p_values, kind="stable")
    stepped = np.maximum.accumulate(p_values[order] * np.arange(len(p_values), 0, -1))
    adjusted = np.empty_like(p_values)
    adjusted[order] = np.minimum(stepped, 1)
    return adjusted


def cohen_dz(differences: np.ndarray) -> float:
    """Cohen's d_z: the mean of paired differences over their standard deviation (Lakens 2013).

    Returns:
        Unbounded; 0 where all differences are zero, NaN where they are equal and not zero.
    """
    differences = np.asarray(differences, float)
    if not differences.any():
        return 0.0
    spread = differences.std(ddof=1)
    # equal differences leave a rounding error in place of a spread of zero
    return float(differences.mean() / spread) if spread > 1e-12 * np.abs(differences).max() else float("nan")


def rank_biserial(differences: np.ndarray) -> float:
    """Matched-pairs rank-biserial correlation (Kerby 2014), the effect size of Wilcoxon's signed-rank test.

    Returns:
        The share of the ranks of |difference| that favour the first method minus the share that favour the second, in
        [-1, 1]; pairs without a difference take no part.
    """
    differences = np.asarray(differences, float)
    differences = differences[differences != 0]
    if not len(differences):
        return 0.0
    ranks = rankdata(np.abs(differences))
    return float(np.sum(ranks * np.sign(differences)) / ranks.sum())
