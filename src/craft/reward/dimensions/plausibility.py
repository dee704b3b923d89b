"""Plausibility: could it be a real image of this modality and label?"""

import torch
from torch import Tensor, nn

from craft.core.neighbours import largest_products
from craft.reward.dimensions.base import Dimension
from craft.reward.evidence import Evidence


class Plausibility(Dimension):
    """Mean cosine of f to its k nearest real *reference* images of the label, in [-1, 1]."""

    question = "could it be a real image of this modality and label?"
    refuses_impossible = True

    def __init__(self, evidence: Evidence):
        super().__init__(evidence)
        self.references = nn.ParameterList(
            [nn.Parameter(reference, requires_grad=False) for reference in evidence.references]
        )

    def forward(self, features: Tensor, labels: Tensor) -> Tensor:
        """See `Dimension.forward`."""
        scores = torch.zeros_like(features[:, 0])
        for label, reference in enumerate(self.references):
            rows = torch.nonzero(labels == label).flatten()
            if len(rows):
                nearest, _ = largest_products(features[rows], reference, self.evidence.neighbours)
                scores = scores.index_put((rows,), nearest.mean(1))
        return scores


DIMENSION = Plausibility
