"""Specificity: is it this label and not a sibling?"""

from torch import Tensor

from craft.reward.dimensions.base import Dimension
from craft.reward.evidence import Evidence, ImageFeatures


class Specificity(Dimension):
    """Log-odds of the label in the softmax over all labels of the scaled mean similarities to their descriptions."""

    question = "is it this label and not a sibling?"

    def __init__(self, evidence: Evidence):
        super().__init__(evidence)
        self.register_buffer("description", evidence.description)

    def forward(self, features: ImageFeatures, labels: Tensor) -> Tensor:
        """See `Dimension.forward`."""
        own = labels[:, None]
        logits = self.evidence.scale * self.evidence.similarity(features, self.description)
        others = logits.scatter(1, own, float("-inf")).logsumexp(1, keepdim=True)
        return (logits.gather(1, own) - others)[:, 0]


DIMENSION = Specificity
