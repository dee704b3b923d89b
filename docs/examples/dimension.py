"""A dimension that asks real images alone: is an image nearer to those of its label than to those of any other?"""

import torch
import torch.nn.functional as F
from torch import Tensor

from craft.reward.dimensions import DIMENSIONS
from craft.reward.dimensions.base import Dimension
from craft.reward.evidence import Evidence, ImageFeatures


@DIMENSIONS.register("neighbourhood")
class Neighbourhood(Dimension):
    """Cosine to the mean reference image of the label, less the largest to that of another label, in [-2, 2]."""

    question = "is it nearer to real images of this label than to those of any other?"

    def __init__(self, evidence: Evidence):
        super().__init__(evidence)
        centres = torch.stack([F.normalize(reference, dim=1).mean(0) for reference in evidence.references])
        self.register_buffer("centres", F.normalize(centres, dim=1))

    def forward(self, features: ImageFeatures, labels: Tensor) -> Tensor:
        """Raw scores (n,) of the features of n images with label numbers (n,)."""
        own, similarity = labels[:, None], F.normalize(features.visual, dim=1) @ self.centres.T
        others = similarity.scatter(1, own, float("-inf")).amax(1)
        return similarity.gather(1, own)[:, 0] - others
