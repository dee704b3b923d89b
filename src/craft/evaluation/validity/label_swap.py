"""Study `label_swap`: does a score tell the images of a label from others that claim it?

The images are real test images, with their own and with every other label. For every label, its own images are held
against the others that claim it (`label_auroc`); the AUROC of a score is the mean over labels (`auroc`). It cannot be
moved by how high a score stands for a label or for an image (`craft.evaluation.statistics.ranks.label_swap_auroc`). How
much CAS loses without a dimension is the study `drop_one`.
"""

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from torch import Tensor

from craft.core.settings import REAL
from craft.evaluation.settings import ScoringSettings
from craft.evaluation.statistics.ranks import claimed_label_aurocs, label_swap_auroc
from craft.evaluation.validity.rows import estimate_by_key, validity_row, with_shares
from craft.evaluation.validity.scores import all_scores, named_scores
from craft.reward.cas import ClinicalAlignment
from craft.reward.evidence import ImageFeatures

# the metric of a single claimed label, which is the condition of its row
LABEL_AUROC = "label_auroc"


@torch.inference_mode()
def score_every_label(alignment: ClinicalAlignment, features: ImageFeatures, labels: Tensor) -> np.ndarray:
    """Calibrated dimensions with every label.

    Args:
        alignment: CAS of one judge.
        features: what its judge sees in n images.
        labels: numbers of their own labels, shape (n,).

    Returns:
        Shape (n, labels, dimensions), in [0, 1]; place 0 holds an image's own label, then the next ones in turn.
    """
    turned = [(labels + shift) % alignment.labels for shift in range(alignment.labels)]
    return torch.stack([alignment(features, each) for each in turned], dim=1).numpy()


def in_label_order(scores: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Scores (n, labels) with every label in the order of the labels, of those with the own label (n,) first."""
    ordered, count = np.empty_like(scores), scores.shape[1]
    ordered[np.arange(len(scores))[:, None], (labels[:, None] + np.arange(count)) % count] = scores
    return ordered


def separate_labels(
    dimensions: np.ndarray, labels: np.ndarray, names: Sequence[str], scoring: ScoringSettings, dataset: str, **shared
) -> Iterator[dict]:
    """Rows of the studies `label_swap` (each dimension and CAS) and `drop_one` (CAS without a dimension).

    Args:
        dimensions: of `score_every_label`.
        labels: numbers of the images' own labels, shape (n,).
        names: of all labels; one without test images has no row of its own.
        scoring: bootstrap settings.
        dataset: seeds the resamples.
        shared: evaluator, role and source of the rows.
    """
    dimensions = dimensions.astype(float)
    scores = {name: in_label_order(score, labels) for name, score in all_scores(dimensions).items()}

    def statistic(counts: np.ndarray) -> dict:
        aurocs = {name: claimed_label_aurocs(score, labels, counts) for name, score in scores.items()}
        means = {name: label_swap_auroc(each, labels, counts) for name, each in aurocs.items()}
        single = {
            ("label_swap", name, LABEL_AUROC, label): column
            for name in named_scores(dimensions)
            for label, column in zip(names, aurocs[name].T, strict=True)
        }
        return with_shares("label_swap", "auroc", means) | single

    numbers = estimate_by_key(labels, 1, statistic, scoring, "label swap", dataset)
    for (study, dimension, metric, *condition), number in numbers.items():
        if np.isfinite(number.value):
            place = {"dimension": dimension, "condition": "".join(condition), "metric": metric}
            yield validity_row(number, study=study, method=REAL, **place, **shared)
