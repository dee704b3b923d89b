"""The table of memorization: distances to training images, copy rates and membership inference, with intervals."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from craft.core.config.base import REAL
from craft.core.errors import CraftError
from craft.core.settings import TableSettings
from craft.evaluation.downstream.metrics import auroc
from craft.evaluation.results import MEASURES, MEMBERSHIP_COLUMNS, NEIGHBOUR_COLUMNS, read_files, run_file
from craft.evaluation.statistics.intervals import Statistic, bootstrap_means, estimate
from craft.evaluation.tables import ALL, label_groups, make_table, table_row

QUANTITIES = ("distance", "ratio", "copied")
METRICS = {"distance": "distance", "ratio": "distance_ratio", "copied": "copy_rate"}


def read_neighbours(results: Path, run: TableSettings) -> pd.DataFrame:
    """Nearest training images of all datasets' images, columns `NEIGHBOUR_COLUMNS`."""
    return read_distances(results, run, "neighbours.parquet", NEIGHBOUR_COLUMNS)


def read_membership(results: Path, run: TableSettings) -> pd.DataFrame:
    """Distances of all datasets' real images to the generated ones, columns `MEMBERSHIP_COLUMNS`."""
    return read_distances(results, run, "membership.parquet", MEMBERSHIP_COLUMNS)


def read_distances(results: Path, run: TableSettings, name: str, columns: tuple[str, ...]) -> pd.DataFrame:
    """The files of one name of all datasets.

    Raises:
        CraftError: if a file is missing, lacks a column, has no row, or holds a distance that is not finite.
    """
    frame = read_files(results, run, name, columns, "search for copies")
    distances = frame[[column for column in columns if column.endswith("_distance")]]
    bad = frame.loc[~np.isfinite(distances).all(axis=1), "dataset"]
    if len(bad):
        path = Path(results) / bad.iloc[0] / name
        raise CraftError(f"{path} holds a distance that is not finite; run `snakemake --force {path}`")
    return frame


def memorization_table(neighbours: pd.DataFrame, membership: pd.DataFrame, run: TableSettings) -> pd.DataFrame:
    """Copies and membership inference for every modality, method and measure.

    `evaluator` is the measure: the held-out evaluator for features, `l2` or `ssim` for pictures; `role` is `held_out`
    or `pixels`. Metrics: mean `distance` to the nearest training image, mean `distance_ratio` of the first to the
    second nearest, `copy_rate`, and for methods `membership_auroc` (for `l2` without alignment), over all labels.

    Args:
        neighbours: of `read_neighbours`.
        membership: of `read_membership`.
        run: datasets, methods and bootstrap settings.

    Returns:
        A frame with the columns of all tables.
    """
    rows = []
    for (dataset, method), part in neighbours.groupby(["dataset", "method"], sort=False):
        for label, group in label_groups(part, run.datasets[dataset]):
            rows += copy_rows(group, run, dataset, method, label)
        inferred = membership[(membership["dataset"] == dataset) & (membership["method"] == method)]
        if method != REAL and len(inferred):
            rows += membership_rows(inferred, run, dataset, method)
    return make_table(rows)


def copy_rows(frame: pd.DataFrame, run: TableSettings, dataset: str, method: str, label: str) -> list[dict]:
    """Mean distances, ratios and copy rates of one method's images of a label."""
    columns = [(measure, what) for measure in MEASURES for what in QUANTITIES]
    names = [f"{measure}_{what}" for measure, what in columns]
    seeds = [group[names].to_numpy(float) for _, group in frame.groupby("seed")]
    spec = run.scoring
    numbers = bootstrap_means(seeds, spec.bootstrap, spec.confidence, "memorization", dataset, method, label)
    shared = {"dataset": dataset, "label": label, "method": method, "source": f"{dataset}/neighbours.parquet"}
    return [
        table_row(number, metric=METRICS[what], **name_measure(measure, frame), **shared)
        for (measure, what), number in zip(columns, numbers, strict=True)
    ]


def membership_rows(frame: pd.DataFrame, run: TableSettings, dataset: str, method: str) -> list[dict]:
    """How well the distance to a method's images tells training images from test images, within labels."""
    measures = ("features", "l2")
    seeds = [group for _, group in frame.groupby("seed")]
    statistic = membership_statistic(
        [(group["split"] == "train").to_numpy() for group in seeds],
        [group["label"].to_numpy() for group in seeds],
        [group[[f"{measure}_distance" for measure in measures]].to_numpy(float) for group in seeds],
    )
    spec = run.scoring
    names = ("membership", dataset, method)
    numbers = estimate([len(group) for group in seeds], statistic, spec.bootstrap, spec.confidence, *names)
    source = f"{dataset}/membership.parquet; {run_file(dataset, method, '*', 'images.parquet')}"
    shared = {"dataset": dataset, "label": ALL, "method": method, "metric": "membership_auroc", "source": source}
    return [
        table_row(number, **name_measure(measure, frame), **shared)
        for measure, number in zip(measures, numbers, strict=True)
    ]


def membership_statistic(
    members: Sequence[np.ndarray], labels: Sequence[np.ndarray], distances: Sequence[np.ndarray]
) -> Statistic:
    """AUROC of the negative distance for `craft.evaluation.statistics.intervals.estimate`, one statistic a column.

    It is the mean of the AUROCs within labels: an easy label's images all lie near to generated ones, and the splits do
    not hold the labels in equal shares.

    Args:
        members: whether a real image was trained on, one array of shape (n,) a seed.
        labels: of the real images, one array of shape (n,) a seed.
        distances: to the nearest generated image, one array of shape (n, measures) a seed.
    """

    def statistic(group: int, counts: np.ndarray, draw: np.ndarray) -> np.ndarray:
        means = []
        for column in distances[group].T:
            own = [labels[group] == label for label in np.unique(labels[group])]
            means.append(np.mean([auroc(members[group][rows], -column[rows], counts[:, rows]) for rows in own], axis=0))
        return np.stack(means, axis=1)

    return statistic


def name_measure(measure: str, frame: pd.DataFrame) -> dict[str, str]:
    """The columns `evaluator` and `role` of a measure."""
    if measure == "features":
        return {"evaluator": frame["evaluator"].iloc[0], "role": "held_out"}
    return {"evaluator": measure, "role": "pixels"}
