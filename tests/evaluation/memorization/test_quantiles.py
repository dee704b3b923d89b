"""Low quantiles of distances: what their intervals hold, with few images too."""

import numpy as np
import pytest
from scipy.stats import gamma

from craft.evaluation.memorization.quantiles import bound_quantile, estimate_quantile

SETS, SHAPE = 400, 4


@pytest.mark.parametrize("quantile", [0.01, 0.05])
@pytest.mark.parametrize("count", [60, 150, 400])
def test_a_quantile_lies_within_its_bounds(count, quantile):
    rng, truth = np.random.default_rng(count), gamma(SHAPE).ppf(quantile)
    drawn = [(rng.gamma(SHAPE, size=count), rng.choice(["a", "b"], count, p=[0.65, 0.35])) for _ in range(SETS)]
    bounds = np.array([bound_quantile(distances, labels, quantile, 0.95) for distances, labels in drawn])
    assert ((bounds[:, 0] <= truth) & (truth <= bounds[:, 1])).mean() >= 0.92
    assert (bounds[:, 1] > truth).mean() >= 0.95


def test_what_few_images_cannot_bound_from_below_reaches_down_to_zero():
    distances, labels = np.linspace(1, 2, 150), np.repeat(["a", "b", "c"], 50)
    assert bound_quantile(distances, labels, 0.01, 0.95)[0] == 0
    assert bound_quantile(distances, labels, 0.05, 0.95)[0] > 1


def test_with_several_seeds_a_quantile_is_the_mean_of_theirs():
    rng = np.random.default_rng(0)
    seeds, labels = [rng.gamma(SHAPE, size=200) for _ in range(3)], [np.repeat(["a", "b"], 100)] * 3
    number = estimate_quantile(seeds, labels, 0.05, 100, 0.95, "test")
    assert number.value == pytest.approx(np.mean([np.sort(each)[9] for each in seeds]))
    assert 0 <= number.low < number.value < number.high and (number.n, number.seeds) == (600, 3)
