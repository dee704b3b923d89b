"""The validity table: one tidy row a number, with its interval, its counts and the files it came from."""

from collections.abc import Iterable
from dataclasses import replace

import numpy as np
import pandas as pd

from craft.evaluation.results import DIMENSIONS, VALIDITY_COLUMNS
from craft.evaluation.statistics.intervals import Estimate, Statistic, estimate

# what is judged: each dimension, their mean, and the mean of the other three
CAS = "cas"
WITHOUT = tuple(f"without_{name}" for name in DIMENSIONS)
SCORES = (*DIMENSIONS, CAS, *WITHOUT)


def all_scores(dimensions: np.ndarray) -> np.ndarray:
    """Columns `SCORES` (..., 9) of calibrated dimensions (..., 4)."""
    total = dimensions.sum(-1, keepdims=True)
    return np.concatenate([dimensions, total / 4, (total - dimensions) / 3], axis=-1)


def validity_row(
    number: Estimate,
    *,
    study: str,
    metric: str,
    source: str,
    method: str = "",
    evaluator: str = "",
    role: str = "",
    dimension: str = "",
    condition: str = "",
    level: float = float("nan"),
) -> dict:
    """One row of the table; its dataset is filled in by `validity_table`."""
    row = {"study": study, "method": method, "evaluator": evaluator, "role": role, "dimension": dimension}
    row |= {"condition": condition, "level": level, "metric": metric}
    row |= {"value": number.value, "low": number.low, "high": number.high}
    return row | {"n": number.n, "seeds": number.seeds, "source": source}


def validity_table(rows: Iterable[dict], dataset: str) -> pd.DataFrame:
    """Rows as a frame with the columns `VALIDITY_COLUMNS`."""
    return pd.DataFrame([row | {"dataset": dataset} for row in rows], columns=list(VALIDITY_COLUMNS))


def estimate_shared(
    units: int, seeds: int, statistic: Statistic, draws: int, confidence: float, *names: str
) -> list[Estimate]:
    """Estimates of a statistic of resampled units that several seeds and methods share.

    Images which start from the same noise depend on each other, so they are resampled together, as one unit.
    """
    return [replace(number, seeds=seeds) for number in estimate([units], statistic, draws, confidence, *names)]
