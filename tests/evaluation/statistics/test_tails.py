"""Tail thresholds and rates against cases computed by hand."""

import numpy as np
import pytest

from craft.evaluation.statistics.resampling import label_weights
from craft.evaluation.statistics.tails import (
    RealTail,
    by_number,
    counted_quantiles,
    resample_thresholds,
    tail_threshold,
    weigh_below,
)

GRID = np.arange(1, 11) / 10
RNG = np.random.default_rng(0)


def alike(size: int) -> np.ndarray:
    return np.zeros(size, int)


def test_threshold_is_the_least_score_up_to_which_the_share_is_reached():
    assert tail_threshold(GRID, 0.1, None) == 0.1
    assert tail_threshold(GRID, 0.11, None) == 0.2
    assert tail_threshold(np.array([0.4, 0.2]), 0.25, None) == 0.2


def test_labels_weigh_alike_in_the_threshold_whatever_their_numbers():
    scores = np.r_[np.linspace(0.8, 1.0, 90), np.linspace(0.1, 0.3, 10)]
    labels = np.repeat(["many", "few"], [90, 10])
    assert tail_threshold(scores, 0.3, labels) == pytest.approx(0.1 + 0.2 * 5 / 9)
    assert tail_threshold(scores, 0.3, None) > 0.8


@pytest.mark.parametrize("scores", [[], [np.nan], [np.inf]])
def test_empty_or_infinite_scores_are_errors(scores):
    with pytest.raises(ValueError):
        tail_threshold(np.array(scores), 0.1, None)
    reference = RealTail.resample(GRID, alike(10), 0.1, 10, 0.95, "x")
    with pytest.raises(ValueError):
        reference.estimate_rate([np.array(scores)], [alike(len(scores))], "x")


def test_quantiles_under_counts_are_those_of_repeated_scores():
    scores, counts = RNG.random(30), RNG.multinomial(30, np.full(30, 1 / 30), 6)
    repeated = [np.repeat(scores, row) for row in counts]
    expected = [np.quantile(drawn, [0.1, 0.05], method="inverted_cdf") for drawn in repeated]
    assert (counted_quantiles(scores, counts, [0.1, 0.05]) == expected).all()


def test_quantiles_under_weights_are_those_of_numpy():
    scores, labels = RNG.random(40), np.repeat(["a", "b"], [33, 7])
    weights = label_weights(labels)
    expected = np.quantile(scores, [0.1, 0.5], weights=weights, method="inverted_cdf")
    assert counted_quantiles(scores, weights[None], [0.1, 0.5])[0] == pytest.approx(expected)


def test_estimates_have_the_values_of_the_plain_formulas():
    real, groups = RNG.random(60), [RNG.random(40) ** 2, RNG.random(40) ** 2]
    reference = RealTail.resample(real, alike(60), 0.1, 300, 0.95, "chest")
    rate = reference.estimate_rate(groups, [alike(40)] * 2, "chest", "lora")
    assert reference.estimate_threshold().value == tail_threshold(real, 0.1, None)
    assert rate.value == pytest.approx(np.mean([group < tail_threshold(real, 0.1, None) for group in groups]))
    assert rate.low <= rate.value <= rate.high and (rate.n, rate.seeds) == (80, 2)


def test_natural_prevalence_stands_beside_the_rate_of_labels_weighed_alike():
    real, labels = np.r_[np.full(80, 0.9), np.linspace(0.1, 0.5, 20)], np.repeat(["many", "few"], [80, 20])
    reference = RealTail.resample(real, labels, 0.25, 100, 0.95, "x")
    rate = reference.estimate_rate([real], [labels], "x")
    assert reference.threshold == pytest.approx(0.1 + 0.4 * 9 / 19)
    assert rate.value == pytest.approx(9 / 20 / 2)
    assert rate.natural == pytest.approx(0.2)  # all of the few, since the threshold of natural prevalence is 0.9


def test_interval_of_a_rate_includes_the_doubt_about_the_threshold():
    scores = np.linspace(0, 1, 2000)
    few, many = (
        RealTail.resample(np.linspace(0, 1, size), alike(size), 0.1, 400, 0.95, "size").estimate_rate(
            [scores], [alike(2000)], "x"
        )
        for size in (20, 2000)
    )
    assert few.high - few.low > 2 * (many.high - many.low)


def test_no_image_in_the_tail_leaves_a_doubt():
    rate = RealTail.resample(GRID, alike(10), 0.1, 100, 0.95, "x").estimate_rate([np.ones(50)], [alike(50)], "x")
    assert rate.value == rate.low == 0 and 0.03 < rate.high < 0.1


def test_real_images_stand_near_the_quantile_by_construction():
    real = np.random.default_rng(1).random(200)
    reference = RealTail.resample(real, alike(200), 0.1, 200, 0.95, "own")
    own = reference.estimate_own_rate(np.ones(200, bool), "own")
    assert own.value == pytest.approx(0.1, abs=0.006) and own.high - own.low < 0.02


def test_labels_share_the_threshold_of_their_dataset():
    real = np.concatenate([np.linspace(0.0, 0.4, 50), np.linspace(0.6, 1.0, 50)])
    labels = np.repeat(["low", "high"], 50)
    reference = RealTail.resample(real, labels, 0.1, 100, 0.95, "labels")
    first = labels == "low"
    assert reference.estimate_own_rate(first, "x").value == pytest.approx(0.2, abs=0.021)
    assert reference.estimate_own_rate(~first, "x").value == 0


def test_shares_below_are_those_of_repeated_images():
    scores, counts = np.array([0.1, 0.5, 0.9]), np.array([[1, 1, 1], [3, 0, 0], [0, 1, 2]])
    assert weigh_below(scores, counts, np.array([0.6, 0.6, 0.2])) == pytest.approx([2 / 3, 1, 0])


def test_thresholds_lie_around_that_of_all_images_and_blocks_of_resamples_change_nothing(monkeypatch):
    real, labels = np.random.default_rng(5).random(200), np.repeat(["a", "b"], [150, 50])
    whole = by_number(resample_thresholds(real, labels, [0.1, 0.05], 400, "skin"))
    assert whole.shape == (402, 2) and (whole[:, 0] >= whole[:, 1]).all()
    assert whole[-1].tolist() == [tail_threshold(real, quantile, labels) for quantile in (0.1, 0.05)]
    assert whole[-2].tolist() == [tail_threshold(real, quantile, None) for quantile in (0.1, 0.05)]
    assert whole[:400].mean(axis=0) == pytest.approx(whole[-1], abs=0.03)
    monkeypatch.setattr("craft.evaluation.statistics.intervals.BLOCK", 400 * 200)
    assert (by_number(resample_thresholds(real, labels, [0.1, 0.05], 400, "skin")) == whole).all()
