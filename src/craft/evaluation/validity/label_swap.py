"""Studies a and e: does a score tell an image's own label from the others, and what a set's label agreement does to it.

Both look at the same real test images with other labels, so that nothing but the label can move the score. A distance
between image sets, such as FID, cannot see any of it: the images stay the same.
"""

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor

from craft.core.config.evaluation import Scoring
from craft.core.seeds import numpy_generator
from craft.core.settings import EvaluatorRef
from craft.evaluation.fidelity.features import scale_embeddings
from craft.evaluation.fidelity.metrics import Moments, frechet_distance, shift_draws, whole_and_draws
from craft.evaluation.results import DIMENSIONS
from craft.evaluation.statistics.intervals import Estimate, bootstrap_means, estimate, interval
from craft.evaluation.validity.rank import label_swap_auroc, win_chances
from craft.evaluation.validity.rows import CAS, SCORES, WITHOUT, all_scores, validity_row
from craft.reward.cas import ClinicalAlignment

# draws of the interval of a Frechet distance, each of which takes a matrix root
DISTANCE_DRAWS = 100
# the sets of study e and the share of their images that carry another label than their own
SETS = {"own_labels": 0.0, "half_swapped": 0.5, "all_swapped": 1.0}


@torch.inference_mode()
def score_every_label(alignment: ClinicalAlignment, features: Tensor, labels: Tensor) -> np.ndarray:
    """Calibrated dimensions (n, labels, 4) with every label; place 0 holds an image's own label, then the next ones."""
    count = len(alignment.raw.description)
    return torch.stack([alignment(features, (labels + shift) % count) for shift in range(count)], dim=1).numpy()


def separate_labels(scores: np.ndarray, ref: EvaluatorRef, scoring: Scoring, dataset: str) -> Iterator[dict]:
    """Rows of the studies `label_swap` (each dimension and CAS) and `drop_one` (CAS without a dimension).

    Args:
        scores: of `score_every_label`, shape (n, labels, 4).
        ref: the evaluator that gave them.
        scoring: bootstrap settings.
        dataset: seeds the draws and names the source.
    """
    columns = all_scores(scores.astype(float))
    wins = [win_chances(columns[:, 0, column], columns[:, 1:, column]) for column in range(len(SCORES))]

    def statistic(group: int, counts: np.ndarray, draw: np.ndarray) -> np.ndarray:
        aurocs = np.stack([label_swap_auroc(each, counts) for each in wins], axis=1)
        whole, without = aurocs[:, [SCORES.index(CAS)]], aurocs[:, -len(WITHOUT) :]
        return np.concatenate([aurocs, whole - without], axis=1)

    names = (scoring.bootstrap, scoring.confidence, "label swap", dataset)
    numbers = estimate([len(scores)], statistic, *names)
    shared = {"evaluator": ref.name, "role": ref.role, "method": "real"}
    shared["source"] = f"{dataset}/features.safetensors; {dataset}/calibration.json"
    for name, number in zip((*DIMENSIONS, CAS), numbers, strict=False):
        yield validity_row(number, study="label_swap", dimension=name, metric="auroc", **shared)
    for metric, part in (("auroc", numbers[-8:-4]), ("auroc_share", numbers[-4:])):
        for name, number in zip(DIMENSIONS, part, strict=True):
            yield validity_row(number, study="drop_one", dimension=name, metric=metric, **shared)


def swap_labels(labels: np.ndarray, count: int, share: float, rng: np.random.Generator) -> np.ndarray:
    """How far to shift the label of every image, (n,): a `share` of the images gets another label, drawn evenly."""
    shifts = np.zeros(len(labels), int)
    chosen = rng.permutation(len(labels))[: round(share * len(labels))]
    shifts[chosen] = rng.integers(1, count, len(chosen))
    return shifts


def shifts_of_sets(labels: np.ndarray, count: int, dataset: str) -> dict[str, np.ndarray]:
    """The label shifts (n,) of every set of study e."""
    return {
        name: swap_labels(labels, count, share, numpy_generator("swapped labels", name, dataset))
        for name, share in SETS.items()
    }


def compare_sets(
    scores: np.ndarray, sets: dict[str, np.ndarray], columns: tuple[str, ...], scoring: Scoring, dataset: str, **shared
) -> Iterator[dict]:
    """Rows of the study `same_images`: mean scores of the sets, whose images are all the same.

    Args:
        scores: with every label, own label first, shape (n, labels, columns).
        sets: of `shifts_of_sets`.
        columns: what the scores are.
        scoring: bootstrap settings.
        dataset: seeds the draws, which all sets share.
        shared: evaluator, role and source of the rows.
    """
    for name, shifts in sets.items():
        chosen = scores[np.arange(len(scores)), shifts].astype(float)
        numbers = bootstrap_means([chosen], scoring.bootstrap, scoring.confidence, "same images", dataset)
        for column, number in zip(columns, numbers, strict=True):
            yield validity_row(
                number, study="same_images", method="real", dimension=column, condition=name, metric="mean", **shared
            )


def distance_of_sets(
    images: np.ndarray, reference: np.ndarray, scoring: Scoring, dataset: str, **shared
) -> Iterator[dict]:
    """Rows of the study `same_images`: the sets' Frechet distance to other images, which no label enters.

    Args:
        images: features of the images that all sets share, shape (n, width).
        reference: features of other images of the same kind, shape (m, width).
        scoring: sets the confidence of the interval.
        dataset: seeds the draws.
        shared: evaluator, role and source of the rows.
    """
    moments = [
        Moments.of(
            scale_embeddings(features),
            whole_and_draws(len(features), DISTANCE_DRAWS, numpy_generator("distance of sets", name, dataset)),
        )
        for name, features in (("images", images), ("reference", reference))
    ]
    values = shift_draws(frechet_distance(*moments))
    number = Estimate(float(values[0]), *interval(values[1:], scoring.confidence), len(images), 1)
    for name in SETS:
        yield validity_row(number, study="same_images", method="real", condition=name, metric="fid", **shared)
