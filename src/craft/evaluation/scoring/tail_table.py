"""The table of the low-alignment tail: thresholds of real test images, and tail rates."""

import numpy as np
import pandas as pd

from craft.core.settings import REAL
from craft.evaluation.results import Results
from craft.evaluation.scoring.results import PHANTOM_CLASSIFIER, SCORES, require_real, scores_source
from craft.evaluation.settings import Run, tail_metric, tail_quantiles
from craft.evaluation.statistics.tails import RealTail
from craft.evaluation.tables import ALL, Table, by_seed, label_groups, labels_by_seed, make_table, table_row


def tail_table(scores: pd.DataFrame, run: Run) -> pd.DataFrame:
    """Thresholds of real test images and tail rates of all methods, for every dataset, label and evaluator.

    A dataset and evaluator has one threshold, which its labels share, and further ones at lower quantiles. Their rows
    name the quantile, for example `tail_rate@0.05`.

    Args:
        scores: columns of `SCORES`.
        run: datasets, methods and bootstrap settings.

    Returns:
        A frame with the columns `COLUMNS`; `threshold` rows stand under the method `real`.

    Raises:
        CraftError: if a dataset has no real test images under an evaluator.
    """
    judged = scores[scores["role"] != PHANTOM_CLASSIFIER]
    rows = []
    for (dataset, evaluator, role), part in judged.groupby(["dataset", "evaluator", "role"], sort=False):
        shared = {"dataset": dataset, "evaluator": evaluator, "role": role}
        for quantile in tail_quantiles(run.scoring):
            rows += tail_rows(part, quantile, run, shared)
    return make_table(rows)


def tail_rows(part: pd.DataFrame, quantile: float, run: Run, shared: dict) -> list[dict]:
    """Rows of the tail table for one dataset, evaluator and quantile; `shared` holds what they have in common."""
    dataset, evaluator, scoring = shared["dataset"], shared["evaluator"], run.scoring
    real = require_real(part, dataset, evaluator)
    scores, labels = real["cas"].to_numpy(float), real["label"].to_numpy(str)
    real_tail = RealTail.resample(scores, labels, quantile, scoring.bootstrap, scoring.confidence, dataset)
    threshold, rate = (tail_metric(kind, quantile, scoring) for kind in ("threshold", "tail_rate"))
    of_real = shared | {"method": REAL, "source": scores_source(dataset, REAL)}
    rows = [table_row(real_tail.estimate_threshold(), label=ALL, metric=threshold, **of_real)]
    for label, _ in label_groups(real, run.datasets[dataset]):
        chosen = np.ones(len(real), bool) if label == ALL else labels == label
        rows.append(table_row(real_tail.estimate_own_rate(chosen, dataset), label=label, metric=rate, **of_real))
    for method, images in part[part["method"] != REAL].groupby("method", sort=False):
        source = f"{scores_source(dataset, method)}; {scores_source(dataset, REAL)}"
        for label, group in label_groups(images, run.datasets[dataset]):
            number = real_tail.estimate_rate(by_seed(group, "cas"), labels_by_seed(group), dataset, method, label)
            rows.append(table_row(number, label=label, method=method, metric=rate, source=source, **shared))
    return rows


def make(results: Results) -> pd.DataFrame:
    """The table of a run."""
    return tail_table(results.read(SCORES), results.run)


TABLE = Table(make, "share of images below low quantiles of the real test images' CAS", (SCORES,))
