"""The table of memorization: distances to seen images, copy rates and membership inference, with intervals."""

from collections.abc import Sequence
from itertools import product

import numpy as np
import pandas as pd

from craft.core.settings import REAL
from craft.evaluation.memorization.quantiles import estimate_quantile
from craft.evaluation.memorization.results import MEASURES, MEMBERSHIP, MEMBERSHIP_MEASURES, NEIGHBOURS, without_twins
from craft.evaluation.results import Results, set_file
from craft.evaluation.settings import Run
from craft.evaluation.statistics.intervals import Sampled, Statistic, bootstrap_means, sample
from craft.evaluation.statistics.ranks import auroc
from craft.evaluation.statistics.tails import RealTail, by_number
from craft.evaluation.tables import ALL, COLUMNS, Table, by_seed, label_groups, labels_by_seed, make_table, table_row

# `flagged` is the share of test images that sets the threshold of a copy, `rests_on` the number of test images up to it
MEMORIZATION_COLUMNS = (*COLUMNS, "flagged", "rests_on")
MEANS = {"distance": "distance", "ratio": "distance_ratio"}
# of the distances, beside their mean
QUANTILES = (0.01, 0.05)


def memorization_table(neighbours: pd.DataFrame, membership: pd.DataFrame, run: Run) -> pd.DataFrame:
    """Copies and membership inference for every dataset, method and measure.

    `evaluator` is the measure: whose features were compared, or `l2` or `ssim` for pictures; `role` is that of the
    features' model, or `pixels`. Metrics: mean `distance` to the nearest seen image, and over all labels low quantiles
    of it (`distance@0.01`); mean `distance_ratio` of the first to the second nearest; `copy_rate`, whose interval
    resamples the test images behind the threshold too, which stands as `copy_threshold` under the method `real`;
    `nearest_in_reference`, the share of images whose nearest one is a reference image, and `reference_pull`, by how
    much that share is larger than test images'; for methods `membership_auroc` (for `l2` without alignment).

    Args:
        neighbours: of all datasets (`craft.evaluation.memorization.results.NEIGHBOURS`).
        membership: of all datasets (`craft.evaluation.memorization.results.MEMBERSHIP`).
        run: datasets, methods and bootstrap settings.

    Returns:
        A frame with the columns `MEMORIZATION_COLUMNS`.
    """
    rows = []
    for dataset, part in neighbours.groupby("dataset", sort=False):
        real = part[part["method"] == REAL]
        tails = {measure: set_threshold(real, measure, run, dataset) for measure in MEASURES}
        for method, images in part.groupby("method", sort=False):
            for label, group in label_groups(images, run.datasets[dataset]):
                shared = {"dataset": dataset, "label": label, "method": method}
                shared |= {"source": f"{dataset}/{NEIGHBOURS.name}"}
                rows += mean_rows(group, run, shared)
                # of a label all of whose test images have a twin no rate is known
                if method != REAL or label in (ALL, *tails[MEASURES[0]].labels):
                    rows += [copy_row(group, tails[measure], measure, run, shared) for measure in MEASURES]
                if label == ALL:
                    rows += quantile_rows(group, run, shared)
                    rows += reference_rows(group, real, run, shared)
            if method == REAL:
                rows += [threshold_row(images, tails[measure], measure, dataset) for measure in MEASURES]
            inferred = membership[(membership["dataset"] == dataset) & (membership["method"] == method)]
            if method != REAL and len(inferred):
                rows += membership_rows(inferred, run, dataset, method)
    return make_table(rows, MEMORIZATION_COLUMNS)


def set_threshold(real: pd.DataFrame, measure: str, run: Run, dataset: str) -> RealTail:
    """The threshold of a copy by one measure, as test images without a twin set it, with its resamples."""
    real = without_twins(real)
    distances, labels, share = real[f"{measure}_distance"].to_numpy(), real["label"].to_numpy(str), real["flagged"]
    scoring = run.scoring
    names = ("copies", dataset, measure)
    return RealTail.resample(distances, labels, float(share.iloc[0]), scoring.bootstrap, scoring.confidence, *names)


def copy_cells(tail: RealTail) -> dict:
    """The columns that say what the threshold of a copy rests on."""
    return {"flagged": tail.quantile, "rests_on": int((tail.scores <= tail.threshold).sum())}


def threshold_row(real: pd.DataFrame, tail: RealTail, measure: str, dataset: str) -> dict:
    """The threshold of a copy by one measure."""
    names = (tail.quantile, tail.resamples, tail.confidence, "threshold", dataset, measure)
    number = estimate_quantile([tail.scores], [tail.labels], *names)
    shared = {"dataset": dataset, "label": ALL, "method": REAL, "source": f"{dataset}/{NEIGHBOURS.name}"}
    return table_row(number, metric="copy_threshold", **name_measure(measure, real), **shared) | copy_cells(tail)


