"""Alignment: does the image match what the label's description says?"""

from torch import Tensor

from craft.reward.dimensions.base import Dimension
from craft.reward.evidence import Evidence, ImageFeatures


class Alignment(Dimension):
    """Mean over the enriched descriptions d of the label of cos(f, g(d)), in [-1, 1]."""

    question = "does the image match what the label's description says?"

    def __init__(self, evidence: Evidence):
        super().__init__(evidence)
        self.register_buffer("description", evidence.description)

    def forward(self, features: ImageFeatures, labels: Tensor) -> Tensor:
        """See `Dimension.forward`."""
        return self.evidence.similarity(features, self.description).gather(1, labels[:, None])[:, 0]


DIMENSION = Alignment
