"""Intervals: exact values where they are known, theory elsewhere, and what is true without an effect."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from craft.evaluation.statistics.intervals import (
    Sampled,
    average,
    bootstrap_means,
    interval,
    join,
    mean_statistic,
    sample,
)
from craft.evaluation.statistics.resampling import label_weights, resample_counts


def alike(*sizes: int) -> list[np.ndarray]:
    return [np.zeros(size, int) for size in sizes]


def test_every_resample_draws_one_image_of_a_label_less_than_there_are():
    labels = np.array(["a", "b", "a", "a", "b", "c"])
    counts = resample_counts(labels, 50, np.random.default_rng(0))
    assert counts.shape == (50, 6) and counts.sum(axis=1) == pytest.approx(6)
    for label in "abc":
        assert counts[:, labels == label].sum(axis=1) == pytest.approx(2)
    assert set(np.unique(counts[:, labels == "a"])) == {0, 1, 2} and (counts[:, labels == "c"] == 2).all()


def test_the_spread_of_few_images_is_not_understated():
    values = np.random.default_rng(5).normal(size=(6, 1))
    found = sample(alike(6), mean_statistic([values]), 4000, "few")
    assert found.resamples.std() == pytest.approx(values.std(ddof=1) / np.sqrt(6), rel=0.05)


def test_weights_give_every_label_the_same():
    weights = label_weights(np.array(["a"] * 9 + ["b"]))
    assert weights.sum() == pytest.approx(10) and weights[:9].sum() == pytest.approx(weights[9:].sum())


def test_the_value_weighs_labels_alike_and_natural_prevalence_stands_beside_it():
    values, labels = np.r_[np.zeros(9), 1.0], np.array(["a"] * 9 + ["b"])
    (number,) = bootstrap_means([values[:, None]], 50, 0.95, "x", labels=[labels])
    assert (number.value, number.natural) == pytest.approx((0.5, 0.1))


def test_interval_of_one_seed_has_the_width_that_theory_gives():
    values = np.random.default_rng(1).normal(0.5, 0.1, size=400)
    (number,) = bootstrap_means([values[:, None]], 4000, 0.95, "theory")
    half = 1.96 * values.std() / np.sqrt(400)
    assert number.value == pytest.approx(values.mean())
    assert number.low == pytest.approx(values.mean() - half, abs=half / 8)
    assert number.high == pytest.approx(values.mean() + half, abs=half / 8)


def test_interval_of_several_seeds_is_that_of_students_t():
    groups = [np.random.default_rng(seed).normal(0.5 + 0.1 * seed, 0.01, size=(500, 1)) for seed in range(3)]
    (number,) = bootstrap_means(groups, 500, 0.95, "t")
    expected = stats.t.interval(0.95, 2, number.value, stats.sem([group.mean() for group in groups]))
    assert (number.low, number.high) == pytest.approx(expected, rel=0.01)
    assert (number.n, number.seeds) == (1500, 3)


def test_what_seeds_share_widens_their_interval():
    shared = np.random.default_rng(2).normal(0.5, 0.1, size=(100, 1))
    (own,) = bootstrap_means([shared] * 3, 500, 0.95, "own")
    found = sample(alike(100, 100, 100), mean_statistic([shared] * 3), 500, "x", together=True)
    (together,) = found.estimates(0.95)
    half = 1.96 * shared.std() / 10
    assert own.high - own.low < 0.5 * half and together.high - together.value == pytest.approx(half, rel=0.15)


@pytest.mark.parametrize("spread", [0.3, 1.0, 3.0])
def test_where_seeds_share_a_part_effects_are_found_no_oftener_than_stated_far_out_too(spread):
    rng, tables, resamples = np.random.default_rng(3), 4000, 60
    shared = rng.normal(size=tables)
    values = shared + spread * rng.normal(size=(3, tables))
    drawn = values[:, None] + rng.normal(size=(1, resamples, tables))
    p_values, _ = Sampled(values.mean(0), values.mean(0), values, drawn, 300).p_values()
    for level in (0.05, 0.02):
        assert (p_values < level).mean() <= 1.3 * level


def test_a_linear_function_of_several_seeds_is_that_of_each():
    groups = [np.random.default_rng(seed).random((30, 2)) for seed in range(3)]
    both = sample(alike(30, 30, 30), mean_statistic(groups), 200, "x")
    difference = both.apply(lambda means: means[:, :1] - means[:, 1:])
    direct = sample(alike(30, 30, 30), mean_statistic([group[:, :1] - group[:, 1:] for group in groups]), 200, "x")
    assert difference.estimates(0.9)[0].low == pytest.approx(direct.estimates(0.9)[0].low)
    assert difference.values == pytest.approx(direct.values)


def test_a_ratio_of_several_seeds_is_that_of_their_means():
    groups = [np.array([[1.0, 2.0]] * 5), np.array([[3.0, 4.0]] * 5)]
    ratio = sample(alike(5, 5), mean_statistic(groups), 20, "x").apply(lambda means: means[:, :1] / means[:, 1:])
    assert ratio.value[0] == pytest.approx(2 / 3)
    assert ratio.values[:, 0] == pytest.approx([2 * 2 / 3 - 3 / 4, 2 * 2 / 3 - 1 / 2])


def test_samples_are_averaged_and_joined():
    one, two = (sample(alike(20), mean_statistic([np.full((20, 1), value)]), 10, "x") for value in (1.0, 3.0))
    assert average([one, two]).value == [2.0] and average([one, two]).n == 40
    assert join([one, two]).value.tolist() == [1.0, 3.0] and join([one, two]).resamples.shape == (1, 10, 2)


@pytest.mark.parametrize("shift", [0.0, 0.1, 0.2, 0.3])
def test_p_value_of_one_seed_is_that_of_the_paired_t_test(shift):
    differences = np.random.default_rng(0).normal(shift, 1.0, 150)
    (found,), _ = sample(alike(150), mean_statistic([differences[:, None]]), 20_000, "p").p_values()
    assert found == pytest.approx(stats.ttest_1samp(differences, 0).pvalue, abs=0.015)


def test_p_value_of_several_seeds_is_that_of_students_t():
    groups = [np.full((10, 1), value) for value in (0.1, 0.3, 0.2)]
    (found,), (at_floor,) = sample(alike(10, 10, 10), mean_statistic(groups), 99, "p").p_values()
    assert found == pytest.approx(stats.ttest_1samp([0.1, 0.3, 0.2], 0).pvalue) and not at_floor


def test_a_p_value_at_the_floor_says_so_and_is_one_where_there_is_no_difference():
    (found,), (at_floor,) = sample(alike(9), mean_statistic([np.full((9, 1), 5.0)]), 99, "p").p_values()
    assert found == pytest.approx(0.01) and at_floor
    (found,), (at_floor,) = sample(alike(9), mean_statistic([np.zeros((9, 1))]), 99, "p").p_values()
    assert found == 1 and not at_floor


@pytest.mark.parametrize("value", [0.0, 1.0])
def test_a_share_of_none_or_all_leaves_a_doubt(value):
    (number,) = bootstrap_means([np.full((100, 1), value)], 50, 0.95, "x", share=True)
    assert number.value == value and 0.02 < number.high - number.low < 0.04
    (plain,) = bootstrap_means([np.full((100, 1), value)], 50, 0.95, "x")
    assert (plain.low, plain.high) == pytest.approx((value, value))


def test_the_same_names_give_the_same_resamples_and_others_give_others():
    values = [np.random.default_rng(3).random((50, 1))]
    first, again, other = (bootstrap_means(values, 100, 0.9, name) for name in ("x", "x", "y"))
    assert (first[0].low, first[0].high) == (again[0].low, again[0].high) != (other[0].low, other[0].high)


def test_columns_share_their_resamples():
    values = np.random.default_rng(4).random((30, 1))
    one, two = bootstrap_means([np.hstack([values, 1 - values])], 200, 0.8, "pair")
    assert one.low == pytest.approx(1 - two.high) and one.high == pytest.approx(1 - two.low)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.floats(0, 1), min_size=1, max_size=30))
def test_value_lies_in_the_range_and_the_interval_in_order(values):
    (number,) = bootstrap_means([np.array(values)[:, None]], 50, 0.95, "property")
    low, high = min(values) - 1e-9, max(values) + 1e-9
    assert low <= number.low <= number.high <= high and low <= number.value <= high


def test_undefined_resamples_are_left_out():
    assert interval(np.array([0.0, np.nan, 1.0]), 0.5) == (0.25, 0.75)


@pytest.mark.parametrize("groups", [[], [np.empty((0, 1))], [np.array([[0.1], [np.nan]])]])
def test_nothing_to_average_is_an_error(groups):
    with pytest.raises(ValueError):
        bootstrap_means(groups, 10, 0.9, "bad")
