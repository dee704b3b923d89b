"""From statistics of resampled images to rows of the validity table."""

from collections.abc import Callable, Iterable
from dataclasses import replace

import numpy as np
import pandas as pd

from craft.evaluation.settings import ScoringSettings
from craft.evaluation.statistics.intervals import Estimate, estimate
from craft.evaluation.tables import estimate_cells
from craft.evaluation.validity.results import COLUMNS
from craft.evaluation.validity.scores import CAS, without
from craft.reward.dimensions import DIMENSIONS

# what an interval is over where images of all seeds are resampled together: another training has no part in it
THESE_SEEDS = {"over": "images, these seeds"}

# study, dimension and metric of a number, and what else tells it from others
Key = tuple[str, ...]


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
    """One row of the table; its dataset is filled in by `tabulate_studies`."""
    row = {"study": study, "method": method, "evaluator": evaluator, "role": role, "dimension": dimension}
    row |= {"condition": condition, "level": level, "metric": metric}
    return row | estimate_cells(number, method) | {"source": source}


def tabulate_studies(rows: Iterable[dict], dataset: str) -> pd.DataFrame:
    """Rows as a frame with the columns `craft.evaluation.validity.results.COLUMNS`."""
    return pd.DataFrame([row | {"dataset": dataset} for row in rows], columns=list(COLUMNS))


def with_shares(study: str, metric: str, values: dict[str, np.ndarray]) -> dict[Key, np.ndarray]:
    """A statistic of all scores, divided into its study and the study `drop_one`.

    Args:
        study: to which the statistics of each dimension and of CAS belong.
        metric: name of the statistic.
        values: of all names of `craft.evaluation.validity.scores.all_scores`.

    Returns:
        The statistics of dimensions and CAS; those of CAS without each dimension; and each dimension's share, which is
        what CAS loses without it.
    """
    found = {(study, name, metric): values[name] for name in (*DIMENSIONS, CAS)}
    found |= {("drop_one", name, metric): values[without(name)] for name in DIMENSIONS}
    return found | {("drop_one", name, f"{metric}_share"): values[CAS] - values[without(name)] for name in DIMENSIONS}


def estimate_by_key(
    labels: np.ndarray,
    seeds: int,
    statistic: Callable[[np.ndarray], dict[Key, np.ndarray]],
    scoring: ScoringSettings,
    *names: str,
) -> dict[Key, Estimate]:
    """Estimates of statistics of resampled units, which several seeds and methods may share.

    Args:
        labels: of the units, shape (units,), which weigh alike; images that start from the same noise depend on each
            other and are one unit.
        seeds: how many generator seeds the images come from.
        statistic: how much each unit counts, shape (k, units) -> key -> shape (k,).
        scoring: bootstrap settings.
        names: seed the resamples.
    """
    keys = list(statistic(np.ones((1, len(labels)))))

    def columns(group: int, counts: np.ndarray, numbers: np.ndarray) -> np.ndarray:
        return np.stack(list(statistic(counts).values()), axis=1)

    found = estimate([labels], columns, scoring.bootstrap, scoring.confidence, *names)
    return {key: replace(number, seeds=seeds) for key, number in zip(keys, found, strict=True)}
