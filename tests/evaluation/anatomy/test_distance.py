"""The distance of measures: it is the Wasserstein distance, weighs labels alike, and counts what is not measured."""

import numpy as np
import pytest
from scipy.stats import wasserstein_distance

from craft.evaluation.anatomy.distance import UNMEASURED, Measured, estimate_distances, spreads, weighted_distances
from craft.evaluation.settings import ScoringSettings

SCORING = ScoringSettings(bootstrap=200)


def weights(rng, rows: int, size: int) -> np.ndarray:
    drawn = rng.uniform(0.1, 1.0, (rows, size))
    return drawn / drawn.sum(axis=1, keepdims=True)


def test_it_is_the_weighted_wasserstein_distance():
    rng = np.random.default_rng(0)
    values, other = rng.normal(size=30), np.round(rng.normal(1, 2, size=50))
    first, second = weights(rng, 4, 30), weights(rng, 4, 50)
    expected = [wasserstein_distance(values, other, *pair) for pair in zip(first, second, strict=True)]
    assert weighted_distances(values, other, first, second) == pytest.approx(expected)


def test_an_image_that_cannot_be_measured_lies_three_standard_deviations_away():
    even = np.full((1, 4), 0.25)
    known, half = np.array([0.0, 0.0, 1.0, 1.0]), np.array([0.0, np.nan, np.nan, 1.0])
    assert weighted_distances(half, known, even, even) == pytest.approx([0.5 * UNMEASURED])
    assert weighted_distances(half, half, even, even) == pytest.approx([0.0])
    assert weighted_distances(np.full(4, np.nan), known, even, even) == pytest.approx([UNMEASURED])
    assert weighted_distances(half + 2.0, half, even, even) == pytest.approx([0.5 * 2.0])


def test_labels_weigh_alike_whatever_their_numbers():
    values = np.array([[0.0]] * 9 + [[4.0]])
    many = Measured(values, np.array(["a"] * 9 + ["b"]))
    few = Measured(np.array([[0.0], [4.0]]), np.array(["a", "b"]))
    assert spreads(many) == pytest.approx([2.0])
    assert [number.value for number in estimate_distances([many], few, SCORING, "x")] == pytest.approx([0.0, 0.0])


def test_estimates_are_the_measures_and_their_mean_with_intervals_that_repeat():
    rng = np.random.default_rng(1)
    real = Measured(rng.normal(size=(80, 2)), np.repeat(["a", "b"], 40))
    seeds = [Measured(rng.normal([0.0, 1.0], 1.0, size=(60, 2)), np.repeat(["a", "b"], 30)) for _ in range(2)]
    first, second, mean = estimate_distances(seeds, real, SCORING, "skin", "craft")
    assert first.value < 0.5 < second.value and mean.value == pytest.approx((first.value + second.value) / 2)
    assert all(number.low <= number.high and (number.n, number.seeds) == (120, 2) for number in (first, second, mean))
    assert second.low < second.value < second.high
    assert estimate_distances(seeds, real, SCORING, "skin", "craft") == [first, second, mean]