def copy_row(frame: pd.DataFrame, tail: RealTail, measure: str, run: Run, shared: dict) -> dict:
    """The share of one method's images of a label that are nearer than the threshold."""
    dataset, method, label = (shared[name] for name in ("dataset", "method", "label"))
    names = ("copies", dataset, method, label, measure)
    if method == REAL:
        chosen = np.ones(len(tail.labels), bool) if label == ALL else tail.labels == label
        number = tail.estimate_own_rate(chosen, *names)
    else:
        number = tail.estimate_rate(by_seed(frame, f"{measure}_distance"), labels_by_seed(frame), *names)
    return table_row(number, metric="copy_rate", **name_measure(measure, frame), **shared) | copy_cells(tail)


def mean_rows(frame: pd.DataFrame, run: Run, shared: dict) -> list[dict]:
    """Mean distances and ratios of one method's images of a label."""
    columns = [(measure, what) for measure in MEASURES for what in MEANS]
    names = [f"{measure}_{what}" for measure, what in columns]
    seeds, scoring = [group[names].to_numpy(float) for _, group in frame.groupby("seed")], run.scoring
    about = ("memorization", shared["dataset"], shared["method"], shared["label"])
    numbers = bootstrap_means(seeds, scoring.bootstrap, scoring.confidence, *about, labels=labels_by_seed(frame))
    return [
        table_row(number, metric=MEANS[what], **name_measure(measure, frame), **shared)
        for (measure, what), number in zip(columns, numbers, strict=True)
    ]


def quantile_rows(frame: pd.DataFrame, run: Run, shared: dict) -> list[dict]:
    """Low quantiles of the distances of one method's images."""
    rows, scoring = [], run.scoring
    for measure, quantile in product(MEASURES, QUANTILES):
        names = (scoring.bootstrap, scoring.confidence, "distances", shared["dataset"], shared["method"], measure)
        number = estimate_quantile(by_seed(frame, f"{measure}_distance"), labels_by_seed(frame), quantile, *names)
        rows.append(table_row(number, metric=f"distance@{quantile:g}", **name_measure(measure, frame), **shared))
    return rows


def reference_rows(frame: pd.DataFrame, real: pd.DataFrame, run: Run, shared: dict) -> list[dict]:
    """How often the nearest seen image is a reference image, and how much oftener than for test images."""
    rows, scoring = [], run.scoring
    for measure in MEASURES:
        about = ("nearest in reference", shared["dataset"], measure)
        expected = sample_reference(real, measure, np.zeros(scoring.bootstrap + 2), *about)
        found = {"nearest_in_reference": expected}
        if shared["method"] != REAL:
            about = (*about, shared["method"])
            found["nearest_in_reference"] = sample_reference(frame, measure, np.zeros(scoring.bootstrap + 2), *about)
            found["reference_pull"] = sample_reference(frame, measure, by_number(expected)[:, 0], *about)
        for metric, drawn in found.items():
            (number,) = drawn.estimates(scoring.confidence, share=metric != "reference_pull")
            rows.append(table_row(number, metric=metric, **name_measure(measure, frame), **shared))
    return rows


def sample_reference(frame: pd.DataFrame, measure: str, expected: np.ndarray, *names: str) -> Sampled:
    """The share of images whose nearest seen image is a reference image, less an expected one.

    Args:
        frame: neighbours of one method.
        measure: by which an image is nearest.
        expected: by the number of a resample, shape (resamples + 2,), as `by_number` orders them.
        names: seed the resamples.
    """
    inside = [(group[f"{measure}_split"] == "reference").to_numpy(float) for _, group in frame.groupby("seed")]

    def excess(group: int, counts: np.ndarray, numbers: np.ndarray) -> np.ndarray:
        return (counts @ inside[group] / len(inside[group]) - expected[numbers])[:, None]

    return sample(labels_by_seed(frame), excess, len(expected) - 2, *names)


def membership_rows(frame: pd.DataFrame, run: Run, dataset: str, method: str) -> list[dict]:
    """How well the distance to a method's images tells training images from test images, within labels."""
    seeds = [group for _, group in frame.groupby("seed")]
    statistic = membership_statistic(
        [(group["split"] == "train").to_numpy() for group in seeds],
        [group["label"].to_numpy() for group in seeds],
        [group[[f"{measure}_distance" for measure in MEMBERSHIP_MEASURES]].to_numpy(float) for group in seeds],
    )
    # all seeds are held against the same real images
    names = ("membership", dataset, method)
    drawn = sample(labels_by_seed(frame), statistic, run.scoring.bootstrap, *names, together=True)
    numbers = drawn.estimates(run.scoring.confidence)
    source = f"{dataset}/{MEMBERSHIP.name}; {set_file(dataset, method, '*', 'images.parquet')}"
    shared = {"dataset": dataset, "label": ALL, "method": method, "metric": "membership_auroc", "source": source}
    return [
        table_row(number.within_one(), **name_measure(measure, frame), **shared)
        for measure, number in zip(MEMBERSHIP_MEASURES, numbers, strict=True)
    ]


def membership_statistic(
    members: Sequence[np.ndarray], labels: Sequence[np.ndarray], distances: Sequence[np.ndarray]
) -> Statistic:
    """AUROC of the negative distance for `craft.evaluation.statistics.intervals.sample`, one statistic per column.

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
    "how near generated images lie to real ones that the run saw, and whether they betray who was trained on",
    (NEIGHBOURS, MEMBERSHIP),
    MEMORIZATION_COLUMNS,
)
