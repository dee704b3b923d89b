"""Choices between two things, against values of textbooks and sums by hand."""

from math import comb, log

import numpy as np
import pytest

from craft.evaluation.statistics.choices import (
    bradley_terry,
    choices_needed,
    cohen_kappa,
    exact_interval,
    exact_power,
    fleiss_kappa,
    pairs_needed,
)


def power_by_hand(n: int, rate: float, alpha: float) -> float:
    """Sum of the chances of all counts that lie in either tail of one half."""
    count = -1
    while sum(comb(n, k) for k in range(count + 2)) / 2**n <= alpha / 2:
        count += 1
    refused = [k for k in range(n + 1) if k <= count or k >= n - count]
    return sum(comb(n, k) * rate**k * (1 - rate) ** (n - k) for k in refused)


def test_exact_intervals_are_those_of_clopper_and_pearson():
    assert exact_interval(9, 12, 0.95) == pytest.approx((0.42814, 0.94514), abs=1e-5)
    # with no success the upper end solves (1 - p)^n = alpha / 2
    assert exact_interval(0, 20, 0.95) == pytest.approx((0.0, 1 - 0.025 ** (1 / 20)))


def test_power_is_that_of_the_exact_test():
    assert exact_power(np.array([20]), 0.8, 0.05)[0] == pytest.approx(0.8042, abs=5e-5)
    numbers = np.arange(1, 40)
    by_hand = [power_by_hand(int(n), 0.7, 0.05) for n in numbers]
    assert exact_power(numbers, 0.7, 0.05) == pytest.approx(by_hand)
    assert exact_power(np.array([5]), 0.99, 0.05)[0] == 0, "five choices cannot be significant"


@pytest.mark.parametrize(("rate", "power", "alpha"), [(0.8, 0.8, 0.05), (0.3, 0.8, 0.05), (0.75, 0.9, 0.01)])
def test_from_the_planned_number_on_the_power_holds(rate, power, alpha):
    needed = choices_needed(rate, power, alpha)
    later = [power_by_hand(n, rate, alpha) for n in range(needed, needed + 40)]
    assert min(later) >= power > power_by_hand(needed - 1, rate, alpha)


def test_a_share_of_one_half_cannot_be_found():
    assert choices_needed(0.5001, 0.8, 0.05) is None


def test_readers_who_judge_alike_are_worth_less():
    assert pairs_needed(90) == pairs_needed(90, readers=3, correlation=1.0) == 90
    assert pairs_needed(90, readers=3, correlation=0.0) == 30
    assert pairs_needed(90, readers=3, correlation=0.5) == 60
    assert pairs_needed(90, no_difference=0.1) == 100


def test_strengths_of_two_things_are_the_log_odds_of_their_wins():
    first, second = bradley_terry(np.array([[0.0, 8.0], [2.0, 0.0]]))
    assert first - second == pytest.approx(log(8.5 / 2.5)) and first + second == pytest.approx(0)


def test_strengths_explain_the_wins_and_stay_finite():
    wins = np.array([[0.0, 7.0, 9.0], [3.0, 0.0, 6.0], [0.0, 4.0, 0.0]])
    strengths = np.exp(bradley_terry(wins))
    counted = wins + 0.5 * (1 - np.eye(3))
    expected = (counted + counted.T) * strengths[:, None] / (strengths[:, None] + strengths)
    assert expected.sum(axis=1) == pytest.approx(counted.sum(axis=1))


def test_cohens_kappa_of_the_textbook():
    # 50 grants, of which two readers pass 20, refuse 15, and differ on the others
    first = np.array(["yes"] * 25 + ["no"] * 25)
    second = np.array(["yes"] * 20 + ["no"] * 5 + ["yes"] * 10 + ["no"] * 15)
    assert cohen_kappa(first, second) == pytest.approx(0.4)
    assert np.isnan(cohen_kappa(first[:5], first[:5]))


def test_fleiss_kappa_of_the_textbook():
    counts = """0 0 0 0 14  0 2 6 4 2  0 0 3 5 6  0 3 9 2 0  2 2 8 1 1
                7 7 0 0 0  3 2 6 3 0  2 5 3 2 2  6 5 2 1 0  0 2 2 3 7"""
    assert fleiss_kappa(np.array(counts.split(), int).reshape(10, 5)) == pytest.approx(0.210, abs=5e-4)
    assert np.isnan(fleiss_kappa(np.array([[3, 0], [3, 0]])))
