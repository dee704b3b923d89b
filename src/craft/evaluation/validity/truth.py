"""Studies c and f: where the truth is known, do the scores follow it, image by image and method by method?

The truth of an image is the truth classifier's probability of its intended label.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd

from craft.core.config.base import REAL
from craft.core.config.evaluation import Scoring
from craft.core.errors import CraftError
from craft.evaluation.results import DIMENSIONS, TRUTH
from craft.evaluation.validity.rank import kendall, spearman
from craft.evaluation.validity.rows import CAS, SCORES, WITHOUT, all_scores, estimate_shared, validity_row

GROUPS = ("real", "generated", "all")


@dataclass(frozen=True)
class Judged:
    """Images that one evaluator and the truth judged.

    Attributes:
        scores: columns `SCORES`, shape (n, 9).
        truth: probability of the intended label, shape (n,).
        methods: shape (n,).
        units: number of the noise an image started from, shared by the methods; every real image has one of its own.
        seeds: how many generator seeds the images come from.
    """

    scores: np.ndarray
    truth: np.ndarray
    methods: np.ndarray
    units: np.ndarray
    seeds: int

    def subset(self, rows: np.ndarray) -> "Judged":
        """The images of a boolean mask."""
        units = np.unique(self.units[rows], return_inverse=True)[1]
        return Judged(self.scores[rows], self.truth[rows], self.methods[rows], units, self.seeds)


def pair_with_truth(scores: pd.DataFrame, evaluator: str) -> Judged:
    """Lay an evaluator's scores beside the truth's, image by image.

    Args:
        scores: one dataset's, as `craft.evaluation.results.read_scores` returns them.
        evaluator: name of the evaluator.

    Raises:
        CraftError: if the truth classifier judged other images.
    """
    place = ["method", "seed"]
    rated = scores[scores["evaluator"] == evaluator].reset_index(drop=True)
    known = scores[scores["role"] == TRUTH].reset_index(drop=True)
    keys = [*place, "image_id"]
    if len(rated) != len(known) or not rated[keys].equals(known[keys]):
        raise CraftError(
            f"the truth classifier and the evaluator {evaluator!r} did not score the same images of"
            f" {scores['dataset'].iloc[0]!r}; run `snakemake --forcerun score_images`"
        )
    number = rated.groupby(place, sort=False).cumcount().astype(str)
    start = np.where(rated["method"] == REAL, REAL, rated["seed"].astype(str)) + "/" + number
    return Judged(
        all_scores(rated[list(DIMENSIONS)].to_numpy(float)),
        known["cas"].to_numpy(float),
        rated["method"].to_numpy(str),
        pd.factorize(start)[0],
        int(rated["seed"].nunique()),
    )


def follow_truth(judged: Judged, scoring: Scoring, dataset: str, **shared) -> Iterator[dict]:
    """Rows of the studies `truth` and `drop_one`: Spearman correlation with the truth, over images."""
    real = judged.methods == REAL
    shared["source"] = f"{dataset}/*/seed*/scores.parquet"
    for group, rows in zip(GROUPS, (real, ~real, real | True), strict=True):
        if not rows.any():
            continue
        part = judged.subset(rows)

        def statistic(_: int, counts: np.ndarray, draw: np.ndarray, part: Judged = part) -> np.ndarray:
            values = spearman(part.scores, part.truth, counts[:, part.units])
            whole, without = values[:, [SCORES.index(CAS)]], values[:, -len(WITHOUT) :]
            return np.concatenate([values, whole - without], axis=1)

        names = (scoring.bootstrap, scoring.confidence, "truth", group, dataset)
        numbers = estimate_shared(part.units.max() + 1, part.seeds, statistic, *names)
        place = {"condition": group, **shared}
        for name, number in zip((*DIMENSIONS, CAS), numbers, strict=False):
            yield validity_row(number, study="truth", dimension=name, metric="spearman", **place)
        for metric, columns in (("spearman", numbers[-8:-4]), ("spearman_share", numbers[-4:])):
            for name, number in zip(DIMENSIONS, columns, strict=True):
                yield validity_row(number, study="drop_one", dimension=name, metric=metric, **place)


def order_methods(judged: Judged, scoring: Scoring, dataset: str, **shared) -> Iterator[dict]:
    """Rows of the study `truth`: Kendall's tau between the methods' mean scores and their mean truth."""
    methods = [name for name in dict.fromkeys(judged.methods) if name != REAL]
    if len(methods) < 2:
        return
    part = judged.subset(judged.methods != REAL)
    columns = np.column_stack([part.truth, part.scores[:, : len(DIMENSIONS) + 1]])
    member = [part.methods == name for name in methods]

    def statistic(_: int, counts: np.ndarray, draw: np.ndarray) -> np.ndarray:
        weights = counts[:, part.units]
        sums = [weights[:, rows] @ columns[rows] / weights[:, rows].sum(1, keepdims=True) for rows in member]
        means = np.stack(sums, axis=-1)
        return kendall(means[:, 1:], means[:, :1])

    names = (scoring.bootstrap, scoring.confidence, "order of methods", dataset)
    numbers = estimate_shared(part.units.max() + 1, part.seeds, statistic, *names)
    shared["source"] = f"{dataset}/*/seed*/scores.parquet"
    for name, number in zip((*DIMENSIONS, CAS), numbers, strict=True):
        yield validity_row(number, study="truth", dimension=name, condition="methods", metric="kendall", **shared)
