"""What the tests of comparisons share: scores of a drawn run, and its pairs."""

import pytest

from craft.evaluation.comparison.pairs import pair_datasets
from craft.evaluation.results import Results
from craft.evaluation.scoring.results import SCORES


@pytest.fixture(scope="module")
def scores(fake_run):
    return Results(*fake_run).read(SCORES)


@pytest.fixture(scope="module")
def pairs(scores, fake_run):
    return pair_datasets(scores, fake_run[1])
