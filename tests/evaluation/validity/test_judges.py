"""Judges: label accuracy beside what it must beat, and how far dimensions are one."""

import numpy as np
import pytest

from craft.evaluation.settings import ScoringSettings
from craft.evaluation.validity.judges import correlate_dimensions, rate_labels
from craft.reward.dimensions import DIMENSIONS

SCORING = ScoringSettings(bootstrap=100)
ORIGIN = {"evaluator": "e", "role": "held_out", "source": "s"}


LABELS = np.arange(300) % 3


def draw(n: int = 300, labels: int = 3, skill: float = 0.0) -> np.ndarray:
    """Dimensions with every label, own label first, which is `skill` higher than the others; (n, labels, d)."""
    values = np.random.default_rng(0).random((n, labels, len(DIMENSIONS)))
    values[:, 0] += skill
    return values


def test_a_judge_without_skill_stands_at_chance_and_one_with_skill_above():
    for skill, accuracy in ((0.0, 1 / 3), (2.0, 1.0)):
        rows = {row["metric"]: row for row in rate_labels(draw(skill=skill), LABELS, SCORING, "d", **ORIGIN)}
        assert rows["accuracy"]["value"] == pytest.approx(accuracy, abs=0.08)
        assert rows["chance"]["value"] == pytest.approx(1 / 3) and rows["majority"]["value"] == pytest.approx(1 / 3)


def test_always_saying_the_largest_class_is_no_skill_where_labels_weigh_alike():
    labels = np.r_[np.zeros(240, int), np.ones(60, int)]
    dimensions = np.zeros((300, 2, len(DIMENSIONS)))
    # label 0 always wins: it is an image's own label (place 0) for label 0, the other one (place 1) for label 1
    dimensions[:240, 0] = dimensions[240:, 1] = 1
    rows = {row["metric"]: row for row in rate_labels(dimensions, labels, SCORING, "d", **ORIGIN)}
    assert rows["accuracy"]["value"] == rows["majority"]["value"] == 0.8
    assert rows["balanced_accuracy"]["value"] == pytest.approx(0.5) and rows["balanced_accuracy"]["natural"] == 0.8


def test_one_dimension_twice_correlates_at_one_and_noise_at_zero():
    dimensions = draw()
    dimensions[:, :, 1] = dimensions[:, :, 0] ** 3
    found = {
        (row["dimension"], row["condition"]): row["value"]
        for row in correlate_dimensions(dimensions, LABELS, SCORING, "d", **ORIGIN)
    }
    names = list(DIMENSIONS)
    assert found[names[0], names[1]] == pytest.approx(1) and len(found) == 6
    assert abs(found[names[0], names[2]]) < 0.1


def test_a_constant_dimension_has_no_correlation():
    dimensions = draw()
    dimensions[:, :, 0] = 0.5
    pairs = {
        (row["dimension"], row["condition"]) for row in correlate_dimensions(dimensions, LABELS, SCORING, "d", **ORIGIN)
    }
    assert len(pairs) == 3 and not any(next(iter(DIMENSIONS)) in pair for pair in pairs)
