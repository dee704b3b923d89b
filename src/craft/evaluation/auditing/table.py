"""The audit's table: which share of their checklists images satisfy, and which judges agree with which."""

from collections.abc import Iterator
from dataclasses import replace
from itertools import combinations

import numpy as np
import pandas as pd

from craft.core.settings import CONTROLS
from craft.evaluation.auditing.agreement import RANKS, estimate_kappa, estimate_ranks
from craft.evaluation.auditing.base import NO, UNKNOWN, YES
from craft.evaluation.auditing.results import ANSWERS
from craft.evaluation.results import Results
from craft.evaluation.scoring.results import SCORES, scores_source
from craft.evaluation.settings import Run
from craft.evaluation.statistics.intervals import Statistic, estimate
from craft.evaluation.tables import ALL, Table, label_groups, labels_by_seed, make_table, table_row

ROLE = "auditor"
SATISFIED, TOLD = "satisfied", "told"


def audit_table(answers: pd.DataFrame, scores: pd.DataFrame, run: Run) -> pd.DataFrame:
    """Shares of satisfied items, the agreement of auditors, and the order of methods beside that of CAS.

    Metrics, under the auditor's name as evaluator:
    `satisfied`, the weighted share of an image's told items that are answered yes, averaged over images that have some;
    `told`, the share of an image's items that are told;
    `item: <statement>`, the share of images answered yes among those told (by label);
    `kappa: <auditor>`, Cohen's kappa with another auditor over the items that both told;
    `kendall: <evaluator>` and `spearman: <evaluator>` (method `all`), rank correlations of the methods' `satisfied`
    with their CAS.

    Intervals take the auditors as they are: thresholds of biomarkers are not resampled.

    Args:
        answers: of all datasets (`craft.evaluation.auditing.results.ANSWERS`).
        scores: of all datasets (`craft.evaluation.scoring.results.SCORES`).
        run: datasets, methods and bootstrap settings.

    Returns:
        A frame with the columns `craft.evaluation.tables.COLUMNS`; what no image could be told of has no row.
    """
    rows = []
    for dataset, part in answers.groupby("dataset", sort=False):
        for (method, auditor), group in part.groupby(["method", "auditor"], sort=False):
            rows += share_rows(group, run, dataset, method, auditor)
        rows += kappa_rows(part, run, dataset)
        rows += rank_rows(part, scores[scores["dataset"] == dataset], run, dataset)
    return make_table(rows)


def audit_row(estimate, dataset: str, label: str, method: str, auditor: str, metric: str, source: str = "") -> dict:
    """One row of the audit's table."""
    source = f"{dataset}/{ANSWERS.name}" + source
    names = {"dataset": dataset, "label": label, "method": method, "evaluator": auditor}
    return table_row(estimate, role=ROLE, metric=metric, source=source, **names)


def answer_matrix(frame: pd.DataFrame) -> np.ndarray:
    """Answers of one label's images, shape (images, items): 1 for yes, 0 for no, NaN where it cannot be told."""
    numbers = frame["answer"].map({YES: 1.0, NO: 0.0, UNKNOWN: np.nan}).to_numpy(float)
    return numbers.reshape(-1, frame["item"].nunique())


def summarise_images(frame: pd.DataFrame) -> pd.DataFrame:
    """One row per image of one auditor: its `satisfied` (NaN where nothing is told) and its `told`."""
    frames = []
    for (method, seed, label), rows in frame.groupby(["method", "seed", "label"], sort=False):
        answers = answer_matrix(rows)
        items = answers.shape[1]
        weights = rows["weight"].to_numpy(float)[:items] * np.isfinite(answers)
        told = weights.sum(axis=1)
        satisfied = np.divide(
            (weights * np.nan_to_num(answers)).sum(axis=1), told, out=np.full(len(told), np.nan), where=told > 0
        )
        names = {"method": method, "seed": seed, "label": label, "image_id": rows["image_id"].to_numpy()[::items]}
        frames.append(pd.DataFrame(names | {SATISFIED: satisfied, TOLD: np.isfinite(answers).mean(axis=1)}))
    return pd.concat(frames, ignore_index=True)


