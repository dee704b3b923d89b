"""Scores of all methods of a dataset, image by image, and a bootstrap that resamples together what belongs together.

Image i of a dataset and seed has the same label and the same initial noise under every method that the run samples
(`craft.training.generation`). These methods are therefore compared on pairs: a resample draws image numbers within
labels, and every method is measured on the images of these numbers. Images that another program made share nothing with
others but their labels: every such method is drawn on its own, and what is compared with it is compared without pairs.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from craft.core.errors import CraftError
from craft.core.settings import CONTROLS
from craft.evaluation.results import Results
from craft.evaluation.scoring.results import PHANTOM_CLASSIFIER, SCORES, require_real, scores_source
from craft.evaluation.settings import Run, ScoringSettings, tail_metric, tail_quantiles
from craft.evaluation.statistics.intervals import Estimate, Sampled, join, sample
from craft.evaluation.statistics.tails import by_number, resample_thresholds, weigh_below

# (metric, evaluator, method)
Key = tuple[str, str, str]


@dataclass(frozen=True)
class DrawnTogether:
    """Methods whose images are pairs, or one method whose images have none.

    Attributes:
        images: scores and tail indicators, one row per (seed, image_id), one column per `Key`.
        sampled: mean of every column, as it is and resampled; thresholds are resampled too.
    """

    images: pd.DataFrame
    sampled: Sampled

    @property
    def methods(self) -> list[str]:
        """Whose images they are."""
        return list(self.images.columns.unique("method"))


@dataclass(frozen=True)
class Paired:
    """All methods of one dataset, measured on the same resamples where their images are pairs.

    Attributes:
        dataset: its name.
        methods: generating methods, in the order of the configuration.
        roles: evaluator -> role.
        parts: methods that are drawn together; resamples of two parts are independent, but for the thresholds that
            real images set, which are the same in all of them.
        confidence: share of a distribution between low and high.
    """

    dataset: str
    methods: list[str]
    roles: dict[str, str]
    parts: list[DrawnTogether]
    confidence: float

    @cached_property
    def values(self) -> pd.Series:
        """Mean of every column."""
        return pd.concat([pd.Series(part.sampled.value, index=part.images.columns) for part in self.parts])

    def images_of(self, key: Key) -> pd.Series:
        """One column, by (seed, image_id)."""
        return next(part.images[key] for part in self.parts if key in part.images)

    def pair(self, method: str, other: str) -> bool:
        """Whether the images of two methods are pairs."""
        return any({method, other} <= set(part.methods) for part in self.parts)

    def select(self, *keys: Key) -> Sampled:
        """The means of some columns, in their order."""
        whole, places = self._find(keys)
        return whole.apply(lambda means: means[:, places])

    def combine(self, function: Callable[..., np.ndarray], *keys: Key) -> Sampled:
        """What a function makes of some columns' means, which it gets one by one, each of shape (k,)."""
        whole, places = self._find(keys)
        return whole.apply(lambda means: function(*means[:, places].T)[:, None])

    def _find(self, keys: Sequence[Key]) -> tuple[Sampled, list[int]]:
        """The means of all columns of the parts that hold some, and where these stand among them."""
        parts = [part for part in self.parts if any(key in part.images for key in keys)]
        columns = [key for part in parts for key in part.images.columns]
        whole = parts[0].sampled if len(parts) == 1 else join([part.sampled for part in parts])
        return whole, [columns.index(key) for key in keys]

    def estimate(self, sampled: Sampled) -> Estimate:
        """The first statistic of some with its interval."""
        return sampled.estimates(self.confidence)[0]


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
    """Pair and resample one dataset; methods whose images another program made are resampled on their own."""
    scoring = run.scoring
    generated = scores[~scores["method"].isin(CONTROLS)]
    roles = dict(generated[["evaluator", "role"]].drop_duplicates().itertuples(index=False))
    methods = [method for method in run.methods if method in set(generated["method"])]
    reference = {
        name: require_real(scores, dataset, name) for name, role in roles.items() if role != PHANTOM_CLASSIFIER
    }
    thresholds = {
        name: resample_thresholds(
            real["cas"].to_numpy(float),
            real["label"].to_numpy(str),
            tail_quantiles(scoring),
            scoring.comparison_resamples,
            dataset,
        )
        for name, real in reference.items()
    }
    alone = generated["method"].where(generated["method"].isin(run.given), "")
    parts = []
    for name, rows in generated.groupby(alone):
        images = add_tails(align_images(rows, dataset), thresholds, scoring)
        labels = rows.drop_duplicates(["seed", "image_id"]).set_index(["seed", "image_id"])["label"]
        names = (dataset, name) if name else (dataset,)
        sampled = resample_pairs(images, labels.loc[images.index], thresholds, scoring, *names)
        parts.append(DrawnTogether(images, sampled))
    return Paired(dataset, methods, roles, parts, scoring.confidence)


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


def add_tails(images: pd.DataFrame, thresholds: dict[str, Sampled], scoring: ScoringSettings) -> pd.DataFrame:
    """The images with a column more for every tail: whether they lie below the threshold of an evaluator."""
    columns = {}
    for evaluator, known in thresholds.items():
        for quantile, threshold in zip(tail_quantiles(scoring), known.value, strict=True):
            below = images["cas"][evaluator] < threshold
            metric = tail_metric("tail_rate", quantile, scoring)
            columns |= {(metric, evaluator, method): below[method].astype(float) for method in below}
    return pd.concat([images, pd.DataFrame(columns, index=images.index)], axis=1).rename_axis(
        columns=images.columns.names
    )


def resample_pairs(
    images: pd.DataFrame, labels: pd.Series, thresholds: dict[str, Sampled], scoring: ScoringSettings, *names: str
) -> Sampled:
    """The mean of every column, as it is and resampled.

    Args:
        images: one row per (seed, image_id), one column per `Key`.
        labels: of the images, with the same rows.
        thresholds: evaluator -> its tails' thresholds, in the order of `tail_quantiles`.
        scoring: bootstrap settings.
        names: seed the resamples.
    """
    limits = {evaluator: by_number(known) for evaluator, known in thresholds.items()}
    tails = {tail_metric("tail_rate", quantile, scoring): i for i, quantile in enumerate(tail_quantiles(scoring))}
    seeds = [rows for _, rows in images.groupby("seed")]
    matrices = [rows.to_numpy() for rows in seeds]

    def statistic(group: int, counts: np.ndarray, numbers: np.ndarray) -> np.ndarray:
        means = counts @ matrices[group] / len(matrices[group])
        for position, (metric, evaluator, method) in enumerate(images.columns):
            if metric in tails:
                # the indicators of a column hold for the observed threshold only, not for that of a resample
                scores = seeds[group]["cas", evaluator, method].to_numpy()
                means[:, position] = weigh_below(scores, counts, limits[evaluator][numbers, tails[metric]])
        return means

    shown = [rows.to_numpy(str) for _, rows in labels.groupby("seed")]
    return sample(shown, statistic, scoring.comparison_resamples, "pairs", *names)
