"""Rank statistics under counts agree with scikit-learn and scipy, resample by resample."""

import numpy as np
import pytest
from scipy.stats import kendalltau, spearmanr
from sklearn.metrics import roc_auc_score

from craft.evaluation.statistics.ranks import (
    auroc,
    claimed_label_aurocs,
    kendall,
    label_swap_auroc,
    response,
    spearman,
)
from craft.evaluation.statistics.resampling import label_weights, resample_counts

RNG = np.random.default_rng(3)
SCORES = RNG.normal(size=(40, 3)).round(1)  # rounded, so that there are ties
COUNTS = np.concatenate([np.ones((1, 40), int), RNG.multinomial(40, np.full(40, 1 / 40), 5)])


def swap(scores, labels, counts):
    return label_swap_auroc(claimed_label_aurocs(scores, labels, counts), labels, counts)


def test_every_claimed_label_has_the_auroc_of_its_own_images_against_all_others_that_claim_it():
    labels, weights = np.arange(40) % 3, RNG.random((2, 40))
    found = claimed_label_aurocs(SCORES, labels, weights)
    for row, counts in zip(found, weights, strict=True):
        expected = [roc_auc_score(labels == y, SCORES[:, y], sample_weight=counts) for y in range(3)]
        assert row == pytest.approx(expected)
    assert np.isnan(claimed_label_aurocs(SCORES, 0 * labels, weights)).all()


def test_label_swap_auroc_weighs_every_label_by_what_its_images_count():
    labels = np.repeat(range(3), [24, 12, 4])
    counts = np.stack([label_weights(labels), np.ones(40)])
    aurocs = claimed_label_aurocs(SCORES, labels, counts)
    alike, natural = label_swap_auroc(aurocs, labels, counts)
    assert alike == pytest.approx(aurocs[0].mean()) and natural == pytest.approx(aurocs[1] @ [0.6, 0.3, 0.1])


def test_what_knows_image_and_label_one_by_one_is_at_exactly_one_half_whatever_the_labels_frequencies():
    labels = np.repeat(range(4), [60, 20, 8, 2])
    image, label = RNG.normal(size=(90, 1)) + labels[:, None], np.array([0.0, -3, 5, 1])
    counts = np.concatenate([label_weights(labels)[None], resample_counts(labels, 20, RNG)])
    for scores in (image + label, image + 0 * label, 0 * image + label):
        assert swap(scores, labels, counts) == pytest.approx(0.5)


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
