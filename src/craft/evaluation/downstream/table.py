"""The downstream table: how well classifiers that were trained on real, synthetic and mixed images know real ones."""

import numpy as np
import pandas as pd

from craft.evaluation.downstream.metrics import METRICS, classification_statistic
from craft.evaluation.downstream.results import PREDICTIONS
from craft.evaluation.results import Results
from craft.evaluation.settings import Run
from craft.evaluation.statistics.intervals import estimate
from craft.evaluation.tables import ALL, Table, labels_by_seed, make_table, table_row


def downstream_table(predictions: pd.DataFrame, run: Run) -> pd.DataFrame:
    """The metrics of the classifiers of every training arm on the real test images.

    Args:
        predictions: of all datasets (`craft.evaluation.downstream.results.PREDICTIONS`).
        run: labels of the datasets and bootstrap settings.

    Returns:
        A frame with the columns `craft.evaluation.tables.COLUMNS`; `method` is the arm, as
        `craft.evaluation.downstream.arms.Arm` names it, and `evaluator` the backbone.
    """
    rows = []
    for (dataset, backbone, arm), part in predictions.groupby(["dataset", "backbone", "method"], sort=False):
        rows += arm_rows(part, run, dataset, backbone, arm)
    return make_table(rows)


def arm_rows(predictions: pd.DataFrame, run: Run, dataset: str, backbone: str, arm: str) -> list[dict]:
    """Rows of the downstream table for one dataset, backbone and arm."""
    labels, scoring = run.datasets[dataset], run.scoring
    seeds = [rows for _, rows in predictions.groupby("seed")]
    statistic = classification_statistic(
        [rows["label"].map(labels.index).to_numpy() for rows in seeds],
        [np.stack(rows["probabilities"].to_list()) for rows in seeds],
    )
    numbers = estimate(labels_by_seed(predictions), statistic, scoring.bootstrap, scoring.confidence, dataset, arm)
    return [
        table_row(
            number,
            dataset=dataset,
            label=ALL,
            method=arm,
            evaluator=backbone,
            role="downstream",
            metric=metric,
            source=f"{dataset}/{PREDICTIONS.name}",
        )
        for metric, number in zip(METRICS, numbers, strict=True)
    ]


def make(results: Results) -> pd.DataFrame:
    """The table of a run."""
    return downstream_table(results.read(PREDICTIONS), results.run)


TABLE = Table(
    make,
    "how well classifiers trained on real, synthetic and mixed images tell the labels of real ones",
    (PREDICTIONS,),
)
