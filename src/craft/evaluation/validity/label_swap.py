"""Study `label_swap`: does a score tell an image's own label from the others?

The images are real test images, with their own and with every other label, so that nothing but the label can move a
score. How much CAS loses without a dimension is the study `drop_one`.
"""

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor

from craft.core.settings import REAL
from craft.evaluation.settings import ScoringSettings
from craft.evaluation.statistics.ranks import label_swap_auroc, win_chances
from craft.evaluation.validity.rows import estimate_by_key, validity_row, with_shares
from craft.evaluation.validity.scores import all_scores
from craft.reward.cas import ClinicalAlignment
from craft.reward.evidence import ImageFeatures


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


def separate_labels(dimensions: np.ndarray, scoring: ScoringSettings, dataset: str, **shared) -> Iterator[dict]:
    """Rows of the studies `label_swap` (each dimension and CAS) and `drop_one` (CAS without a dimension).

    Args:
        dimensions: of `score_every_label`.
        scoring: bootstrap settings.
        dataset: seeds the resamples.
        shared: evaluator, role and source of the rows.
    """
    scores = all_scores(dimensions.astype(float))
    chances = {name: win_chances(score[:, 0], score[:, 1:]) for name, score in scores.items()}

    def statistic(counts: np.ndarray) -> dict:
        aurocs = {name: label_swap_auroc(each, counts) for name, each in chances.items()}
        return with_shares("label_swap", "auroc", aurocs)

    numbers = estimate_by_key(len(dimensions), 1, statistic, scoring, "label swap", dataset)
    for (study, dimension, metric), number in numbers.items():
        yield validity_row(number, study=study, method=REAL, dimension=dimension, metric=metric, **shared)
