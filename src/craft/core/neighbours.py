"""Exact nearest neighbours by matrix products in blocks, so that memory does not grow with the number of queries.

A block of queries meets all of the database at once: 20 000 x 20 000 vectors of 512 numbers need 400 GFLOP and, beside
the vectors, 80 MB.
"""

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

BLOCK_NUMBERS = 20_000_000


@dataclass(frozen=True)
class Neighbours:
    """The nearest database vectors of every query, nearest first.

    Attributes:
        distances: shape (n, k).
        index: rows of the database, shape (n, k).
    """

    distances: Tensor
    index: Tensor

    @property
    def ratio(self) -> Tensor:
        """Distance of the first neighbour over that of the second, shape (n,), in [0, 1]; 1 where there is no second
        one or both are 0. A copy of one database vector lies near 0."""
        if self.distances.shape[1] < 2:
            return torch.ones_like(self.distances[:, 0])
        first, second = self.distances[:, 0], self.distances[:, 1]
        return torch.where(second > 0, first / second.clamp_min(1e-12), torch.ones_like(first))


def largest_products(
    queries: Tensor, database: Tensor, k: int, offset: Tensor | None = None, numbers: int = BLOCK_NUMBERS
) -> tuple[Tensor, Tensor]:
    """The k largest inner products of every query with the database, and their rows.

    Args:
        queries: shape (n, width).
        database: shape (m, width); k is cut to m.
        k: how many.
        offset: added to the product with every database vector, shape (m,).
        numbers: products that are held at a time, at least those of one query.

    Returns:
        Products in falling order, differentiable in both arguments, and rows; both of shape (n, min(k, m)).

    Raises:
        ValueError: if the vectors differ in width or the database is empty.
    """
    if not len(database) or queries.shape[1] != database.shape[1]:
        raise ValueError(f"cannot search vectors of shape {tuple(database.shape)} for {tuple(queries.shape)}")
    k, rows = min(k, len(database)), max(1, numbers // len(database))
    found = []
    for block in queries.split(rows) or [queries]:
        products = block @ database.T
        found.append((products if offset is None else products + offset).topk(k, dim=1))
    values, index = zip(*found, strict=True)
    return torch.cat(values), torch.cat(index)


def nearest(
    queries: Tensor,
    database: Tensor,
    k: int,
    metric: Literal["cosine", "l2"] = "cosine",
    numbers: int = BLOCK_NUMBERS,
) -> Neighbours:
    """The k nearest database vectors of every query.

    Args:
        queries: shape (n, width).
        database: shape (m, width).
        k: how many; cut to m.
        metric: `cosine`: 1 - cosine, in [0, 2]; `l2`: Euclidean distance.
        numbers: products that are held at a time.

    Raises:
        ValueError: if the vectors differ in width or the database is empty.
    """
    queries, database = queries.float(), database.float()
    if metric == "cosine":
        queries, database = (torch.nn.functional.normalize(vectors, dim=1) for vectors in (queries, database))
        _, index = largest_products(queries, database, k, numbers=numbers)
    else:
        # |q - d|^2 = |q|^2 - 2 (q d - |d|^2 / 2), computed about the centre, where fewer digits cancel
        centre = database.mean(0)
        queries, database = queries - centre, database - centre
        _, index = largest_products(queries, database, k, -database.square().sum(1) / 2, numbers)
    # from differences, since a difference of nearly equal products has no correct digit for a copy
    blocks = max(1, numbers // max(1, index.shape[1] * queries.shape[1]))
    pairs = zip(queries.split(blocks), index.split(blocks), strict=True)
    squares = torch.cat([(block[:, None] - database[rows]).square().sum(2) for block, rows in pairs])
    distances, order = (squares / 2 if metric == "cosine" else squares.sqrt()).sort(dim=1)
    return Neighbours(distances, index.gather(1, order))
