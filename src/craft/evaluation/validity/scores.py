"""What the studies judge, by name: each dimension, CAS, CAS without each dimension, and a classifier's probability."""

import numpy as np

from craft.evaluation.scoring.results import PLAIN_MEAN
from craft.reward.combination import combine, plain_mean
from craft.reward.dimensions import DIMENSIONS

CAS = "cas"
# a classifier of phantoms has no dimensions, but its probability of the intended label
PROBABILITY = "probability"


def without(name: str) -> str:
    """Name of CAS without a dimension."""
    return f"without_{name}"


def named_scores(dimensions: np.ndarray) -> dict[str, np.ndarray]:
    """Each dimension and CAS by name, shapes (...), of calibrated dimensions (..., d) in the order of `DIMENSIONS`."""
    return dict(zip(DIMENSIONS, np.moveaxis(dimensions, -1, 0), strict=True)) | {CAS: combine(dimensions)}


def gated_and_plain(dimensions: np.ndarray) -> dict[str, np.ndarray]:
    """`named_scores`, and the mean of all dimensions, as CAS would be without a gate."""
    return named_scores(dimensions) | {PLAIN_MEAN: plain_mean(dimensions)}


def all_scores(dimensions: np.ndarray) -> dict[str, np.ndarray]:
    """`named_scores`, and CAS without each dimension, the combination of the others."""
    scores = named_scores(dimensions)
    for left_out in DIMENSIONS:
        others = [name for name in DIMENSIONS if name != left_out]
        scores[without(left_out)] = combine(np.stack([scores[name] for name in others], axis=-1), others)
    return scores


def stack(scores: dict[str, np.ndarray]) -> np.ndarray:
    """Named scores of shapes (...) as the columns of one array (..., scores)."""
    return np.stack(list(scores.values()), axis=-1)
