"""Scores of all methods of a dataset, image by image, and one bootstrap that resamples them together.

Image i of a dataset and seed has the same label and the same initial noise under every method
(`craft.training.generation`). Methods are therefore compared on pairs: a resample draws image numbers, and every method
is measured on the images of these numbers.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from craft.core.errors import CraftError
from craft.core.seeds import numpy_generator
from craft.core.settings import CONTROLS
from craft.evaluation.results import Results
from craft.evaluation.scoring.results import PHANTOM_CLASSIFIER, SCORES, require_real, scores_source
from craft.evaluation.settings import Run, ScoringSettings, tail_metric, tail_quantiles
from craft.evaluation.statistics.intervals import Estimate, interval, nested_bootstrap
from craft.evaluation.statistics.tails import resample_thresholds, tail_threshold, weigh_below

# (metric, evaluator, method)
Key = tuple[str, str, str]


@dataclass(frozen=True)
class Paired:
    """All methods of one dataset, measured on the same resamples.

    Attributes:
        dataset: its name.
        methods: generating methods, in the order of the configuration.
        roles: evaluator -> role.
        images: scores and tail indicators, one row per (seed, image_id), one column per `Key`.
        values: mean over seeds of every column.
        resamples: bootstrap distribution of these means, one column per `Key`; thresholds are resampled too.
        confidence: share of a distribution between low and high.
    """

    dataset: str
    methods: list[str]
    roles: dict[str, str]
    images: pd.DataFrame
    values: pd.Series
    resamples: pd.DataFrame
    confidence: float

    @property
    def seeds(self) -> int:
        """Number of seeds."""
        return self.images.index.get_level_values("seed").nunique()

    def estimate(self, value: float, resamples: np.ndarray) -> Estimate:
        """A statistic of all pairs with its percentile interval."""
        return Estimate(float(value), *interval(resamples, self.confidence), len(self.images), self.seeds)


def pair_scores(results: Results) -> dict[str, Paired]:
    """The paired methods of every dataset, resampled once for all tables.

    Raises:
        CraftError: if the images of the methods do not pair, are too few, or a dataset has no real test images.
    """
    return results.once("pairs", lambda: pair_datasets(results.read(SCORES), results.run))


def pair_datasets(scores: pd.DataFrame, run: Run) -> dict[str, Paired]:
    """Pair the methods of every dataset and resample the pairs.

    Args:
        scores: columns of `craft.evaluation.scoring.results.SCORES`.
        run: datasets, methods and how numbers are resampled.

    Raises:
        CraftError: if the images of the methods do not pair, are too few, or a dataset has no real test images.
    """
    return {dataset: resample_dataset(part, dataset, run) for dataset, part in scores.groupby("dataset", sort=False)}


def resample_dataset(scores: pd.DataFrame, dataset: str, run: Run) -> Paired:
    """Pair and resample one dataset."""
    scoring = run.scoring
    generated = scores[~scores["method"].isin(CONTROLS)]
    roles = dict(generated[["evaluator", "role"]].drop_duplicates().itertuples(index=False))
    methods = [method for method in run.methods if method in set(generated["method"])]
    reference = {
        name: require_real(scores, dataset, name) for name, role in roles.items() if role != PHANTOM_CLASSIFIER
    }
    images = add_tails(align_images(generated, dataset), reference, scoring)
    seeds = [rows for _, rows in images.groupby("seed")]
    resamples = resample_pairs(seeds, reference, scoring, dataset)
    values = pd.concat([rows.mean() for rows in seeds], axis=1).mean(axis=1)
    return Paired(dataset, methods, roles, images, values, resamples, scoring.confidence)


def align_images(generated: pd.DataFrame, dataset: str) -> pd.DataFrame:
    """One row per image number and seed, columns (metric, evaluator, method); every cell is filled.

    Raises:
        CraftError: if an image number occurs twice, lacks a score or has several labels, or a seed has one image.
    """
    keys = ["seed", "image_id"]
    again = "run `snakemake --forcerun generate_images` so that all methods start from the same noise"
    classified = generated[generated["role"] == PHANTOM_CLASSIFIER]
    agreement = classified.assign(metric="label_agreement", value=classified["agrees"].astype(bool).astype(float))
    rows = pd.concat([generated.assign(metric="cas", value=generated["cas"].astype(float)), agreement])
    columns = ["metric", "evaluator", "method"]
    twice = rows[rows.duplicated([*keys, *columns])]
    if len(twice):
        first = twice.iloc[0]
        raise CraftError(
            f"{scores_source(dataset, first['method'])}: image {first['image_id']} of seed {first['seed']} occurs"
            f" twice, so that it has no pair among other methods; {again}"
        )
    if len(mixed := rows.groupby(keys)["label"].nunique().loc[lambda count: count > 1]):
        seed, image = mixed.index[0]
        raise CraftError(
            f"{scores_source(dataset, '*')}: image {image} of seed {seed} has different labels under different methods,"
            f" expected the same label of a pair; {again}"
        )
    wide = rows.pivot(index=keys, columns=columns, values="value").sort_index(axis=1)
    if len(missing := np.argwhere(wide.isna().to_numpy())):
        (seed, image), (_, evaluator, method) = wide.index[missing[0][0]], wide.columns[missing[0][1]]
        raise CraftError(
            f"{scores_source(dataset, method)}: image {image} of seed {seed} has no score under evaluator"
            f" {evaluator!r}, so that it has no pair among other methods; {again}"
        )
    sizes = wide.groupby("seed").size()
    if sizes.min() < 2:
        raise CraftError(
            f"{scores_source(dataset, '*')}: seed {sizes.idxmin()} has {sizes.min()} image per method, an interval"
            " needs at least 2; raise `generation.images_per_dataset`"
        )
    return wide


def add_tails(images: pd.DataFrame, reference: dict[str, np.ndarray], scoring: ScoringSettings) -> pd.DataFrame:
    """The images with a column more for every tail: whether they lie below the threshold."""
    columns = {}
    for evaluator, real in reference.items():
        for quantile in tail_quantiles(scoring):
            below = images["cas"][evaluator] < tail_threshold(real, quantile)
            metric = tail_metric("tail_rate", quantile, scoring)
            columns |= {(metric, evaluator, method): below[method].astype(float) for method in below}
    return pd.concat([images, pd.DataFrame(columns, index=images.index)], axis=1).rename_axis(
        columns=images.columns.names
    )


def resample_pairs(
    seeds: list[pd.DataFrame], reference: dict[str, np.ndarray], scoring: ScoringSettings, dataset: str
) -> pd.DataFrame:
    """Bootstrap distribution of the mean over seeds of every column; shape (resamples, columns)."""
    quantiles, resamples, columns = tail_quantiles(scoring), scoring.comparison_resamples, seeds[0].columns
    thresholds = {
        evaluator: resample_thresholds(real, quantiles, resamples, dataset) for evaluator, real in reference.items()
    }
    tails = {tail_metric("tail_rate", quantile, scoring): number for number, quantile in enumerate(quantiles)}
    matrices = [rows.to_numpy() for rows in seeds]

    def statistic(group: int, counts: np.ndarray, numbers: np.ndarray) -> np.ndarray:
        means = counts @ matrices[group] / len(matrices[group])
        for position, (metric, evaluator, method) in enumerate(columns):
            if metric in tails:
                # the indicators of a column hold for the observed threshold only, not for that of a resample
                scores = seeds[group]["cas", evaluator, method].to_numpy()
                limits = thresholds[evaluator][numbers, tails[metric]]
                means[:, position] = weigh_below(scores, counts, limits)
        return means

    rng = numpy_generator("pairs", dataset)
    distribution = nested_bootstrap([len(rows) for rows in seeds], statistic, resamples, rng)
    return pd.DataFrame(distribution, columns=columns)
