"""The anatomy table: whether images show what every image of the modality has, and how far their measures lie."""

from collections.abc import Iterator

import pandas as pd

from craft.core.settings import REAL
from craft.evaluation.anatomy.distance import Measured, estimate_distances, spreads
from craft.evaluation.biomarkers.results import FOUND, MEASURED, found_columns, measure_columns
from craft.evaluation.results import Results
from craft.evaluation.settings import Run
from craft.evaluation.statistics.intervals import Estimate, bootstrap_means
from craft.evaluation.tables import ALL, Table, label_groups, labels_by_seed, make_table, table_row

EVALUATOR, ROLE = "biomarkers", "auditor"
EVERYTHING, DISTANCE = FOUND + "all", "wasserstein"


def anatomy_table(measured: pd.DataFrame, run: Run, methods: list[str]) -> pd.DataFrame:
    """Structures found and distances of measures, for every dataset whose modality has biomarkers.

    Metrics: `found_<structure>`, the share of images that show it; `found_all`, the share that show all of them;
    `wasserstein_<measure>`, the distance of a measure's values from those of real test images
    (`craft.evaluation.anatomy.distance`); `wasserstein`, its mean over the measures. The method `real` has the shares
    of the test images and, as the floor of the distances, those of training images from test images. A measure that
    has one value on all test images has no distance.

    Args:
        measured: of all datasets (`craft.evaluation.biomarkers.results.MEASURED`).
        run: datasets and bootstrap settings.
        methods: in the order of the rows.

    Returns:
        A frame with the columns `craft.evaluation.tables.COLUMNS`.
    """
    rows = []
    for dataset, part in measured.groupby("dataset", sort=False):
        part = part.dropna(axis="columns", how="all")
        structures, measures = found_columns(part), measure_columns(part)
        test = part[(part["method"] == REAL) & (part["split"] == "test")]
        part = part.assign(**{EVERYTHING: part[structures].min(axis=1)}) if structures else part
        for method in methods:
            own = part[part["method"] == method]
            shown, compared = (own[own["split"] == split] if method == REAL else own for split in ("test", "train"))
            if structures and len(shown):
                rows += found_rows(shown, [*structures, EVERYTHING], run, dataset, method)
            if measures and len(compared):
                rows += distance_rows(compared, test, measures, run, dataset, method)
    return make_table(rows)


def anatomy_row(estimate: Estimate, dataset: str, label: str, method: str, metric: str) -> dict:
    """One row of the table."""
    names = {"dataset": dataset, "label": label, "method": method, "evaluator": EVALUATOR}
    return table_row(estimate, role=ROLE, metric=metric, source=f"{dataset}/{MEASURED.name}", **names)


def found_rows(frame: pd.DataFrame, structures: list[str], run: Run, dataset: str, method: str) -> Iterator[dict]:
    """Shares of one method's images that show a structure, over all labels and by label."""
    scoring = run.scoring
    for label, group in label_groups(frame, run.datasets[dataset]):
        seeds = [images[structures].to_numpy(float) for _, images in group.groupby("seed")]
        names = ("anatomy", dataset, method, label)
        shown = labels_by_seed(group)
        numbers = bootstrap_means(seeds, scoring.bootstrap, scoring.confidence, *names, labels=shown, share=True)
        for metric, number in zip(structures, numbers, strict=True):
            yield anatomy_row(number, dataset, label, method, metric)


def distance_rows(
    frame: pd.DataFrame, test: pd.DataFrame, measures: list[str], run: Run, dataset: str, method: str
) -> Iterator[dict]:
    """Distances of one method's images from test images, over all labels and by label, in one and the same unit."""
    units = spreads(measured_of(test, measures))
    measures = [measure for measure, unit in zip(measures, units, strict=True) if unit > 0]
    if not measures:
        return
    units = units[units > 0]
    for label, group in label_groups(frame, run.datasets[dataset]):
        real = test if label == ALL else test[test["label"] == label]
        if real.empty:
            continue
        seeds = [measured_of(images, measures, units) for _, images in group.groupby("seed")]
        numbers = estimate_distances(seeds, measured_of(real, measures, units), run.scoring, dataset, method, label)
        metrics = [*(f"{DISTANCE}_{measure}" for measure in measures), DISTANCE]
        for metric, number in zip(metrics, numbers, strict=True):
            yield anatomy_row(number, dataset, label, method, metric)


def measured_of(frame: pd.DataFrame, measures: list[str], units=1.0) -> Measured:
    """Measures of images, each divided by its unit."""
    return Measured(frame[measures].to_numpy(float) / units, frame["label"].to_numpy())


def make(results: Results) -> pd.DataFrame:
    """The table of a run."""
    methods = list(dict.fromkeys(image_set.method for image_set in results.image_sets()))
    return anatomy_table(results.read(MEASURED), results.run, methods)


TABLE = Table(
    make, "whether images show what every image of their modality has, and are as real ones measure", (MEASURED,)
)
