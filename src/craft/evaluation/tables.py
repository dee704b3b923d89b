"""The paper's tables: one tidy row a number, with its interval, its counts and the files it came from."""

from collections.abc import Iterator

import numpy as np
import pandas as pd

from craft.core.config.base import REAL
from craft.core.errors import CraftError
from craft.core.settings import TableSettings
from craft.evaluation.downstream.metrics import METRICS, classification_statistic
from craft.evaluation.results import DIMENSIONS, TRUTH, scores_source
from craft.evaluation.statistics.intervals import Estimate, bootstrap_means, estimate
from craft.evaluation.statistics.tails import TailReference, require_reference, tail_metric, tail_quantiles

COLUMNS = ("dataset", "label", "method", "evaluator", "role", "metric", "value", "low", "high", "n", "seeds", "source")
ALL = "all"


def table_row(
    estimate: Estimate, *, dataset: str, label: str, method: str, evaluator: str, role: str, metric: str, source: str
) -> dict:
    """One row of a table."""
    row = {"dataset": dataset, "label": label, "method": method, "evaluator": evaluator, "role": role, "metric": metric}
    row |= {"value": estimate.value, "low": estimate.low, "high": estimate.high}
    return row | {"n": estimate.n, "seeds": estimate.seeds, "source": source}


def make_table(rows: list[dict]) -> pd.DataFrame:
    """Rows as a frame with the columns of every table, in their order."""
    return pd.DataFrame(rows, columns=list(COLUMNS))


def label_groups(frame: pd.DataFrame, labels: list[str]) -> Iterator[tuple[str, pd.DataFrame]]:
    """The whole frame under the name "all", then the rows of every label that has some."""
    yield ALL, frame
    for label in labels:
        if len(rows := frame[frame["label"] == label]):
            yield label, rows


def by_seed(frame: pd.DataFrame, column: str) -> list[np.ndarray]:
    """Values of a column, one array a seed, in the order of the seeds."""
    return [group[column].to_numpy(float) for _, group in frame.groupby("seed")]


def cas_table(scores: pd.DataFrame, run: TableSettings) -> pd.DataFrame:
    """CAS and its dimensions for every modality, label, method and evaluator.

    The truth classifier's rows hold its probability of the intended label (`cas`) and how often that label is its most
    probable one (`agreement`).

    Args:
        scores: as `craft.evaluation.results.read_scores` returns them.
        run: datasets, methods and bootstrap settings.

    Returns:
        A frame with the columns `COLUMNS`.

    Raises:
        CraftError: if evaluators of a run scored different numbers of images.
    """
    rows = []
    for (dataset, method), part in scores.groupby(["dataset", "method"], sort=False):
        for label, group in label_groups(part, run.datasets[dataset]):
            evaluators = [
                (name, role, rated) for (name, role), rated in group.groupby(["evaluator", "role"], sort=False)
            ]
            if len({len(rated) for _, _, rated in evaluators}) > 1:
                raise CraftError(
                    f"{scores_source(dataset, method)}: evaluators scored different numbers of images;"
                    " run `snakemake --forcerun score_images`"
                )
            # all evaluators' scores form one matrix, so that they share their resamples
            columns = [(name, role, metric) for name, role, _ in evaluators for metric in metrics_of(role)]
            blocks = [score_matrix(rated, role) for _, role, rated in evaluators]
            seeds = [np.concatenate(parts, axis=1) for parts in zip(*blocks, strict=True)]
            estimates = bootstrap_means(seeds, run.scoring.bootstrap, run.scoring.confidence, dataset, method, label)
            rows += [
                table_row(
                    number,
                    dataset=dataset,
                    label=label,
                    method=method,
                    evaluator=name,
                    role=role,
                    metric=metric,
                    source=scores_source(dataset, method),
                )
                for (name, role, metric), number in zip(columns, estimates, strict=True)
            ]
    return make_table(rows)


def metrics_of(role: str) -> tuple[str, ...]:
    """Metrics that the CAS table holds for an evaluator of a role."""
    return ("cas", "agreement") if role == TRUTH else ("cas", *DIMENSIONS)


