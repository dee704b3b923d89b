"""Plausibility: could it be a real image of this modality and label?"""

import torch
from torch import Tensor, nn

from craft.core.neighbours import largest_products
from craft.reward.dimensions import GATES
from craft.reward.dimensions.base import Dimension
from craft.reward.directions import Directions
from craft.reward.evidence import Evidence, ImageFeatures


class Plausibility(Dimension):
    """Mean cosine of visual directions to the k nearest real *reference* images of the label, in [-1, 1].

    The features are of an encoder that never read a text: it sees anatomy where an image-text evaluator sees labels.
    Where they point is relative to the reference images (`craft.reward.directions`).
    """

    question = "could it be a real image of this modality and label?"
    mismatched = "no_images"
    gate = "plausibility" in GATES

    def __init__(self, evidence: Evidence):
        super().__init__(evidence)
        self.direction = Directions(torch.cat(evidence.references))
        self.references = nn.ParameterList(
            [nn.Parameter(self.direction(reference), requires_grad=False) for reference in evidence.references]
        )

    def forward(self, features: ImageFeatures, labels: Tensor) -> Tensor:
        """See `Dimension.forward`."""
        directions = self.direction(features.visual)
        scores = torch.zeros_like(directions[:, 0])
        for label, reference in enumerate(self.references):
            rows = torch.nonzero(labels == label).flatten()
            if len(rows):
                nearest, _ = largest_products(directions[rows], reference, self.evidence.neighbours)
                # under autocast the products are of half precision
                scores = scores.index_put((rows,), nearest.mean(1).to(scores.dtype))
        return scores


DIMENSION = Plausibility
