"""Study `reliability`: does a calibrated 0.5 mean "as likely as not"?

Pairs of real test images are held against the pairs that calibration calls mismatched: other labels for dimensions that
judge the label, what is no image for those that judge the image. As there, labels weigh alike, and for every claimed
label both sides do. In every fifth of the scale the share of matched pairs should be the mean score.
"""

from collections.abc import Iterator

import numpy as np

from craft.core.settings import REAL
from craft.evaluation.settings import ScoringSettings
from craft.evaluation.statistics.intervals import estimate
from craft.evaluation.statistics.resampling import label_weights
from craft.evaluation.validity.rows import validity_row

BINS = 5


def reliability(
    matched: np.ndarray,
    mismatched: np.ndarray,
    labels: np.ndarray,
    scoring: ScoringSettings,
    dataset: str,
    dimension: str,
    **shared,
) -> Iterator[dict]:
    """Rows of one dimension: the share of matched pairs in every filled bin, and the expected calibration error.

    Args:
        matched: calibrated scores of matched pairs, shape (n,), in [0, 1].
        mismatched: of mismatched ones, shape (n, m): those of the same image are drawn together.
        labels: of the images, shape (n,).
        scoring: bootstrap settings.
        dataset: seeds the resamples.
        dimension: name of the dimension.
        shared: evaluator, role and source of the rows.
    """
    n, rivals = mismatched.shape
    places, wrong = bins_of(matched), bins_of(mismatched)
    hits, scored = np.zeros((n, BINS)), np.zeros((n, BINS))
    misses, scored_wrong = np.zeros((n, BINS)), np.zeros((n, BINS))
    rows = np.arange(n)
    np.add.at(hits, (rows, places), 1.0)
    np.add.at(scored, (rows, places), matched)
    np.add.at(misses, (rows[:, None], wrong), 1 / rivals)
    np.add.at(scored_wrong, (rows[:, None], wrong), mismatched / rivals)

    def statistic(group: int, counts: np.ndarray, numbers: np.ndarray) -> np.ndarray:
        right, all_pairs = counts @ hits, counts @ (hits + misses)
        filled = all_pairs > 0
        observed = np.divide(right, all_pairs, out=np.full(right.shape, np.nan), where=filled)
        said = np.divide(counts @ (scored + scored_wrong), all_pairs, out=np.zeros(right.shape), where=filled)
        error = (np.abs(np.nan_to_num(observed) - said) * all_pairs).sum(1) / all_pairs.sum(1)
        return np.concatenate([observed, error[:, None]], axis=1)

    names, weights = ("reliability", dataset, dimension), label_weights(labels)
    numbers = estimate([labels], statistic, scoring.bootstrap, scoring.confidence, *names)
    weight = weights @ (hits + misses)
    said = np.divide(weights @ (scored + scored_wrong), weight, out=np.zeros(BINS), where=weight > 0)
    place = {"study": "reliability", "method": REAL, "dimension": dimension}
    for number, level in zip(numbers[:BINS], said, strict=True):
        if np.isfinite(number.value):
            yield validity_row(number, level=float(level), metric="observed", **place, **shared)
    yield validity_row(numbers[BINS], metric="calibration_error", **place, **shared)


def bins_of(scores: np.ndarray) -> np.ndarray:
    """Number of the fifth of [0, 1] in which every score lies."""
    return np.clip((scores * BINS).astype(int), 0, BINS - 1)
