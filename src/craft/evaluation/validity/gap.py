"""Study d: along reward finetuning, does the reward's own CAS run ahead of what others see in the same images?

The guard samples its fixed noise at every check, so the images of two checks are paired. The gap of a check is the mean
difference between the in-family CAS and another judge's score: the truth's probability of the intended label where
the truth is known, and the CAS of an evaluator that no training saw. The two stand on different scales, so what counts
is the gap's change since the start; it opens at the first check at which the whole interval of that change is above 0.
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd

from craft.core.config.evaluation import Scoring
from craft.core.errors import CraftError
from craft.evaluation.results import require_columns
from craft.evaluation.statistics.intervals import Estimate, bootstrap_means
from craft.evaluation.validity.rows import CAS, validity_row

CHECK_COLUMNS = ("step", "number", "label", "image")
NEVER = float("nan")

# step -> scores of the images of the fixed noise, shape (n,), for one judge and seed
Course = dict[int, np.ndarray]


def read_checks(path: Path) -> pd.DataFrame:
    """The images of a reward run's fixed noise at every check.

    Raises:
        CraftError: if the file is missing, lacks a column, has no row, or its checks show different noise.
    """
    if not Path(path).is_file():
        raise CraftError(f"no images of the guard's checks {path}: run `snakemake {path}` first")
    frame = pd.read_parquet(path)
    require_columns(frame, CHECK_COLUMNS, path)
    shown = {tuple(part["number"]) for _, part in frame.groupby("step")}
    if len(shown) != 1:
        raise CraftError(f"{path}: expected the same noise at every check; delete the file and run snakemake again")
    return frame


def course(frame: pd.DataFrame, scores: np.ndarray) -> Course:
    """Scores (rows,) of a frame of checks by step."""
    return {int(step): scores[rows] for step, rows in frame.groupby("step").indices.items()}


def widen(proxy: list[Course], judge: list[Course], scoring: Scoring, *names: str) -> list[tuple[int, str, Estimate]]:
    """Step, metric and estimate of the mean scores, the gap and its change since the start, at every check.

    Args:
        proxy: the in-family CAS of every seed.
        judge: the other judge's scores of the same images.
        scoring: bootstrap settings.
        names: seed the draws.
    """
    found = []
    for step in sorted({step for run in proxy for step in run}):
        groups = []
        for own, other in zip(proxy, judge, strict=True):
            if step in own:
                gap, start = own[step] - other[step], own[min(own)] - other[min(own)]
                groups.append(np.column_stack([own[step], other[step], gap, gap - start]))
        numbers = bootstrap_means(groups, scoring.bootstrap, scoring.confidence, "proxy gap", *names)
        metrics = ("proxy", "judge", "gap", "gap_change")
        found += [(step, metric, number) for metric, number in zip(metrics, numbers, strict=True)]
    return found


def opening(found: list[tuple[int, str, Estimate]]) -> Estimate:
    """The first step at which the gap's change is above 0 with its whole interval; NaN if there is none."""
    changes = [(step, number) for step, metric, number in found if metric == "gap_change"]
    wide = [float(step) for step, number in changes if number.low > 0]
    last = changes[-1][1]
    return Estimate(wide[0] if wide else NEVER, NEVER, NEVER, last.n, last.seeds)


def follow_gap(
    proxy: list[Course], judge: list[Course], scoring: Scoring, dataset: str, method: str, against: str, **shared
) -> Iterator[dict]:
    """Rows of the study `gap` for one method and one judge, which is named as the condition."""
    found = widen(proxy, judge, scoring, dataset, method)
    place = {"study": "gap", "method": method, "dimension": CAS, "condition": against}
    place["source"] = f"{dataset}/{method}/seed*/checks.parquet"
    for step, metric, number in found:
        yield validity_row(number, level=float(step), metric=metric, **place, **shared)
    yield validity_row(opening(found), metric="opens_at", **place, **shared)
