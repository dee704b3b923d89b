"""Effect sizes and correction against scipy and published cases."""

import numpy as np
import pytest
from scipy import stats

from craft.evaluation.statistics.intervals import bootstrap_means
from craft.evaluation.statistics.significance import cohen_dz, holm, rank_biserial


def draw_differences(shift: float, size: int = 150, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(shift, 1.0, size)


def test_interval_of_a_difference_is_that_of_scipy():
    differences = draw_differences(0.3) ** 3
    (ours,) = bootstrap_means([differences[:, None]], 10_000, 0.95, "scipy")
    theirs = stats.bootstrap(
        (differences,), np.mean, n_resamples=10_000, method="percentile", rng=np.random.default_rng(3)
    ).confidence_interval
    width = theirs.high - theirs.low
    assert ours.low == pytest.approx(theirs.low, abs=width / 20)
    assert ours.high == pytest.approx(theirs.high, abs=width / 20)


def test_holm_adjusts_the_four_hypotheses_of_the_textbook_example():
    # rejected at 0.05 are the fourth and the first, as Holm's procedure is usually explained
    assert holm(np.array([0.01, 0.04, 0.03, 0.005])) == pytest.approx([0.03, 0.06, 0.06, 0.02])


def test_holm_never_exceeds_one_nor_lies_below_the_p_value_or_above_bonferroni():
    p = np.random.default_rng(0).random(20) ** 3
    adjusted = holm(p)
    assert (adjusted >= p).all() and (adjusted <= np.minimum(20 * p, 1)).all()
    assert (np.diff(adjusted[np.argsort(p)]) >= 0).all()
    assert holm(np.array([0.2])) == [0.2] and len(holm(np.array([]))) == 0


def test_cohen_dz_is_the_t_statistic_over_the_root_of_n():
    differences = draw_differences(0.4)
    t = stats.ttest_1samp(differences, 0).statistic
    assert cohen_dz(differences) == pytest.approx(t / np.sqrt(len(differences)))


def test_cohen_dz_of_equal_differences_is_zero_or_undefined():
    assert cohen_dz(np.zeros(5)) == 0
    assert np.isnan(cohen_dz(np.full(5, 0.3)))


def test_rank_biserial_follows_from_the_wilcoxon_statistic():
    differences = draw_differences(0.4)
    ranks = len(differences) * (len(differences) + 1) / 2
    smaller = stats.wilcoxon(differences).statistic
    assert abs(rank_biserial(differences)) == pytest.approx(1 - 2 * smaller / ranks)
    assert rank_biserial(-differences) == pytest.approx(-rank_biserial(differences))


def test_rank_biserial_counts_discordant_pairs_of_indicators():
    assert rank_biserial(np.array([1.0] * 3 + [-1.0] + [0.0] * 10)) == pytest.approx(0.5)
    assert rank_biserial(np.zeros(4)) == 0