def score_matrix(frame: pd.DataFrame, role: str) -> list[np.ndarray]:
    """Scores of one evaluator, one array of shape (images, metrics of its role) a seed."""
    if role == TRUTH:
        frame = frame.assign(agreement=frame["agrees"].astype(bool))
    return [group[list(metrics_of(role))].to_numpy(float) for _, group in frame.groupby("seed")]


def tail_table(scores: pd.DataFrame, run: TableSettings) -> pd.DataFrame:
    """Thresholds of real test images and tail rates of all methods, for every modality, label and evaluator.

    A modality and evaluator has one threshold, which its labels share, and further ones at lower quantiles. Their rows
    name the quantile, for example `tail_rate@0.05`.

    Args:
        scores: as `craft.evaluation.results.read_scores` returns them.
        run: datasets, methods and bootstrap settings.

    Returns:
        A frame with the columns `COLUMNS`; `threshold` rows stand under the method `real`.

    Raises:
        CraftError: if a modality has no real test images under an evaluator.
    """
    judged = scores[scores["role"] != TRUTH]
    rows = []
    for (dataset, evaluator, role), part in judged.groupby(["dataset", "evaluator", "role"], sort=False):
        shared = {"dataset": dataset, "evaluator": evaluator, "role": role}
        for quantile in tail_quantiles(run.scoring):
            rows += tail_rows(part, quantile, run, shared)
    return make_table(rows)


def tail_rows(part: pd.DataFrame, quantile: float, run: TableSettings, shared: dict) -> list[dict]:
    """Rows of the tail table for one dataset, evaluator and quantile; `shared` holds what they have in common."""
    dataset, evaluator, scoring = shared["dataset"], shared["evaluator"], run.scoring
    require_reference(part, dataset, evaluator)
    real = part[part["method"] == REAL]
    reference = TailReference.resample(
        real["cas"].to_numpy(float), quantile, scoring.bootstrap, scoring.confidence, dataset, evaluator
    )
    threshold, rate = (tail_metric(kind, quantile, scoring) for kind in ("threshold", "tail_rate"))
    of_real = shared | {"method": REAL, "source": scores_source(dataset, REAL)}
    rows = [table_row(reference.estimate_threshold(), label=ALL, metric=threshold, **of_real)]
    for label, _ in label_groups(real, run.datasets[dataset]):
        chosen = np.ones(len(real), bool) if label == ALL else (real["label"] == label).to_numpy()
        rows.append(table_row(reference.estimate_own_rate(chosen), label=label, metric=rate, **of_real))
    for method, images in part[part["method"] != REAL].groupby("method", sort=False):
        source = f"{scores_source(dataset, method)}; {scores_source(dataset, REAL)}"
        for label, group in label_groups(images, run.datasets[dataset]):
            number = reference.estimate_rate(by_seed(group, "cas"), dataset, method, label)
            rows.append(table_row(number, label=label, method=method, metric=rate, source=source, **shared))
    return rows


def downstream_table(predictions: pd.DataFrame, run: TableSettings) -> pd.DataFrame:
    """The metrics of the classifiers of every training arm on the real test images.

    Args:
        predictions: as `craft.evaluation.results.read_predictions` returns them.
        run: datasets, methods and bootstrap settings.

    Returns:
        A frame with the columns `COLUMNS`; `method` is the arm, as `craft.evaluation.downstream.arms.Arm` names it.
    """
    return make_table(
        [row for group in predictions.groupby(["dataset", "method"], sort=False) for row in arm_rows(group, run)]
    )


def arm_rows(group: tuple[tuple[str, str], pd.DataFrame], run: TableSettings) -> list[dict]:
    """Rows of the downstream table for one dataset and arm."""
    (dataset, arm), part = group
    labels, scoring = run.datasets[dataset], run.scoring
    seeds = [rows for _, rows in part.groupby("seed")]
    statistic = classification_statistic(
        [rows["label"].map(labels.index).to_numpy() for rows in seeds],
        [np.stack(rows["probabilities"].to_list()) for rows in seeds],
    )
    numbers = estimate([len(rows) for rows in seeds], statistic, scoring.bootstrap, scoring.confidence, dataset, arm)
    return [
        table_row(
            number,
            dataset=dataset,
            label=ALL,
            method=arm,
            evaluator="classifier",
            role="downstream",
            metric=metric,
            source=f"{dataset}/downstream.parquet",
        )
        for metric, number in zip(METRICS, numbers, strict=True)
    ]
