"""Planted nulls of the label swap: an evaluator that knows nothing but the claimed label is at chance."""

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from craft.evaluation.settings import ScoringSettings
from craft.evaluation.statistics.intervals import Estimate, estimate
from craft.evaluation.statistics.ranks import claimed_label_aurocs, label_swap_auroc
from craft.evaluation.validity.label_swap import in_label_order, separate_labels
from craft.reward.calibration import Pairs, fit_logistic
from craft.reward.dimensions import DIMENSIONS

TABLES = 200
# a set of fundus photographs: shares of the labels, and how high a blind evaluator stands for each
MIX, OFFSETS = np.array([0.6, 0.2, 0.1, 0.05, 0.05]), np.array([0.0, -0.5, -1.5, -2.5, -3.5])
NAMES = ["none", "mild", "moderate", "severe", "proliferative"]
SHARED = {"evaluator": "blind", "role": "held_out", "source": "here"}


def labels_of(images: int) -> np.ndarray:
    return np.repeat(np.arange(5), np.round(MIX * images).astype(int))


def own_first(scores: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Scores (n, labels) with the own label first, as the one dimension that says anything; (n, labels, d)."""
    turned = np.take_along_axis(scores, (labels[:, None] + np.arange(5)) % 5, axis=1)
    return np.stack([turned] + [np.full_like(turned, 0.5)] * (len(DIMENSIONS) - 1), axis=-1)


def study(scores: np.ndarray, labels: np.ndarray) -> dict:
    """The study's row of a dimension's AUROC."""
    rows = separate_labels(own_first(scores, labels), labels, NAMES, ScoringSettings(bootstrap=200), "d", **SHARED)
    wanted = {"study": "label_swap", "dimension": next(iter(DIMENSIONS)), "metric": "auroc"}
    return next(row for row in rows if wanted.items() <= row.items())


def swap(scores: np.ndarray, labels: np.ndarray, table: int) -> Estimate:
    """The same number without the others of the study, which many tables need not wait for."""

    def statistic(group, counts, numbers):
        return label_swap_auroc(claimed_label_aurocs(scores, labels, counts), labels, counts)[:, None]

    return estimate([labels], statistic, 200, 0.95, "table", table)[0]


def check_chance(found: list[Estimate]) -> None:
    """One half is covered at the stated rate, and is the mean over tables."""
    assert 0.92 <= np.mean([each.low <= 0.5 <= each.high for each in found]) <= 0.98
    values = [each.value for each in found]
    assert abs(np.mean(values) - 0.5) < 3 * np.std(values) / np.sqrt(len(values))


def test_scores_are_turned_into_the_order_of_the_labels_and_back():
    labels = labels_of(20)
    scores = np.random.default_rng(0).random((20, 5))
    assert (in_label_order(own_first(scores, labels)[..., 0], labels) == scores).all()


def test_offsets_of_claimed_labels_and_noise_are_at_chance_at_the_stated_rate():
    rng, labels, found, pooled = np.random.default_rng(1), labels_of(200), [], []
    for table in range(TABLES):
        scores = OFFSETS + rng.normal(size=(200, 5))
        found.append(swap(scores, labels, table))
        own = labels[:, None] == np.arange(5)
        pooled.append(roc_auc_score(own.ravel(), scores.ravel()))
    check_chance(found)
    assert np.mean(pooled) > 0.65, "pairs of all claimed labels together take the offsets for knowledge"


def test_after_calibration_a_blind_evaluator_says_nearly_a_half_of_everything_and_is_at_chance():
    rng, labels, found, said = np.random.default_rng(2), labels_of(200), [], []
    calibration = labels_of(100)
    claimed = np.concatenate([(calibration + shift) % 5 for shift in range(1, 5)])
    for table in range(TABLES):
        raw = OFFSETS + rng.normal(size=(100, 5))
        nothing, rows = np.zeros(100, int), np.arange(100)
        right = Pairs(raw[rows, calibration], calibration, nothing, np.ones(1))
        wrong = Pairs(raw[np.tile(rows, 4), claimed], claimed, np.tile(calibration, 4), np.ones(5))
        fitted = fit_logistic(right, wrong, 5)
        raw = OFFSETS + rng.normal(size=(200, 5))
        scores = 1 / (1 + np.exp(-(fitted.slope * raw + np.array(fitted.intercepts))))
        found.append(swap(scores, labels, table))
        said.append(scores)
    check_chance(found)
    assert np.abs(np.array(said) - 0.5).mean() < 0.05 and np.abs(np.array(said).mean(axis=(0, 1)) - 0.5).max() < 0.02


@pytest.mark.parametrize("natural", [True, False])
def test_a_score_of_the_claimed_label_alone_is_at_exactly_one_half(natural):
    labels = labels_of(200) if natural else np.arange(200) % 5
    row = study(np.tile(OFFSETS, (200, 1)), labels)
    assert [row[name] for name in ("value", "low", "high", "natural")] == pytest.approx([0.5] * 4)


def test_an_evaluator_that_sees_the_label_is_above_chance_whatever_its_offsets():
    rng, labels = np.random.default_rng(3), labels_of(200)
    seen = (labels[:, None] == np.arange(5)) * 1.0 + rng.normal(size=(200, 5))
    with_offsets, without = (study(scores, labels) for scores in (seen + OFFSETS, seen))
    assert without["low"] > 0.55
    assert with_offsets["value"] == without["value"]