def told_means(groups: list[np.ndarray]) -> Statistic:
    """Column means over the finite values of `groups`, one array of shape (images, columns) per seed."""

    def statistic(group: int, counts: np.ndarray, numbers: np.ndarray) -> np.ndarray:
        told = counts @ np.isfinite(groups[group])
        sums = counts @ np.nan_to_num(groups[group])
        return np.divide(sums, told, out=np.full(sums.shape, np.nan), where=told > 0)

    return statistic


def share_rows(frame: pd.DataFrame, run: Run, dataset: str, method: str, auditor: str) -> Iterator[dict]:
    """Rows of the shares of one method under one auditor: all labels, every label, and every item of a label."""
    images = summarise_images(frame)
    for label, group in label_groups(images, run.datasets[dataset]):
        seeds = [rows[[SATISFIED, TOLD]].to_numpy(float) for _, rows in group.groupby("seed")]
        metrics = [SATISFIED, TOLD]
        if label != ALL:
            asked = frame[frame["label"] == label]
            items = [answer_matrix(rows) for _, rows in asked.groupby("seed")]
            seeds = [np.concatenate(pair, axis=1) for pair in zip(seeds, items, strict=True)]
            metrics += [f"item: {item}" for item in asked["item"].unique()]
        known = np.all([np.isfinite(values).any(axis=0) for values in seeds], axis=0)
        seeds = [values[:, known] for values in seeds]
        shown, names = labels_by_seed(group), (dataset, method, label, auditor)
        numbers = estimate(shown, told_means(seeds), run.scoring.bootstrap, run.scoring.confidence, *names)
        metrics = [metric for metric, some in zip(metrics, known, strict=True) if some]
        told = np.sum([np.isfinite(values).sum(axis=0) for values in seeds], axis=0)
        for metric, number, count in zip(metrics, numbers, told, strict=True):
            yield audit_row(replace(number, n=int(count)), dataset, label, method, auditor, metric)


def kappa_rows(frame: pd.DataFrame, run: Run, dataset: str) -> Iterator[dict]:
    """Cohen's kappa of every two auditors, for every method, over the images that both judged."""
    for first, second in combinations(frame["auditor"].unique(), 2):
        for method, rows in frame.groupby("method", sort=False):
            number = estimate_kappa(rows, (first, second), run.scoring, dataset, method)
            if number:
                yield audit_row(number, dataset, ALL, method, first, f"kappa: {second}")


def rank_rows(frame: pd.DataFrame, scores: pd.DataFrame, run: Run, dataset: str) -> Iterator[dict]:
    """Rank correlations of the methods' satisfied shares with their CAS under every evaluator, real images left out."""
    keys, evaluators = ["method", "seed", "label", "image_id"], scores["evaluator"].unique().tolist()
    # identical images of a label have identical answers and scores, and count once here
    cas = scores.drop_duplicates([*keys, "evaluator"]).pivot(index=keys, columns="evaluator", values="cas").dropna()
    cas = cas.reset_index()
    for auditor, judged in frame[~frame["method"].isin(CONTROLS)].groupby("auditor", sort=False):
        images = summarise_images(judged).dropna(subset=SATISFIED).drop_duplicates(keys).merge(cas, on=keys)
        found = estimate_ranks(images, SATISFIED, evaluators, run.scoring, dataset, auditor)
        for evaluator, numbers in found.items():
            for name, number in zip(RANKS, numbers, strict=True):
                source = f"; {scores_source(dataset, '*')}"
                yield audit_row(number, dataset, ALL, ALL, auditor, f"{name}: {evaluator}", source)


def make(results: Results) -> pd.DataFrame:
    """The table of a run."""
    return audit_table(results.read(ANSWERS), results.read(SCORES), results.run)


TABLE = Table(
    make, "which share of their checklists images satisfy, and which judges agree with which", (ANSWERS, SCORES)
)
