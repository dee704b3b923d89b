"""The Clinical Alignment Score (CAS): four dimensions beyond visual fidelity, one evaluator at a time.

The dimensions, their formulas and their calibration are our own specification; of the paper we know the abstract only.
For an image with embedding f and its intended label y among the labels Y of its modality:

- alignment: mean over the enriched descriptions d of y of cos(f, g(d));
- specificity: log-odds of y in the softmax over Y of the scaled mean similarities to their descriptions;
- checklist: weighted mean over the checklist items of y of scale * (cos(f, g(present)) - cos(f, g(absent)));
- plausibility: mean cosine of f to its k nearest real *reference* images of y.

Each raw score becomes a probability in [0, 1] by a logistic map fitted on real calibration images
(`craft.reward.calibration`); CAS is their mean. Everything is differentiable in f, so that one implementation serves as
metric and as reward.
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from craft.core.errors import CraftError
from craft.core.neighbours import largest_products

DIMENSIONS = ("alignment", "specificity", "checklist", "plausibility")


@dataclass(frozen=True)
class Logistic:
    """p = sigmoid(slope * raw + intercept), and how well the raw score separates matched from mismatched pairs."""

    slope: float
    intercept: float
    auroc: float
    pairs: int


@dataclass(frozen=True)
class LabelTexts:
    """Embeddings of what the knowledge says of one label, L2-normalised, shapes (n, width); weights (items,)."""

    descriptions: Tensor
    present: Tensor
    absent: Tensor
    weights: Tensor


class RawScores(nn.Module):
    """The four raw scores of images under one evaluator.

    Args:
        texts: text embeddings of every label, in the order of the labels.
        references: embeddings of real reference images of every label, shapes (n, width).
        scale: the evaluator's inverse temperature.
        neighbours: k of the plausibility dimension; a label with fewer references uses all it has.
    """

    def __init__(self, texts: list[LabelTexts], references: list[Tensor], scale: float, neighbours: int):
        super().__init__()
        if len(texts) != len(references) or len(texts) < 2:
            raise ValueError(f"need texts and references of the same two or more labels, got {len(texts)}")
        if empty := [index for index, reference in enumerate(references) if not len(reference)]:
            raise CraftError(f"label number {empty[0]} has no reference image; give it some in the split `reference`")
        # cosines are linear in the texts, so a label's mean description and item contrast are one vector each
        self.register_buffer("description", torch.stack([text.descriptions.mean(0) for text in texts]))
        contrast = [
            (text.weights[:, None] * (text.present - text.absent)).sum(0) / text.weights.sum() for text in texts
        ]
        self.register_buffer("contrast", torch.stack(contrast))
        self.references = nn.ParameterList([nn.Parameter(reference, requires_grad=False) for reference in references])
        self.scale, self.neighbours = float(scale), neighbours

    def forward(self, features: Tensor, labels: Tensor) -> Tensor:
        """Raw scores (n, 4) in the order of `DIMENSIONS` of embeddings (n, width) with labels (n,).

        Raises:
            CraftError: if the embeddings are not as wide as those of the texts and references.
        """
        if features.shape[1] != self.description.shape[1]:
            raise CraftError(
                f"the images' features are {features.shape[1]} numbers wide, those of the texts and reference images"
                f" {self.description.shape[1]}: they come from different evaluators; run encode_images again"
            )
        own = labels[:, None]
        similarity = features @ self.description.T
        alignment = similarity.gather(1, own)
        logits = self.scale * similarity
        others = logits.scatter(1, own, float("-inf")).logsumexp(1, keepdim=True)
        specificity = logits.gather(1, own) - others
        checklist = self.scale * (features @ self.contrast.T).gather(1, own)
        return torch.cat([alignment, specificity, checklist, self.plausibility(features, labels)[:, None]], dim=1)

    def plausibility(self, features: Tensor, labels: Tensor) -> Tensor:
        """Mean cosine (n,) to the k nearest references of each image's label."""
        scores = torch.zeros_like(features[:, 0])
        for label, reference in enumerate(self.references):
            rows = torch.nonzero(labels == label).flatten()
            if len(rows):
                nearest, _ = largest_products(features[rows], reference, self.neighbours)
                scores = scores.index_put((rows,), nearest.mean(1))
        return scores


class ClinicalAlignment(nn.Module):
    """Calibrated dimensions and CAS of one evaluator on one dataset."""

    def __init__(self, raw: RawScores, calibration: dict[str, Logistic]):
        super().__init__()
        if missing := [name for name in DIMENSIONS if name not in calibration]:
            raise CraftError(f"the calibration lacks the dimension {missing[0]!r}; run calibrate_cas again")
        self.raw = raw
        self.register_buffer("slope", torch.tensor([calibration[name].slope for name in DIMENSIONS]))
        self.register_buffer("intercept", torch.tensor([calibration[name].intercept for name in DIMENSIONS]))

    def forward(self, features: Tensor, labels: Tensor) -> Tensor:
        """Calibrated dimensions (n, 4), each in [0, 1], of embeddings (n, width) with labels (n,)."""
        return torch.sigmoid(self.raw(features, labels) * self.slope + self.intercept)

    def cas(self, features: Tensor, labels: Tensor) -> Tensor:
        """Clinical Alignment Score (n,), the mean of the four calibrated dimensions."""
        return self(features, labels).mean(1)
