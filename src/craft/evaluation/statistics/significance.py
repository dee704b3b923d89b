"""Effect sizes of comparisons, and the correction for making many of them."""

import numpy as np
import pandas as pd
from scipy.stats import rankdata


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


def correct_for_number(table: pd.DataFrame) -> pd.DataFrame:
    """A table with `p_holm`, corrected within a family: all comparisons of one metric by one `evaluator`.

    Args:
        table: columns `evaluator`, `metric`, `p` and `p_holm`; it may be empty.
    """
    if table.empty:
        return table
    return table.assign(p_holm=table.groupby(["evaluator", "metric"])["p"].transform(holm))


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


def rank_biserial_unpaired(first: np.ndarray, second: np.ndarray) -> float:
    """Rank-biserial correlation of two independent samples (Kerby 2014), which is Cliff's delta.

    Args:
        first: values of the one, shape (n,).
        second: values of the other, shape (m,).

    Returns:
        The share of all n * m couples in which the first is larger minus that in which the second is, in [-1, 1].
    """
    ranks = rankdata(np.concatenate([first, second]))
    wins = ranks[: len(first)].sum() - len(first) * (len(first) + 1) / 2
    return float(2 * wins / (len(first) * len(second)) - 1)
