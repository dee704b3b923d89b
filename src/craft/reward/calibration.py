"""Calibration: raw scores become probabilities that mean the same for every label, evaluator and dataset.

A logistic regression per dimension separates *matched* pairs (a real calibration image with its own label) from
*mismatched* ones, with one slope and an intercept for every *claimed* label: a text that is near to every image must
not make its label look well drawn. For dimensions that judge the label, the mismatched pairs are images of other labels
that claim this one. For those that judge the image they are no images of the modality, whatever label they claim:
damaged calibration images, noise, blank and two-valued images, and calibration images of other modalities. For every
claimed label both sides weigh the same, and labels weigh alike. Only real calibration images are used.
"""

import logging
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from craft.core.errors import CraftError
from craft.reward.cas import Logistic, RawScores
from craft.reward.evidence import ImageFeatures

log = logging.getLogger(__name__)

# inverse strength of the ridge penalty on the standardised slope
STRENGTH = 10.0
# with so many images, a label's intercept goes half of the way from the one that all labels share to its own
PRIOR = 5.0


@dataclass(frozen=True)
class Pairs:
    """Raw scores of n images, each with a label that it claims.

    Attributes:
        raw: the scores, shape (n,).
        claimed: numbers of the claimed labels, shape (n,).
        kinds: numbers of what the images are, shape (n,).
        shares: what every kind weighs among the pairs that claim one label, shape (kinds,), in any unit.
    """

    raw: np.ndarray
    claimed: np.ndarray
    kinds: np.ndarray
    shares: np.ndarray

    def weights(self, labels: int) -> np.ndarray:
        """Weights (n,) that sum to 1 over the pairs of every claimed label, of `labels` labels."""
        found = np.zeros((labels, len(self.shares)))
        np.add.at(found, (self.claimed, self.kinds), 1)
        shares = np.where(found > 0, self.shares, 0)
        shares = shares / np.maximum(shares.sum(axis=1, keepdims=True), 1e-12)
        return (shares / np.maximum(found, 1))[self.claimed, self.kinds]


def fit_logistic(matched: Pairs, mismatched: Pairs, labels: int) -> Logistic:
    """Fit one dimension's map.

    The level of a claimed label is the mean raw score of its mismatched pairs, of which even a rare label has many. The
    map is of the distance from that level: a slope, an intercept that all labels share, and each label's deviation from
    it under a ridge penalty that weighs as much as `PRIOR` further images of the label would at a score of one half. So
    a label with a handful of images stays near the others, and one without matched pairs takes the shared intercept.

    A dimension that does not separate the pairs in the expected direction gets slope 0 and says 0.5 of everything,
    instead of rewarding the opposite of what it asks.

    Args:
        matched: pairs of calibration images and their own labels.
        mismatched: pairs that should score lower.
        labels: number of labels.

    Raises:
        CraftError: if there is no label with pairs of both sides, or a raw score is not finite.
    """
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import roc_auc_score

    raw = np.concatenate([matched.raw, mismatched.raw]).astype(float)
    claimed = np.concatenate([matched.claimed, mismatched.claimed])
    target = np.r_[np.ones(len(matched.raw)), np.zeros(len(mismatched.raw))]
    images, others = (np.bincount(pairs.claimed, minlength=labels) for pairs in (matched, mismatched))
    whole = np.flatnonzero((images > 0) & (others > 0))
    if not len(whole):
        raise CraftError("calibration needs matched and mismatched pairs; put more images into the split `calibration`")
    if not np.isfinite(raw).all():
        raise CraftError("a raw score of a calibration image is not finite; check the evaluator and its images")
    sums = np.bincount(mismatched.claimed, mismatched.weights(labels) * mismatched.raw, minlength=labels)
    levels = np.where(others > 0, sums, sums[others > 0].mean())
    used = np.isin(claimed, whole)
    # as in a regression without weights, these sum to the number of pairs
    weights = np.concatenate([pairs.weights(labels) for pairs in (matched, mismatched)]) * used
    weights *= used.sum() / weights.sum()
    distance = raw - levels[claimed]
    centre = np.average(distance, weights=weights)
    spread = max(np.sqrt(np.average((distance - centre) ** 2, weights=weights)), 1e-8)
    # the penalty on a column's coefficient is 1 / STRENGTH, that on what the column adds goes with its square
    label_weight = used.sum() / len(whole)
    scales = np.sqrt(4 * np.minimum(images, others) / (STRENGTH * PRIOR * label_weight))
    columns = np.column_stack([(distance - centre) / spread, np.eye(labels)[claimed] * scales])
    model = LogisticRegression(C=STRENGTH, max_iter=1000).fit(columns[used], target[used], weights[used])
    slope = float(model.coef_[0, 0] / spread)
    intercepts = model.intercept_[0] + model.coef_[0, 1:] * scales - slope * (centre + levels)
    if slope <= 0:
        slope, intercepts = 0.0, np.zeros(labels)
    of_labels = [claimed == label for label in whole]
    aurocs = [roc_auc_score(target[rows], raw[rows], sample_weight=weights[rows]) for rows in of_labels]
    return Logistic(slope, tuple(map(float, intercepts)), float(np.mean(aurocs)), len(raw))


@torch.inference_mode()
def calibrate(
    raw: RawScores,
    features: ImageFeatures,
    labels: Tensor,
    damaged: tuple[ImageFeatures, Tensor],
    others: ImageFeatures | None = None,
) -> dict[str, Logistic]:
    """Fit all dimensions of one judge on one dataset.

    Among the images of other labels that claim a label, every label weighs the same. Among no images, damaged ones and
    those of other modalities weigh for every claimed label what they weigh over all.

    Args:
        raw: the judge's raw scores.
        features: of n real calibration images.
        labels: numbers of their labels, shape (n,).
        damaged: features of m damaged copies of these images and of what is no image, and numbers of labels (m,).
        others: features of calibration images of other modalities, where there are some; they claim labels in turn.

    Returns:
        The map of every dimension by its name.
    """
    count, own = raw.evidence.labels, labels.numpy()
    matched, turns = raw(features, labels).numpy(), range(1, count)
    rivals = torch.cat([raw(features, (labels + shift) % count) for shift in turns]).numpy()
    claimed = np.concatenate([(own + shift) % count for shift in turns])
    none, claims = [raw(*damaged).numpy()], [damaged[1].numpy()]
    if others is not None:
        in_turn = torch.arange(len(others)) % count
        none, claims = [*none, raw(others, in_turn).numpy()], [*claims, in_turn.numpy()]
    sizes = np.array([len(each) for each in claims])
    maps = {}
    for column, name in enumerate(raw.names):
        if raw.dimension(name).mismatched == "no_images":
            scores, kinds = np.concatenate(none)[:, column], np.repeat(np.arange(len(sizes)), sizes)
            wrong = Pairs(scores, np.concatenate(claims), kinds, sizes)
        else:
            wrong = Pairs(rivals[:, column], claimed, np.tile(own, count - 1), np.ones(count))
        right = Pairs(matched[:, column], own, np.zeros_like(own), np.ones(1))
        maps[name] = fit_logistic(right, wrong, count)
        if maps[name].slope == 0:
            log.warning("%s does not tell matched from mismatched pairs (AUROC %.2f)", name, maps[name].auroc)
    return maps
