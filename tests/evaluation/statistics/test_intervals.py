"""Nested bootstrap: exact values where they are known, theory elsewhere."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from craft.evaluation.statistics.intervals import (
    bootstrap_means,
    interval,
    nested_bootstrap,
    resample_counts,
)


def test_every_resample_draws_as_many_images_as_there_are():
    counts = resample_counts(7, 50, np.random.default_rng(0))
    assert counts.shape == (50, 7) and (counts.sum(axis=1) == 7).all()


def test_interval_of_one_seed_has_the_width_that_theory_gives():
    values = np.random.default_rng(1).normal(0.5, 0.1, size=400)
    (number,) = bootstrap_means([values[:, None]], 4000, 0.95, "theory")
    half = 1.96 * values.std() / np.sqrt(400)
    assert number.value == pytest.approx(values.mean())
    assert number.low == pytest.approx(values.mean() - half, abs=half / 8)
    assert number.high == pytest.approx(values.mean() + half, abs=half / 8)


def test_disagreeing_seeds_widen_the_interval():
    values = np.random.default_rng(2).normal(0.5, 0.01, size=(100, 1))
    (agreeing,) = bootstrap_means([values, values, values], 500, 0.95, "a")
    (disagreeing,) = bootstrap_means([values - 0.2, values, values + 0.2], 500, 0.95, "a")
    assert agreeing.value == pytest.approx(disagreeing.value)
    assert disagreeing.high - disagreeing.low > 10 * (agreeing.high - agreeing.low)
    assert (disagreeing.n, disagreeing.seeds) == (300, 3)


def test_constant_seeds_give_the_bootstrap_of_the_seeds():
    groups = [np.zeros(5), np.ones(5)]
    means = nested_bootstrap(
        [5, 5], lambda group, counts, numbers: counts @ groups[group][:, None] / 5, 4000, np.random.default_rng(0)
    )
    shares = [np.mean(means == level) for level in (0, 0.5, 1)]
    assert shares == pytest.approx([0.25, 0.5, 0.25], abs=0.03)


def test_the_same_names_give_the_same_resamples_and_others_give_others():
    values = [np.random.default_rng(3).random((50, 1))]
    first, again, other = (bootstrap_means(values, 100, 0.9, name) for name in ("x", "x", "y"))
    assert first == again and first != other


def test_columns_share_their_resamples():
    values = np.random.default_rng(4).random((30, 1))
    one, two = bootstrap_means([np.hstack([values, 1 - values])], 200, 0.8, "pair")
    assert one.low == pytest.approx(1 - two.high) and one.high == pytest.approx(1 - two.low)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.floats(0, 1), min_size=1, max_size=30), st.integers(1, 3))
def test_value_lies_in_the_range_and_the_interval_in_order(values, seeds):
    (number,) = bootstrap_means([np.array(values)[:, None]] * seeds, 50, 0.95, "property")
    low, high = min(values) - 1e-9, max(values) + 1e-9
    assert low <= number.low <= number.high <= high and low <= number.value <= high


def test_undefined_resamples_are_left_out():
    assert interval(np.array([0.0, np.nan, 1.0]), 0.5) == (0.25, 0.75)


@pytest.mark.parametrize("groups", [[], [np.empty((0, 1))], [np.array([[0.1], [np.nan]])]])
def test_nothing_to_average_is_an_error(groups):
    with pytest.raises(ValueError):
        bootstrap_means(groups, 10, 0.9, "bad")
