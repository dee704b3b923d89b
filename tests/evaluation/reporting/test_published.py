"""What the abstract reports can be read in two ways; what follows from the first of them is computed."""

import pytest

from craft.evaluation.reporting.published import PUBLISHED, least_tail


def test_the_greatest_fall_bounds_its_tail_from_below():
    # falls of 10, 10 and 30 points from tails of 100, 100 and 75 %: the mean relative fall is 20 %
    assert least_tail((10, 30), 20, 3) == pytest.approx(75)
    assert PUBLISHED["least_tail"] == pytest.approx(100 * 34.7 / (4 * 20.4 - 3 * 5.5))
