"""Study `gap`: along reward finetuning, does the reward's own CAS run ahead of what others see in the same images?

The guard samples its fixed noise at every check, so the images of two checks are paired. Judges have scales of their
own, so every score becomes its *percentile* among the scores that the same judge gives to real test images with their
own labels. The gap of a check is the mean percentile under the reward's evaluator minus that under another judge: the
classifier of phantoms where there is one, and an evaluator that no training saw. Its change is counted from the least
gap so far, so that a gap which closes first and opens again is found.

The largest of many changes lies above 0 by luck alone. Whole courses are therefore resampled, an image with all its
checks. The gap opens at the first check whose change is above the critical value: the quantile, over the resamples, of
the largest change of a resampled course about the observed one. In a gap that never changes this finds an opening as
often as the confidence leaves open, whatever the number of checks. What is drawn is images, of these seeds.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from craft.core.seeds import numpy_generator
from craft.evaluation.settings import ScoringSettings
from craft.evaluation.statistics.intervals import Estimate, bootstrap_means
from craft.evaluation.statistics.resampling import resample_counts
from craft.evaluation.validity.rows import THESE_SEEDS, validity_row
from craft.evaluation.validity.scores import CAS

NEVER = float("nan")


@dataclass(frozen=True)
class Course:
    """What two judges make of the images of one seed's fixed noise at every check.

    Attributes:
        steps: of the training, shape (t,).
        labels: of the images, shape (n,).
        proxy: percentiles under the reward's evaluator, shape (n, t), in [0, 1].
        judge: percentiles under the other judge, shape (n, t), in [0, 1].
    """

    steps: list[int]
    labels: np.ndarray
    proxy: np.ndarray
    judge: np.ndarray

    @classmethod
    def of(cls, frame: pd.DataFrame, proxy: np.ndarray, judge: np.ndarray) -> "Course":
        """The course of a frame of checks (`craft.training.results.CHECK_COLUMNS`) and percentiles (rows,) of it."""
        rows = {int(step): found for step, found in frame.groupby("step").indices.items()}
        first = next(iter(rows.values()))
        columns = (np.column_stack([scores[found] for found in rows.values()]) for scores in (proxy, judge))
        return cls(list(rows), frame["label"].to_numpy()[first], *columns)

    @property
    def gap(self) -> np.ndarray:
        """How far the proxy is ahead, shape (n, t)."""
        return self.proxy - self.judge

    def deviations(self, resamples: int, rng: np.random.Generator) -> np.ndarray:
        """Mean gaps of resampled images minus those of the images as they are, shape (resamples, t).

        Images are drawn within labels where every label has two at least.
        """
        labels = pd.Series(self.labels)
        if labels.value_counts().min() < 2:
            labels = pd.Series(np.zeros(len(labels), int))
        gaps = pd.DataFrame(self.gap)
        centred = (gaps - gaps.groupby(labels).transform("mean")).to_numpy()
        return resample_counts(labels.to_numpy(), resamples, rng) @ centred / len(labels)


def link(steps: list[int], courses: Sequence[Course], means: Sequence[np.ndarray]) -> np.ndarray:
    """The mean course over seeds from 0 on: at every step the mean change of the seeds that are still there.

    A seed whose training ended early leaves the mean without making it jump.

    Args:
        steps: all steps, in order, shape (t,).
        courses: of every seed, which say at which steps it has means.
        means: of every seed, shapes (k, steps of that seed).

    Returns:
        Shape (k, t).
    """
    found = np.zeros((len(means[0]), len(steps)))
    for place, step in enumerate(steps[1:], start=1):
        changes = []
        for own, course in zip(means, courses, strict=True):
            if step in course.steps:
                at = course.steps.index(step)
                changes.append(own[:, at] - own[:, at - 1])
        found[:, place] = found[:, place - 1] + np.mean(changes, axis=0)
    return found


def rises(courses: np.ndarray) -> np.ndarray:
    """How far courses (k, t) stand above their least value so far, shape (k, t)."""
    return courses - np.minimum.accumulate(courses, axis=1)


@dataclass(frozen=True)
class Opening:
    """Whether and where a gap opened.

    Attributes:
        change: rise of the gap from its least value so far, at every step, shape (t,).
        critical: the rise that luck alone exceeds with the chance that the confidence leaves open.
        least: step of the least gap before the opening; NaN without one.
        told: first step whose change is above the critical value; NaN without one.
    """

    change: np.ndarray
    critical: float
    least: float
    told: float

    @classmethod
    def find(cls, courses: Sequence[Course], scoring: ScoringSettings, *names: str) -> "Opening":
        """Follow the gap of all seeds; with fewer than two images of a seed nothing is told.

        Args:
            courses: of every seed.
            scoring: bootstrap settings.
            names: seed the resamples.
        """
        steps = all_steps(courses)
        observed = link(steps, courses, [weigh(course) for course in courses])[0]
        change, critical = rises(observed[None])[0], float("inf")
        if min(len(course.labels) for course in courses) > 1:
            drawn = [
                course.deviations(scoring.bootstrap, numpy_generator("proxy gap", *names, seed))
                for seed, course in enumerate(courses)
            ]
            largest = rises(link(steps, courses, drawn)).max(axis=1)
            critical = float(np.quantile(largest, scoring.confidence))
        above = np.flatnonzero(change > critical)
        if not len(above):
            return cls(change, critical, NEVER, NEVER)
        least = int(np.argmin(observed[: above[0] + 1]))
        return cls(change, critical, float(steps[least]), float(steps[above[0]]))


def all_steps(courses: Sequence[Course]) -> list[int]:
    """The steps that any seed has, in order."""
    return sorted({step for course in courses for step in course.steps})


def weigh(course: Course) -> np.ndarray:
    """Mean gap at every step with labels weighed alike, shape (1, t)."""
    return pd.DataFrame(course.gap).groupby(course.labels).mean().mean().to_numpy()[None]


def follow_gap(
    courses: Sequence[Course], scoring: ScoringSettings, dataset: str, method: str, against: str, **shared
) -> Iterator[dict]:
    """Rows of the study for one method and one judge, which is named as the condition.

    `gap_change` and `reopening`, the largest change, have the critical value as both halves of their interval.

    Args:
        courses: of every seed.
        scoring: bootstrap settings.
        dataset: whose images they are.
        method: which was finetuned.
        against: name of the other judge.
        shared: evaluator and role of the rows.
    """
    opening = Opening.find(courses, scoring, dataset, method, against)
    place = {"study": "gap", "method": method, "dimension": CAS, "condition": against}
    place["source"] = f"{dataset}/{method}/seed*/checks.parquet"
    for step, change in zip(all_steps(courses), opening.change, strict=True):
        there = [course for course in courses if step in course.steps]
        at = [course.steps.index(step) for course in there]
        groups = [
            np.column_stack([each[:, column] for each in (course.proxy, course.judge, course.gap)])
            for course, column in zip(there, at, strict=True)
        ]
        labels = [course.labels for course in there]
        numbers = bootstrap_means(
            groups, scoring.bootstrap, scoring.confidence, "proxy gap", dataset, method, labels=labels
        )
        for metric, number in zip(("proxy", "judge", "gap"), numbers, strict=True):
            yield validity_row(number, level=float(step), metric=metric, **place, **shared)
        row = validity_row(rise(change, opening, there), level=float(step), metric="gap_change", **place, **shared)
        yield row | THESE_SEEDS
    row = validity_row(rise(opening.change.max(), opening, courses), metric="reopening", **place, **shared)
    yield row | THESE_SEEDS
    n = sum(len(course.labels) for course in courses)
    for metric, step in (("opens_from", opening.least), ("opens_at", opening.told)):
        yield validity_row(Estimate(step, NEVER, NEVER, n, len(courses)), metric=metric, **place, **shared)


def rise(change: float, opening: Opening, courses: Sequence[Course]) -> Estimate:
    """A change of the gap between its critical value below and above."""
    n, value = sum(len(course.labels) for course in courses), float(change)
    return Estimate(value, value - opening.critical, value + opening.critical, n, len(courses))
