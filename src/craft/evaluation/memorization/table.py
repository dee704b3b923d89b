"""The table of memorization: distances to training images, copy rates and membership inference, with intervals."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from craft.core.settings import REAL
from craft.evaluation.memorization.results import MEASURES, MEMBERSHIP, MEMBERSHIP_MEASURES, NEIGHBOURS
from craft.evaluation.results import Results, set_file
from craft.evaluation.settings import Run
from craft.evaluation.statistics.intervals import Statistic, bootstrap_means, estimate
from craft.evaluation.statistics.ranks import auroc
from craft.evaluation.tables import ALL, Table, label_groups, labels_by_seed, make_table, table_row

QUANTITIES = ("distance", "ratio", "copied")
METRICS = {"distance": "distance", "ratio": "distance_ratio", "copied": "copy_rate"}


def memorization_table(neighbours: pd.DataFrame, membership: pd.DataFrame, run: Run) -> pd.DataFrame:
    """Copies and membership inference for every dataset, method and measure.

    `evaluator` is the measure: whose features were compared, or `l2` or `ssim` for pictures; `role` is that of the
    features' model, or `pixels`. Metrics: mean `distance` to the nearest training image, mean `distance_ratio` of the
    first to the second nearest, `copy_rate`, and for methods `membership_auroc` (for `l2` without alignment), over all
    labels.

    Args:
        neighbours: of all datasets (`craft.evaluation.memorization.results.NEIGHBOURS`).
        membership: of all datasets (`craft.evaluation.memorization.results.MEMBERSHIP`).
        run: datasets, methods and bootstrap settings.

    Returns:
        A frame with the columns `craft.evaluation.tables.COLUMNS`.
    """
    rows = []
    for (dataset, method), part in neighbours.groupby(["dataset", "method"], sort=False):
        for label, group in label_groups(part, run.datasets[dataset]):
            rows += copy_rows(group, run, dataset, method, label)
        inferred = membership[(membership["dataset"] == dataset) & (membership["method"] == method)]
        if method != REAL and len(inferred):
            rows += membership_rows(inferred, run, dataset, method)
    return make_table(rows)


def copy_rows(frame: pd.DataFrame, run: Run, dataset: str, method: str, label: str) -> list[dict]:
    """Mean distances, ratios and copy rates of one method's images of a label."""
    columns = [(measure, what) for measure in MEASURES for what in QUANTITIES]
    names = [f"{measure}_{what}" for measure, what in columns]
    seeds = [group[names].to_numpy(float) for _, group in frame.groupby("seed")]
    scoring = run.scoring
    numbers = bootstrap_means(seeds, scoring.bootstrap, scoring.confidence, "memorization", dataset, method, label)
    shared = {"dataset": dataset, "label": label, "method": method, "source": f"{dataset}/{NEIGHBOURS.name}"}
    return [
        table_row(number, metric=METRICS[what], **name_measure(measure, frame), **shared)
        for (measure, what), number in zip(columns, numbers, strict=True)
    ]


def membership_rows(frame: pd.DataFrame, run: Run, dataset: str, method: str) -> list[dict]:
    """How well the distance to a method's images tells training images from test images, within labels."""
    seeds = [group for _, group in frame.groupby("seed")]
    statistic = membership_statistic(
        [(group["split"] == "train").to_numpy() for group in seeds],
        [group["label"].to_numpy() for group in seeds],
        [group[[f"{measure}_distance" for measure in MEMBERSHIP_MEASURES]].to_numpy(float) for group in seeds],
    )
    scoring, names = run.scoring, ("membership", dataset, method)
    numbers = estimate(labels_by_seed(frame), statistic, scoring.bootstrap, scoring.confidence, *names)
    source = f"{dataset}/{MEMBERSHIP.name}; {set_file(dataset, method, '*', 'images.parquet')}"
    shared = {"dataset": dataset, "label": ALL, "method": method, "metric": "membership_auroc", "source": source}
    return [
        table_row(number, **name_measure(measure, frame), **shared)
        for measure, number in zip(MEMBERSHIP_MEASURES, numbers, strict=True)
    ]


def membership_statistic(
    members: Sequence[np.ndarray], labels: Sequence[np.ndarray], distances: Sequence[np.ndarray]
) -> Statistic:
    """AUROC of the negative distance for `craft.evaluation.statistics.intervals.estimate`, one statistic per column.

    It is the mean of the AUROCs within labels: an easy label's images all lie near to generated ones, and the splits do
    not hold the labels in equal shares.

    Args:
        members: whether a real image was trained on, one array of shape (n,) per seed.
        labels: of the real images, one array of shape (n,) per seed.
        distances: to the nearest generated image, one array of shape (n, measures) per seed.
    """

    def statistic(group: int, counts: np.ndarray, resample: np.ndarray) -> np.ndarray:
        means = []
        for column in distances[group].T:
            own = [labels[group] == label for label in np.unique(labels[group])]
            means.append(np.mean([auroc(members[group][rows], -column[rows], counts[:, rows]) for rows in own], axis=0))
        return np.stack(means, axis=1)

    return statistic


def name_measure(measure: str, frame: pd.DataFrame) -> dict[str, str]:
    """The columns `evaluator` and `role` of a measure."""
    if measure == "features":
        return {"evaluator": frame["evaluator"].iloc[0], "role": frame["role"].iloc[0]}
    return {"evaluator": measure, "role": "pixels"}


def make(results: Results) -> pd.DataFrame:
    """The table of a run."""
    return memorization_table(results.read(NEIGHBOURS), results.read(MEMBERSHIP), results.run)


TABLE = Table(
    make,
    "how near generated images lie to training images, and whether they betray who was trained on",
    (NEIGHBOURS, MEMBERSHIP),
)
