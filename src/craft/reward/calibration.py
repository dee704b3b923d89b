"""Calibration: raw scores become probabilities that mean the same for every evaluator and dataset.

A logistic regression per dimension separates *matched* pairs (a real calibration image with its own label) from
*mismatched* ones (the same image with every other label of the modality). For plausibility, structurally damaged
images and images of other modalities are mismatched too. Both sides weigh the same, so 0.5 means "as likely as not to
be a true image of its label". Only real calibration images are used.
"""

import logging

import numpy as np
import torch
from torch import Tensor

from craft.core.errors import CraftError
from craft.reward.cas import DIMENSIONS, Logistic, RawScores

log = logging.getLogger(__name__)


def fit_logistic(matched: np.ndarray, mismatched: np.ndarray) -> Logistic:
    """Fit one dimension's map.

    A dimension that does not separate the pairs in the expected direction gets slope 0 and says 0.5 of everything,
    instead of rewarding the opposite of what it asks.

    Args:
        matched: raw scores of matched pairs, shape (n,).
        mismatched: raw scores of mismatched pairs, shape (m,).

    Raises:
        CraftError: if either is empty or holds a non-finite value.
    """
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import roc_auc_score

    if not len(matched) or not len(mismatched):
        raise CraftError("calibration needs matched and mismatched pairs; put more images into the split `calibration`")
    raw = np.concatenate([matched, mismatched]).astype(float)
    if not np.isfinite(raw).all():
        raise CraftError("a raw score of a calibration image is not finite; check the evaluator and its images")
    target = np.r_[np.ones(len(matched)), np.zeros(len(mismatched))]
    centre, spread = raw.mean(), max(raw.std(), 1e-8)
    model = LogisticRegression(C=10.0, class_weight="balanced").fit((raw[:, None] - centre) / spread, target)
    slope = float(model.coef_[0, 0] / spread)
    intercept = float(model.intercept_[0] - slope * centre)
    if slope <= 0:
        slope = intercept = 0.0
    return Logistic(slope, intercept, float(roc_auc_score(target, raw)), len(raw))


@torch.inference_mode()
def calibrate(raw: RawScores, features: Tensor, labels: Tensor, damaged: Tensor, others: Tensor) -> dict[str, Logistic]:
    """Fit all four dimensions of one evaluator on one dataset.

    Args:
        raw: the evaluator's raw scores.
        features: embeddings of real calibration images, shape (n, width).
        labels: their labels, shape (n,).
        damaged: embeddings of damaged copies of these images, shape (n * kinds, width), kinds after each other.
        others: embeddings of calibration images of other modalities, shape (m, width); may be empty.
    """
    count = len(raw.description)
    matched = raw(features, labels)
    shifts = [(labels + shift) % count for shift in range(1, count)]
    mismatched = torch.cat([raw(features, shifted) for shifted in shifts])
    copies = labels.repeat(len(damaged) // len(labels)) if len(damaged) else labels[:0]
    foreign = torch.arange(len(others)) % count
    impossible = torch.cat([raw.plausibility(damaged, copies), raw.plausibility(others, foreign)])
    maps = {}
    for column, name in enumerate(DIMENSIONS):
        negative = mismatched[:, column]
        if name == "plausibility":
            negative = torch.cat([negative, impossible])
        maps[name] = fit_logistic(matched[:, column].numpy(), negative.numpy())
        if maps[name].slope == 0:
            log.warning("%s does not tell matched from mismatched pairs (AUROC %.2f)", name, maps[name].auroc)
    return maps
