"""Calibration: raw scores become probabilities that mean the same for every evaluator and dataset.

A logistic regression per dimension separates *matched* pairs (a real calibration image with its own label) from
*mismatched* ones. For dimensions that judge the label these are the same images with every other label of the modality.
For those that judge the image they are no images of the modality, whatever their label: damaged calibration images,
noise, blank and two-valued images, and calibration images of other modalities. Both sides weigh the same. Only real
calibration images are used.
"""

import logging

import numpy as np
import torch
from torch import Tensor

from craft.core.errors import CraftError
from craft.reward.cas import Logistic, RawScores
from craft.reward.evidence import ImageFeatures

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
def calibrate(
    raw: RawScores,
    features: ImageFeatures,
    labels: Tensor,
    damaged: tuple[ImageFeatures, Tensor],
    others: ImageFeatures | None = None,
) -> dict[str, Logistic]:
    """Fit all dimensions of one judge on one dataset.

    Args:
        raw: the judge's raw scores.
        features: of n real calibration images.
        labels: numbers of their labels, shape (n,).
        damaged: features of m damaged copies of these images and of what is no image, and numbers of labels (m,).
        others: features of calibration images of other modalities, where there are some.

    Returns:
        The map of every dimension by its name.
    """
    count = raw.evidence.labels
    matched = raw(features, labels)
    rivals = torch.cat([raw(features, (labels + shift) % count) for shift in range(1, count)])
    none = raw(*damaged)
    if others is not None:
        none = torch.cat([none, raw(others, torch.arange(len(others)) % count)])
    maps = {}
    for column, name in enumerate(raw.names):
        mismatched = none if raw.dimension(name).mismatched == "no_images" else rivals
        maps[name] = fit_logistic(matched[:, column].numpy(), mismatched[:, column].numpy())
        if maps[name].slope == 0:
            log.warning("%s does not tell matched from mismatched pairs (AUROC %.2f)", name, maps[name].auroc)
    return maps
