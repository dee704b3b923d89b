"""The Clinical Alignment Score (CAS): dimensions beyond visual fidelity, one evaluator at a time.

The dimensions, their formulas and their calibration are our own specification; of the paper we know the abstract only.
Each dimension (`craft.reward.dimensions`) gives an image and its intended label y a raw score, from what a judge sees
in it (`craft.reward.evidence.ImageFeatures`). The raw score becomes a probability in [0, 1] by a logistic map with an
intercept for every label, fitted on real calibration images (`craft.reward.calibration`); CAS combines them:

    CAS = plausibility * mean(alignment, specificity, checklist)

What is no image of the modality is not clinically aligned, whatever its label scores say: plausibility is a gate.
Everything is differentiable in the features, so that one implementation serves as metric and as reward.
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from craft.core.errors import CraftError
from craft.reward.combination import combine
from craft.reward.dimensions import DIMENSIONS
from craft.reward.evidence import Evidence, ImageFeatures


@dataclass(frozen=True)
class Logistic:
    """p = sigmoid(slope * raw + intercept of the claimed label), of one dimension.

    Attributes:
        slope: at least 0, and the same for all labels.
        intercepts: one for every label, in their order.
        auroc: of the raw score, matched against mismatched pairs that claim the same label; the mean over labels.
        pairs: how many it was fitted on.
    """

    slope: float
    intercepts: tuple[float, ...]
    auroc: float
    pairs: int


class RawScores(nn.Module):
    """The raw scores of images under one judge, in every dimension.

    Attributes:
        evidence: what they are computed from.
        names: of the dimensions, in their order.
    """

    def __init__(self, evidence: Evidence):
        super().__init__()
        self.evidence, self.names = evidence, list(DIMENSIONS)
        self.dimensions = nn.ModuleDict({name: kind(evidence) for name, kind in DIMENSIONS.items()})

    def forward(self, features: ImageFeatures, labels: Tensor) -> Tensor:
        """Raw scores (n, d) in the order of `names` of the features of n images with label numbers (n,).

        Raises:
            CraftError: if the features are not as wide as those of the texts and references.
        """
        widths = (features.aligned.shape[1], features.visual.shape[1])
        if widths != (self.evidence.width, self.evidence.visual_width):
            raise CraftError(
                f"the images' features are {widths[0]} and {widths[1]} numbers wide, those of the texts"
                f" {self.evidence.width} and of the reference images {self.evidence.visual_width}: they come from"
                " different models; run encode_images again"
            )
        with self.evidence.shared():
            return torch.stack([dimension(features, labels) for dimension in self.dimensions.values()], dim=1)

    def dimension(self, name: str) -> nn.Module:
        """One dimension by its name."""
        return self.dimensions[name]


class ClinicalAlignment(nn.Module):
    """Calibrated dimensions and CAS of one judge on one dataset.

    Attributes:
        names: of the dimensions, in their order.
        labels: number of labels of the dataset.
    """

    def __init__(self, raw: RawScores, calibration: dict[str, Logistic]):
        super().__init__()
        self.raw, self.names, self.labels = raw, raw.names, raw.evidence.labels
        if missing := [name for name in self.names if name not in calibration]:
            raise CraftError(f"the calibration lacks the dimension {missing[0]!r}; run calibrate_cas again")
        maps = [calibration[name] for name in self.names]
        if wrong := [each for each in maps if len(each.intercepts) != self.labels]:
            raise CraftError(
                f"the calibration has intercepts of {len(wrong[0].intercepts)} labels, the knowledge {self.labels};"
                " run calibrate_cas again"
            )
        self.register_buffer("slope", torch.tensor([each.slope for each in maps]))
        self.register_buffer("intercepts", torch.tensor([each.intercepts for each in maps]).T.contiguous())

    def forward(self, features: ImageFeatures, labels: Tensor) -> Tensor:
        """Calibrated dimensions (n, d), each in [0, 1], of the features of n images with label numbers (n,)."""
        return torch.sigmoid(self.raw(features, labels) * self.slope + self.intercepts[labels])

    def cas(self, features: ImageFeatures, labels: Tensor) -> Tensor:
        """Clinical Alignment Score (n,) of the features of n images with label numbers (n,)."""
        return combine(self(features, labels), self.names)
