"""Plausibility: could it be a real image of this modality and label?"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from craft.core.neighbours import largest_products
from craft.reward.dimensions.base import Dimension
from craft.reward.evidence import Evidence, ImageFeatures

# added to every spread, as a share of the mean one, so that numbers that hardly vary do not decide
LEAST_SPREAD = 0.1


class Plausibility(Dimension):
    """Mean cosine of visual directions to the k nearest real *reference* images of the label, in [-1, 1].

    The features are of an encoder that never read a text: it sees anatomy where an image-text evaluator sees labels. An
    image's direction is its features brought to length 1, standardised number by number over the reference images, and
    brought to length 1 again: what all images of the modality share says nothing, and what is no image of it, whose
    features are strong where the references' hardly vary, points elsewhere.
    """

    question = "could it be a real image of this modality and label?"
    mismatched = "no_images"
    gate = True

    def __init__(self, evidence: Evidence):
        super().__init__(evidence)
        known = F.normalize(torch.cat(evidence.references), dim=1)
        spread = known.std(0, unbiased=False)
        self.register_buffer("centre", known.mean(0))
        self.register_buffer("spread", (spread + LEAST_SPREAD * spread.mean()).clamp_min(1e-8))
        self.references = nn.ParameterList(
            [nn.Parameter(self.direction(reference), requires_grad=False) for reference in evidence.references]
        )

    def direction(self, visual: Tensor) -> Tensor:
        """Directions (n, visual width), of length 1, of features (n, visual width)."""
        return F.normalize((F.normalize(visual, dim=1) - self.centre) / self.spread, dim=1)

    def forward(self, features: ImageFeatures, labels: Tensor) -> Tensor:
        """See `Dimension.forward`."""
        directions = self.direction(features.visual)
        scores = torch.zeros_like(directions[:, 0])
        for label, reference in enumerate(self.references):
            rows = torch.nonzero(labels == label).flatten()
            if len(rows):
                nearest, _ = largest_products(directions[rows], reference, self.evidence.neighbours)
                scores = scores.index_put((rows,), nearest.mean(1))
        return scores


DIMENSION = Plausibility
