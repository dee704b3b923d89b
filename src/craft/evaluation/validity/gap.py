"""Study `gap`: along reward finetuning, does the reward's own CAS run ahead of what others see in the same images?

The guard samples its fixed noise at every check, so the images of two checks are paired. The gap of a check is the mean
difference between the in-family CAS and another judge's score: the probability of the intended label of the classifier
of phantoms where there is one, and the CAS of an evaluator that no training saw. The two stand on different scales, so
what counts is the gap's change since the start; it opens at the first check at which the whole interval of that change
is above 0.
"""

from collections.abc import Iterator

import numpy as np
import pandas as pd

from craft.evaluation.settings import ScoringSettings
from craft.evaluation.statistics.intervals import Estimate, bootstrap_means
from craft.evaluation.validity.rows import validity_row
from craft.evaluation.validity.scores import CAS

NEVER = float("nan")

# step -> scores of the images of the fixed noise, shape (n,), for one judge and seed
Course = dict[int, np.ndarray]


def course(frame: pd.DataFrame, scores: np.ndarray) -> Course:
    """Scores (rows,) of a frame of checks by step."""
    return {int(step): scores[rows] for step, rows in frame.groupby("step").indices.items()}


def widen(
    proxy: list[Course], judge: list[Course], scoring: ScoringSettings, *names: str
) -> list[tuple[int, str, Estimate]]:
    """Step, metric and estimate of the mean scores, the gap and its change since the start, at every check.

    Args:
        proxy: the in-family CAS of every seed.
        judge: the other judge's scores of the same images.
        scoring: bootstrap settings.
        names: seed the resamples.
    """
    found = []
    for step in sorted({step for each in proxy for step in each}):
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
    proxy: list[Course],
    judge: list[Course],
    scoring: ScoringSettings,
    dataset: str,
    method: str,
    against: str,
    **shared,
) -> Iterator[dict]:
    """Rows of the study for one method and one judge, which is named as the condition."""
    found = widen(proxy, judge, scoring, dataset, method)
    place = {"study": "gap", "method": method, "dimension": CAS, "condition": against}
    place["source"] = f"{dataset}/{method}/seed*/checks.parquet"
    for step, metric, number in found:
        yield validity_row(number, level=float(step), metric=metric, **place, **shared)
    yield validity_row(opening(found), metric="opens_at", **place, **shared)
