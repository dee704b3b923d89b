"""Checklist: are the clinical signs present, item by item?"""

from torch import Tensor

from craft.reward.dimensions.base import Dimension
from craft.reward.evidence import Evidence, ImageFeatures


class Checklist(Dimension):
    """Weighted mean over the label's checklist items of scale * (cos(f, g(present)) - cos(f, g(absent)))."""

    question = "are the clinical signs present, item by item?"

    def __init__(self, evidence: Evidence):
        super().__init__(evidence)
        self.register_buffer("contrast", evidence.contrast)

    def forward(self, features: ImageFeatures, labels: Tensor) -> Tensor:
        """See `Dimension.forward`."""
        return self.evidence.scale * (features.aligned @ self.contrast.T).gather(1, labels[:, None])[:, 0]


DIMENSION = Checklist
