"""Rank statistics under counts agree with scikit-learn and scipy, resample by resample."""

import numpy as np
import pytest
from scipy.stats import kendalltau, spearmanr
from sklearn.metrics import roc_auc_score

from craft.evaluation.statistics.intervals import resample_counts
from craft.evaluation.statistics.ranks import auroc, kendall, label_swap_auroc, response, spearman, win_chances

RNG = np.random.default_rng(3)
SCORES = RNG.normal(size=(40, 3)).round(1)  # rounded, so that there are ties
COUNTS = np.concatenate([np.ones((1, 40), int), resample_counts(np.zeros(40), 5, RNG).astype(int)])


def test_label_swap_auroc_is_that_of_all_pairs_of_own_and_other_labels():
    chances = win_chances(SCORES[:, 0], SCORES[:, 1:])
    found = label_swap_auroc(chances, COUNTS)
    for counts, value in zip(COUNTS, found, strict=True):
        drawn = np.repeat(SCORES, counts, axis=0)
        target = np.r_[np.ones(40), np.zeros(80)]
        assert value == pytest.approx(roc_auc_score(target, np.r_[drawn[:, 0], drawn[:, 1], drawn[:, 2]]))


def test_spearman_is_that_of_scipy_in_every_resample():
    other = (SCORES[:, 0] + RNG.normal(size=40)).round(1)
    found = spearman(SCORES, other, COUNTS)
    for counts, values in zip(COUNTS, found, strict=True):
        rows = np.repeat(np.arange(40), counts)
        expected = [spearmanr(column[rows], other[rows]).statistic for column in SCORES.T]
        assert values == pytest.approx(expected)


def test_a_constant_score_has_no_correlation():
    assert (spearman(np.ones((40, 1)), SCORES[:, 0], COUNTS) == 0).all()


def test_kendalls_tau_is_that_of_scipy_with_ties_and_without():
    first, second = RNG.integers(4, size=(20, 6)).astype(float), RNG.random((20, 6))
    expected = [kendalltau(one, two).statistic for one, two in zip(first, second, strict=True)]
    assert kendall(first, second) == pytest.approx(expected)
    assert kendall(first[:, None], second[None]).shape == (20, 20)
    assert np.isnan(kendall(np.ones((1, 3)), np.arange(3.0)[None]))


def test_auroc_is_that_of_scikit_learn_in_every_resample():
    positive = RNG.random(40) < 0.4
    for counts, value in zip(COUNTS, auroc(positive, SCORES[:, 0], COUNTS), strict=True):
        rows = np.repeat(np.arange(40), counts)
        assert value == pytest.approx(roc_auc_score(positive[rows], SCORES[rows, 0]))


def test_the_response_to_damage_is_a_rank_correlation_with_the_grade():
    scores = np.array([[[0.9, 0.5, 0.1]], [[0.7, 0.5, 0.3]], [[0.6, 0.5, 0.2]], [[0.1, 0.5, 0.9]]])
    assert response(scores)[0] == pytest.approx([-1, 0, spearmanr([0, 1, 2, 3], [0.1, 0.3, 0.2, 0.9]).statistic])
