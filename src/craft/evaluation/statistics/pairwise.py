"""All pairs of two sets of features, a block of rows at a time, so that no matrix of images by images is ever held."""

from collections.abc import Iterator

import numpy as np
from sklearn.utils import gen_batches

# elements of a matrix that is held at a time
BLOCK = 2_000_000
# a squared distance below this share of both squared lengths is that of equal features, and rounding
ROUNDING = 1e-13


def row_blocks(rows: int, columns: int, elements: int | None = None) -> Iterator[slice]:
    """Rows of a matrix (rows, columns) in blocks of at most so many elements (`BLOCK`), at least one row each."""
    return gen_batches(rows, max(1, (elements or BLOCK) // max(1, columns)))


def distance_blocks(first: np.ndarray, second: np.ndarray) -> Iterator[tuple[slice, np.ndarray]]:
    """Euclidean distances of features (n, width) and (m, width): rows of the first, and a block (rows, m)."""
    # about a common centre fewer digits cancel
    centre = second.mean(axis=0)
    first, second = first - centre, second - centre
    lengths, others = (first**2).sum(axis=1), (second**2).sum(axis=1)
    for rows in row_blocks(len(first), len(second)):
        scale = lengths[rows, None] + others
        squares = scale - 2 * (first[rows] @ second.T)
        squares[squares < ROUNDING * len(centre) * scale] = 0
        yield rows, np.sqrt(squares, out=squares)
