"""Tail thresholds and rates against cases computed by hand."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from craft.evaluation.statistics.intervals import resample_counts
from craft.evaluation.statistics.tails import (
    RealTail,
    counted_quantiles,
    resample_thresholds,
    tail_rate,
    tail_threshold,
    weigh_below,
)

GRID = np.arange(11) / 10


def test_threshold_is_the_tenth_percentile():
    assert tail_threshold(GRID) == pytest.approx(0.1)
    assert tail_threshold(np.array([0.2, 0.4]), 0.25) == pytest.approx(0.25)


def test_rate_counts_images_strictly_below():
    scores = np.array([0.05, 0.099, 0.1, 0.5])
    assert tail_rate(scores, np.array([0.1] * 20)) == 0.5
    assert tail_rate(GRID, GRID, quantile=0.5) == pytest.approx(5 / 11)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=40), st.lists(st.floats(0, 1), min_size=1, max_size=40))
def test_raising_all_scores_never_raises_the_rate(scores, reference):
    lower, higher = np.array(scores), np.minimum(np.array(scores) + 0.1, 1)
    assert tail_rate(higher, reference) <= tail_rate(lower, reference)


@pytest.mark.parametrize("scores, reference", [([], [0.5]), ([0.5], []), ([np.nan], [0.5]), ([0.5], [np.inf])])
def test_empty_or_infinite_scores_are_errors(scores, reference):
    with pytest.raises(ValueError):
        tail_rate(np.array(scores), np.array(reference))


def test_estimates_have_the_point_values_of_the_plain_functions():
    rng = np.random.default_rng(0)
    real, groups = rng.random(60), [rng.random(40) ** 2, rng.random(40) ** 2]
    reference = RealTail.resample(real, 0.1, 300, 0.95, "chest", "clip_resnet")
    rate = reference.estimate_rate(groups, "chest", "lora")
    assert reference.estimate_threshold().value == tail_threshold(real)
    assert rate.value == pytest.approx(np.mean([tail_rate(group, real) for group in groups]))
    assert rate.low <= rate.value <= rate.high and (rate.n, rate.seeds) == (80, 2)


def test_interval_of_a_rate_includes_the_doubt_about_the_threshold():
    scores = np.linspace(0, 1, 2000)
    few, many = (
        RealTail.resample(np.linspace(0, 1, size), 0.1, 400, 0.95, "size").estimate_rate([scores], "x")
        for size in (20, 2000)
    )
    assert few.high - few.low > 2 * (many.high - many.low)


def test_real_images_stand_near_the_quantile_by_construction():
    real = np.random.default_rng(1).random(200)
    reference = RealTail.resample(real, 0.1, 200, 0.95, "own")
    own = reference.estimate_own_rate(np.ones(200, bool))
    assert own.value == pytest.approx(0.1) and own.high - own.low < 0.02


def test_labels_share_the_threshold_of_their_dataset():
    real = np.concatenate([np.linspace(0.0, 0.4, 50), np.linspace(0.6, 1.0, 50)])
    reference = RealTail.resample(real, 0.1, 100, 0.95, "labels")
    first = np.arange(100) < 50
    assert reference.estimate_own_rate(first).value == pytest.approx(0.2)
    assert reference.estimate_own_rate(~first).value == 0


def test_shares_below_are_those_of_repeated_images():
    scores, counts = np.array([0.1, 0.5, 0.9]), np.array([[1, 1, 1], [3, 0, 0], [0, 1, 2]])
    assert weigh_below(scores, counts, np.array([0.6, 0.6, 0.2])) == pytest.approx([2 / 3, 1, 0])


def test_quantiles_under_counts_are_those_of_repeated_scores():
    rng = np.random.default_rng(4)
    scores, counts = rng.random(30), resample_counts(30, 6, rng)
    expected = [np.quantile(np.repeat(scores, row), [0.1, 0.05]) for row in counts]
    assert (counted_quantiles(scores, counts, [0.1, 0.05]) == expected).all()


def test_thresholds_lie_around_that_of_all_images_and_blocks_of_resamples_change_nothing(monkeypatch):
    real = np.random.default_rng(5).random(200)
    whole = resample_thresholds(real, [0.1, 0.05], 400, "skin")
    assert whole.shape == (400, 2) and (whole[:, 0] >= whole[:, 1]).all()
    assert whole.mean(axis=0) == pytest.approx([tail_threshold(real, quantile) for quantile in (0.1, 0.05)], abs=0.02)
    monkeypatch.setattr("craft.evaluation.statistics.tails.BLOCK", 7 * 200)
    assert (resample_thresholds(real, [0.1, 0.05], 400, "skin") == whole).all()
    assert (resample_thresholds(real[::-1], [0.1, 0.05], 400, "skin") == whole).all()
