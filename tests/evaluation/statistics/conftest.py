"""What the tests of statistics share: scores of a drawn run, and its pairs."""

import pytest

from craft.evaluation.results import read_scores
from craft.evaluation.statistics.pairs import pair_scores


@pytest.fixture(scope="module")
def scores(fake_run):
    return read_scores(*fake_run)


@pytest.fixture(scope="module")
def pairs(scores, fake_run):
    return pair_scores(scores, fake_run[1])
