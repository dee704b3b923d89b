"""Pairs in blocks: each once, with the distances that a whole matrix would hold."""

import numpy as np
import pytest
from scipy.spatial.distance import cdist

from craft.evaluation.fidelity import metrics
from craft.evaluation.statistics import pairwise
from craft.evaluation.statistics.pairwise import distance_blocks, row_blocks

RNG = np.random.default_rng(0)


def test_blocks_hold_every_row_once_and_no_more_elements_than_allowed():
    blocks = list(row_blocks(10, 4, elements=12))
    assert [row for block in blocks for row in range(10)[block]] == list(range(10))
    assert all(len(range(10)[block]) * 4 <= 12 for block in blocks)
    assert len(list(row_blocks(3, 100, elements=1))) == 3, "a row that is too long stands alone"


def test_distances_are_those_of_a_whole_matrix(monkeypatch):
    monkeypatch.setattr(pairwise, "BLOCK", 30)
    first, second = RNG.normal(3, 1, size=(11, 6)), RNG.normal(3, 1, size=(9, 6))
    found = np.concatenate([block for _, block in distance_blocks(first, second)])
    assert found == pytest.approx(cdist(first, second))


def test_equal_features_are_at_no_distance():
    features = np.repeat(RNG.normal(size=(3, 64)), 2, axis=0) * 40 + 7
    (_, found), *_ = distance_blocks(features, features)
    assert (found == 0).sum() == 12


def test_metrics_do_not_depend_on_the_size_of_the_blocks(monkeypatch):
    real, generated = RNG.normal(size=(40, 5)), RNG.normal(0.4, 1, size=(30, 5))
    labels, own = np.arange(40) % 3, np.arange(30) % 3

    def compare() -> dict:
        rngs = [np.random.default_rng(seed) for seed in (1, 2)]
        return metrics.RealFeatures(real, labels, 3, 20, rngs[0], "real").compare(generated, own, rngs[1], "made")

    whole = compare()
    monkeypatch.setattr(pairwise, "BLOCK", 64)
    for name, values in compare().items():
        assert values == pytest.approx(whole[name], nan_ok=True), name
