"""Study `classifier`: do the scores follow the classifier of phantoms, image by image and method by method?

What an image is compared with is the classifier's probability of its intended label. How much of the correlation CAS
loses without a dimension belongs to the study `drop_one`.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from craft.core.errors import CraftError
from craft.core.settings import REAL
from craft.evaluation.scoring.results import PHANTOM_CLASSIFIER
from craft.evaluation.settings import ScoringSettings
from craft.evaluation.statistics.ranks import kendall, spearman
from craft.evaluation.validity.rows import THESE_SEEDS, estimate_by_key, validity_row, with_shares
from craft.evaluation.validity.scores import PROBABILITY, all_scores, named_scores, stack
from craft.reward.dimensions import DIMENSIONS


@dataclass(frozen=True)
class Judged:
    """Images that both an evaluator and the classifier of phantoms judged.

    Attributes:
        dimensions: the evaluator's calibrated dimensions, shape (n, d) in the order of `DIMENSIONS`.
        probability: the classifier's, of the intended label, shape (n,).
        methods: shape (n,).
        labels: intended ones, shape (n,); those of a unit are the same.
        units: number of the noise an image started from, shared by the methods that the run samples; every other image
            has one of its own.
        seeds: how many generator seeds the images come from.
    """

    dimensions: np.ndarray
    probability: np.ndarray
    methods: np.ndarray
    labels: np.ndarray
    units: np.ndarray
    seeds: int

    def subset(self, rows: np.ndarray) -> "Judged":
        """The images of a boolean mask."""
        units = np.unique(self.units[rows], return_inverse=True)[1]
        chosen = (each[rows] for each in (self.dimensions, self.probability, self.methods, self.labels))
        return Judged(*chosen, units, self.seeds)

    @property
    def unit_labels(self) -> np.ndarray:
        """Labels of the units, shape (units,)."""
        return self.labels[np.unique(self.units, return_index=True)[1]]


def pair_with_classifier(scores: pd.DataFrame, evaluator: str, given: Sequence[str] = ()) -> Judged:
    """Lay an evaluator's scores beside the classifier's probability, image by image.

    Args:
        scores: one dataset's (`craft.evaluation.scoring.results.SCORES`).
        evaluator: name of the evaluator.
        given: methods whose images share no noise with those of others.

    Raises:
        CraftError: if the classifier judged other images.
    """
    place = ["method", "seed"]
    rated = scores[scores["evaluator"] == evaluator].reset_index(drop=True)
    known = scores[scores["role"] == PHANTOM_CLASSIFIER].reset_index(drop=True)
    keys = [*place, "image_id"]
    if len(rated) != len(known) or not rated[keys].equals(known[keys]):
        raise CraftError(
            f"the classifier of phantoms and the evaluator {evaluator!r} did not score the same images of"
            f" {scores['dataset'].iloc[0]!r}; run `snakemake --forcerun score_images`"
        )
    number = rated.groupby(place, sort=False).cumcount().astype(str)
    alone = rated["method"].where(rated["method"].isin([REAL, *given]), "")
    start = alone + "/" + rated["seed"].astype(str) + "/" + number
    return Judged(
        rated[list(DIMENSIONS)].to_numpy(float),
        known["cas"].to_numpy(float),
        rated["method"].to_numpy(str),
        rated["label"].to_numpy(str),
        pd.factorize(start)[0],
        int(rated["seed"].nunique()),
    )


def follow_classifier(judged: Judged, scoring: ScoringSettings, dataset: str, **shared) -> Iterator[dict]:
    """Rows of the studies `classifier` and `drop_one`: Spearman correlation with the classifier, over images.

    Args:
        judged: of `pair_with_classifier`.
        scoring: bootstrap settings.
        dataset: seeds the resamples.
        shared: evaluator, role and source of the rows.
    """
    real = judged.methods == REAL
    for group, rows in (("real", real), ("generated", ~real), ("all", real | True)):
        if not rows.any():
            continue
        part = judged.subset(rows)
        scores = all_scores(part.dimensions)

        def statistic(counts: np.ndarray, part: Judged = part, scores: dict = scores) -> dict:
            values = spearman(stack(scores), part.probability, counts[:, part.units])
            return with_shares("classifier", "spearman", dict(zip(scores, values.T, strict=True)))

        # the names only seed the resamples
        numbers = estimate_by_key(part.unit_labels, part.seeds, statistic, scoring, "truth", group, dataset)
        for (study, dimension, metric), number in numbers.items():
            place = {"study": study, "dimension": dimension, "condition": group, "metric": metric}
            yield validity_row(number, **place, **shared) | THESE_SEEDS


def order_methods(judged: Judged, scoring: ScoringSettings, dataset: str, **shared) -> Iterator[dict]:
    """Rows of the study `classifier`: Kendall's tau between the methods' mean scores and mean probabilities."""
    methods = [name for name in dict.fromkeys(judged.methods) if name != REAL]
    if len(methods) < 2:
        return
    part = judged.subset(judged.methods != REAL)
    scores = {PROBABILITY: part.probability, **named_scores(part.dimensions)}
    columns, member = stack(scores), [part.methods == name for name in methods]

    def statistic(counts: np.ndarray) -> dict:
        weights = counts[:, part.units]
        sums = [weights[:, rows] @ columns[rows] / weights[:, rows].sum(1, keepdims=True) for rows in member]
        means = dict(zip(scores, np.stack(sums, axis=-1).swapaxes(0, 1), strict=True))
        own = means.pop(PROBABILITY)
        # a score that says the same of all methods orders none of them
        return {("classifier", name, "kendall"): np.nan_to_num(kendall(mean, own)) for name, mean in means.items()}

    numbers = estimate_by_key(part.unit_labels, part.seeds, statistic, scoring, "order of methods", dataset)
    for (study, dimension, metric), number in numbers.items():
        place = {"study": study, "dimension": dimension, "condition": "methods", "metric": metric}
        yield validity_row(number, **place, **shared) | THESE_SEEDS
