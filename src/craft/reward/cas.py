"""The Clinical Alignment Score (CAS): dimensions beyond visual fidelity, one evaluator at a time.

The dimensions, their formulas and their calibration are our own specification; of the paper we know the abstract only.
Each dimension (`craft.reward.dimensions`) gives an image with embedding f and its intended label y a raw score. The raw
score becomes a probability in [0, 1] by a logistic map fitted on real calibration images (`craft.reward.calibration`);
CAS combines them (`combine`). Everything is differentiable in f, so that one implementation serves as metric and as
reward.
"""

from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import torch
from torch import Tensor, nn

from craft.core.errors import CraftError
from craft.reward.dimensions import DIMENSIONS
from craft.reward.evidence import Evidence

Scores = TypeVar("Scores", Tensor, np.ndarray)


def combine(dimensions: Scores) -> Scores:
    """CAS (...,) of calibrated dimensions (..., d), each in [0, 1]: their mean."""
    return dimensions.mean(-1)


@dataclass(frozen=True)
class Logistic:
    """p = sigmoid(slope * raw + intercept), and how well the raw score separates matched from mismatched pairs."""

    slope: float
    intercept: float
    auroc: float
    pairs: int


class RawScores(nn.Module):
    """The raw scores of images under one evaluator, in every dimension.

    Attributes:
        evidence: what they are computed from.
        names: of the dimensions, in their order.
    """

    def __init__(self, evidence: Evidence):
        super().__init__()
        self.evidence, self.names = evidence, list(DIMENSIONS)
        self.dimensions = nn.ModuleDict({name: kind(evidence) for name, kind in DIMENSIONS.items()})

    def forward(self, features: Tensor, labels: Tensor) -> Tensor:
        """Raw scores (n, d) in the order of `names` of embeddings (n, width) with label numbers (n,).

        Raises:
            CraftError: if the embeddings are not as wide as those of the texts and references.
        """
        if features.shape[1] != self.evidence.width:
            raise CraftError(
                f"the images' features are {features.shape[1]} numbers wide, those of the texts and reference images"
                f" {self.evidence.width}: they come from different evaluators; run encode_images again"
            )
        with self.evidence.shared():
            return torch.stack([dimension(features, labels) for dimension in self.dimensions.values()], dim=1)

    def dimension(self, name: str) -> nn.Module:
        """One dimension by its name."""
        return self.dimensions[name]


class ClinicalAlignment(nn.Module):
    """Calibrated dimensions and CAS of one evaluator on one dataset.

    Attributes:
        names: of the dimensions, in their order.
        labels: number of labels of the dataset.
    """

    def __init__(self, raw: RawScores, calibration: dict[str, Logistic]):
        super().__init__()
        self.raw, self.names, self.labels = raw, raw.names, raw.evidence.labels
        if missing := [name for name in self.names if name not in calibration]:
            raise CraftError(f"the calibration lacks the dimension {missing[0]!r}; run calibrate_cas again")
        self.register_buffer("slope", torch.tensor([calibration[name].slope for name in self.names]))
        self.register_buffer("intercept", torch.tensor([calibration[name].intercept for name in self.names]))

    def forward(self, features: Tensor, labels: Tensor) -> Tensor:
        """Calibrated dimensions (n, d), each in [0, 1], of embeddings (n, width) with label numbers (n,)."""
        return torch.sigmoid(self.raw(features, labels) * self.slope + self.intercept)

    def cas(self, features: Tensor, labels: Tensor) -> Tensor:
        """Clinical Alignment Score (n,) of embeddings (n, width) with label numbers (n,)."""
        return combine(self(features, labels))
