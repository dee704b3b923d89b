"""Classification metrics under counts, against scikit-learn on the resampled images themselves."""

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, balanced_accuracy_score, f1_score, roc_auc_score

from craft.evaluation.downstream.metrics import BINS, measure_predictions
from craft.evaluation.statistics.ranks import auroc
from craft.evaluation.statistics.resampling import label_weights


def calibration_error_bin_by_bin(targets, chances) -> float:
    confidence, right = chances.max(axis=1), chances.argmax(axis=1) == targets
    edges, error = np.linspace(0, 1, BINS + 1), 0.0
    for index in range(BINS):
        last = index == BINS - 1
        members = (confidence >= edges[index]) & ((confidence < edges[index + 1]) | last)
        if members.any():
            error += members.mean() * abs(confidence[members].mean() - right[members].mean())
    return error


def test_metrics_of_every_resample_are_those_of_scikit_learn():
    rng = np.random.default_rng(0)
    targets = np.repeat([0, 1, 2], 20)
    chances = rng.dirichlet([1, 1, 1], size=60) + 0.4 * np.eye(3)[targets]
    chances = np.round(chances / chances.sum(axis=1, keepdims=True), 1)
    chances[:, 2] = 1 - chances[:, 0] - chances[:, 1]
    counts = np.vstack([np.ones(60, int), rng.multinomial(60, np.full(60, 1 / 60), 5)])
    found = measure_predictions(targets, chances, counts)
    for row, count in zip(found, counts, strict=True):
        images = np.repeat(np.arange(60), count)
        own, predicted = targets[images], chances[images].argmax(axis=1)
        curves = [roc_auc_score(own == label, chances[images, label]) for label in range(3)]
        assert row == pytest.approx(
            [
                accuracy_score(own, predicted),
                f1_score(own, predicted, average="macro"),
                np.mean(curves),
                calibration_error_bin_by_bin(own, chances[images]),
            ],
            abs=1e-6,
        )


def test_labels_that_weigh_alike_do_so_in_every_metric():
    rng = np.random.default_rng(1)
    targets = np.repeat([0, 1, 2], [40, 15, 5])
    chances = rng.dirichlet([1, 1, 1], size=60)
    weights, predicted = label_weights(targets), chances.argmax(axis=1)
    found = measure_predictions(targets, chances, weights[None])[0]
    curves = [roc_auc_score(targets == label, chances[:, label], sample_weight=weights) for label in range(3)]
    expected = [
        balanced_accuracy_score(targets, predicted),
        f1_score(targets, predicted, average="macro", sample_weight=weights),
        np.mean(curves),
    ]
    assert found[:3] == pytest.approx(expected)


def test_ties_count_half():
    assert auroc(np.array([True, False]), np.array([0.5, 0.5]), np.ones((1, 2)))[0] == 0.5


def test_a_resample_without_negatives_has_no_auroc():
    assert np.isnan(auroc(np.array([True, False]), np.array([0.9, 0.1]), np.array([[2, 0]]))[0])
