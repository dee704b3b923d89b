"""Study `same_images`: what a set's label agreement does to its scores, and to a distance between image sets.

The sets hold the same real test images and differ only in how many carry another label than their own. A distance such
as FID cannot see any of it: the images stay the same.
"""

from collections.abc import Iterator

import numpy as np

from craft.core.seeds import numpy_generator
from craft.core.settings import REAL
from craft.evaluation.settings import ScoringSettings
from craft.evaluation.statistics.frechet import (
    Moments,
    frechet_distance,
    scale_embeddings,
    shift_resamples,
    whole_and_resamples,
)
from craft.evaluation.statistics.intervals import Estimate, bootstrap_means, interval
from craft.evaluation.validity.rows import validity_row
from craft.evaluation.validity.scores import stack

# resamples behind the interval of a Frechet distance, each of which takes a matrix root
DISTANCE_RESAMPLES = 100
# the sets and the share of their images that carry another label than their own
SETS = {"own_labels": 0.0, "half_swapped": 0.5, "all_swapped": 1.0}


def swap_labels(labels: np.ndarray, count: int, share: float, rng: np.random.Generator) -> np.ndarray:
    """How far to shift the label of every image, (n,): a `share` of the images gets another label, drawn evenly."""
    shifts = np.zeros(len(labels), int)
    chosen = rng.permutation(len(labels))[: round(share * len(labels))]
    shifts[chosen] = rng.integers(1, count, len(chosen))
    return shifts


def shifts_of_sets(labels: np.ndarray, count: int, dataset: str) -> dict[str, np.ndarray]:
    """The label shifts (n,) of every set; `count` is how many labels there are."""
    return {
        name: swap_labels(labels, count, share, numpy_generator("swapped labels", name, dataset))
        for name, share in SETS.items()
    }


def compare_sets(
    scores: dict[str, np.ndarray],
    sets: dict[str, np.ndarray],
    labels: np.ndarray,
    scoring: ScoringSettings,
    dataset: str,
    **shared,
) -> Iterator[dict]:
    """Rows of the sets' mean scores.

    Args:
        scores: by name, with every label, own label first, shapes (n, labels).
        sets: of `shifts_of_sets`.
        labels: the images' own, which weigh alike, shape (n,).
        scoring: bootstrap settings.
        dataset: seeds the resamples, which all sets share.
        shared: evaluator, role and source of the rows.
    """
    columns = stack(scores)
    for name, shifts in sets.items():
        chosen = columns[np.arange(len(columns)), shifts].astype(float)
        seeded = ("same images", dataset)
        numbers = bootstrap_means([chosen], scoring.bootstrap, scoring.confidence, *seeded, labels=[labels])
        for score, number in zip(scores, numbers, strict=True):
            place = {"method": REAL, "dimension": score, "condition": name, "metric": "mean"}
            yield validity_row(number, study="same_images", **place, **shared)


def distance_of_sets(
    images: tuple[np.ndarray, np.ndarray],
    others: tuple[np.ndarray, np.ndarray],
    scoring: ScoringSettings,
    dataset: str,
    **shared,
) -> Iterator[dict]:
    """Rows of the sets' Frechet distance to other images, which no exchanged label enters.

    Args:
        images: features of the images that all sets share, shape (n, width), and their own labels, which weigh alike.
        others: features of other images of the same kind, shape (m, width), and their labels.
        scoring: sets the confidence of the interval.
        dataset: seeds the resamples.
        shared: evaluator, role and source of the rows.
    """
    moments = [
        Moments.of(
            scale_embeddings(features),
            whole_and_resamples(labels, DISTANCE_RESAMPLES, numpy_generator("distance of sets", name, dataset)),
        )
        for name, (features, labels) in (("images", images), ("reference", others))
    ]
    value, natural, *resamples = shift_resamples(frechet_distance(*moments)).tolist()
    bounds = interval(np.array(resamples), scoring.confidence)
    number = Estimate(value, *bounds, len(images[0]), 1, natural)
    for name in SETS:
        yield validity_row(number, study="same_images", method=REAL, condition=name, metric="fid", **shared)
