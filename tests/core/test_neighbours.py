"""Nearest neighbours: exact whatever the block, as scipy finds them, and differentiable where a reward needs it."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.distance import cdist

from craft.core.neighbours import largest_products, nearest


def vectors(count: int, width: int = 7, seed: int = 0) -> torch.Tensor:
    return torch.randn(count, width, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize(("metric", "named"), [("cosine", "cosine"), ("l2", "euclidean")])
@settings(max_examples=20, deadline=None)
@given(queries=st.integers(1, 9), database=st.integers(1, 12), k=st.integers(1, 4), numbers=st.integers(1, 60))
def test_neighbours_are_those_of_the_whole_distance_matrix_for_every_block(
    metric, named, queries, database, k, numbers
):
    first, second = vectors(queries, seed=queries), vectors(database, seed=100 + database)
    found = nearest(first, second, k, metric, numbers=numbers)
    table = cdist(first.double(), second.double(), named)
    expected = np.sort(table, axis=1)[:, :k]
    assert found.distances.shape == (queries, min(k, database))
    assert np.allclose(found.distances, expected, atol=1e-5)
    assert np.allclose(np.take_along_axis(table, found.index.numpy(), 1), expected, atol=1e-5)


@pytest.mark.parametrize("metric", ["cosine", "l2"])
def test_a_copy_far_from_the_origin_has_distance_zero(metric):
    database = vectors(50, 64) + 100
    found = nearest(database[:5], database, 2, metric)
    assert found.index[:, 0].tolist() == list(range(5))
    assert torch.equal(found.distances[:, 0], torch.zeros(5))
    assert torch.equal(found.ratio, torch.zeros(5))


def test_the_ratio_is_one_where_two_are_as_near_or_there_is_no_second():
    twice = torch.cat([vectors(1), vectors(1)])
    assert nearest(vectors(1), twice, 2).ratio.tolist() == [1.0]
    assert nearest(vectors(2), vectors(1), 2).ratio.tolist() == [1.0, 1.0]


def test_blocks_change_neither_products_nor_gradients():
    queries, database = vectors(6).requires_grad_(), vectors(11, seed=1)
    whole, rows = largest_products(queries, database, 3)
    parts, same = largest_products(queries, database, 3, numbers=1)
    assert torch.equal(rows, same) and torch.allclose(whole, parts, atol=1e-6)
    (gradient,) = torch.autograd.grad(parts.sum(), queries)
    assert torch.allclose(gradient, database[rows].sum(1), atol=1e-6)


def test_vectors_of_different_width_and_an_empty_database_are_refused():
    with pytest.raises(ValueError, match="cannot search"):
        nearest(vectors(2, 4), vectors(3, 5), 1)
    with pytest.raises(ValueError, match="cannot search"):
        nearest(vectors(2), vectors(0), 1)


def test_no_query_has_no_neighbour():
    found = nearest(vectors(0), vectors(3), 2)
    assert found.distances.shape == found.index.shape == (0, 2)
